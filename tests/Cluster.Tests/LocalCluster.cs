// Several silos and a client in this process: the product's own nodes, over real sockets, a real Redis and a real PostgreSQL.
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using Purser.Silo;
using GatewayOptions = Orleans.Configuration.GatewayOptions;
using SiloMessagingOptions = Orleans.Configuration.SiloMessagingOptions;

namespace Purser.Cluster.Tests;

/// <summary>Nodes of one cluster on one database; they can be stopped and started again on their ports.</summary>
public sealed class LocalCluster : IAsyncDisposable
{
    static readonly TimeSpan brief = TimeSpan.FromMilliseconds(100);

    readonly SiloOptions[] silos;
    readonly SiloHost?[] running;
    SiloHost? client;

    LocalCluster(SiloOptions[] silos) => (this.silos, running) = (silos, new SiloHost?[silos.Length]);

    public required string Postgres { get; init; }

    /// <summary>The client inside a silo.</summary>
    public IServiceProvider InSilo => running[0]!.Services;

    /// <summary>The client in front of the silos, as an api has it.</summary>
    public IServiceProvider OverTcp => client!.Services;

    public string ApiAddress => client!.Addresses.First();

    public string SiloAddress => running[0]!.Addresses.First();

    /// <summary>Where the silos and the client in front of them answer HTTP.</summary>
    public IReadOnlyList<Uri> Addresses => [.. running.OfType<SiloHost>().Append(client!).Select(node => new Uri(node.Addresses.First()))];

    /// <summary>How another client finds the silos.</summary>
    public required string Redis { get; init; }

    public required string ClusterId { get; init; }

    TimeProvider? Time { get; init; }

    /// <summary>Registers what takes the place of a node's own, in silos and in the client.</summary>
    Action<IServiceCollection>? Instead { get; init; }

    /// <param name="count">How many silos.</param>
    /// <param name="database">Theirs; a new one if not said.</param>
    /// <param name="redis">Where they find each other; the shared one if not said.</param>
    /// <param name="ofApi">Registers what the client in front of the silos has to bring along.</param>
    /// <param name="settings">Settings of that client.</param>
    /// <param name="time">What the ledger's time is carried by, in silos and in the client.</param>
    /// <param name="role">`all` makes silos that answer what an api does.</param>
    /// <param name="adminKey">The first key of all nodes.</param>
    /// <param name="instead">Registers what takes the place of a node's own, in silos and in the client.</param>
    public static async Task<LocalCluster> StartAsync(int count = 3, string? database = null, RedisServer? redis = null,
        Action<IServiceCollection>? ofApi = null, (string Name, string Value)[]? settings = null, TimeProvider? time = null,
        string role = "silo", string? adminKey = null, Action<IServiceCollection>? instead = null)
    {
        redis ??= await RedisServer.SharedAsync();
        var postgres = database ?? await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "test-" + Guid.NewGuid().ToString("N");
        var options = Enumerable.Range(0, count).Select(_ => new SiloOptions
        {
            Role = role, Redis = redis.ConnectionString, Postgres = postgres, ClusterId = clusterId, Urls = "http://127.0.0.1:0",
            SiloPort = ServerProcess.FreePort(), GatewayPort = ServerProcess.FreePort(), AdminKey = adminKey,
            ProbeSeconds = Probes,
        }).ToArray();
        var cluster = new LocalCluster(options)
        {
            Time = time, Instead = instead, Postgres = postgres, Redis = redis.ConnectionString, ClusterId = clusterId,
        };
        try
        {
            await cluster.StartSilosAsync();
            cluster.client = await StartClientAsync(redis.ConnectionString, clusterId, adminKey, services =>
            {
                Hurry(services);
                ofApi?.Invoke(services);
            }, settings, time, instead);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>None of these is killed: who misses three probes is short of a processor. Callers wait as long as that takes.</summary>
    const double Probes = 5;

    public static async Task<SiloHost> StartClientAsync(string redis, string clusterId, string? adminKey = null,
        Action<IServiceCollection>? services = null, (string Name, string Value)[]? settings = null, TimeProvider? time = null,
        Action<IServiceCollection>? instead = null)
    {
        var host = await BuildAsync(new() { Role = "api", Redis = redis, ClusterId = clusterId, Urls = "http://127.0.0.1:0",
            AdminKey = adminKey, ProbeSeconds = Probes }, services, settings, time, instead);
        try
        {
            await host.StartAsync();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    static Task<SiloHost> BuildAsync(SiloOptions options, Action<IServiceCollection>? services = null,
        (string Name, string Value)[]? settings = null, TimeProvider? time = null, Action<IServiceCollection>? instead = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        foreach (var (name, value) in settings ?? []) builder.Configuration[name] = value;
        builder.Configuration["PURSER_WEBHOOK_TARGETS"] = "any";
        builder.Configuration["PURSER_GATE_UPSTREAMS"] = "any";
        builder.Configuration["PURSER_GATE_KEYS"] = Conformance.Http.ProviderStandIn.Keys;
        builder.Logging.ClearProviders();
        services?.Invoke(builder.Services);
        // The usual one ends the process, which here is the tests'.
        builder.Services.AddSingleton<IFatalErrorHandler, Reporting>();
        if (time is not null) builder.Host.ConfigureContainer<IServiceCollection>((_, all) => Carry(all, time));
        if (instead is not null) builder.Host.ConfigureContainer<IServiceCollection>((_, all) => instead(all));
        return SiloHost.BuildAsync(builder, options);
    }

    /// <summary>Clusters are restarted by the hundred here, and nobody looks how: a silo that stops leaves its clients hardly any time to
    /// find another gateway, and they look for those that are back more often.</summary>
    static void Hurry(IServiceCollection services)
    {
        services.PostConfigure<SiloMessagingOptions>(messaging => messaging.ClientGatewayShutdownNotificationTimeout = brief);
        services.PostConfigure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = brief);
    }

    /// <summary>The ledger's clock and what tells of events run on this time; Orleans, and calls between nodes, go on as time
    /// does.</summary>
    static void Carry(IServiceCollection all, TimeProvider time)
    {
        all.AddSingleton(provider => new LedgerClock(time, provider.GetService<ISharedState>(),
            provider.GetService<IStore>() is { } store ? store.NewestAtAsync : null, provider.GetRequiredService<ILogger<LedgerClock>>()));
        for (var i = 0; i < all.Count; i++)
            if (all[i] is { IsKeyedService: false, ImplementationFactory: { } made }
                && made.Method.DeclaringType?.DeclaringType == typeof(EventRegistration))
                all[i] = ServiceDescriptor.Singleton(all[i].ServiceType, provider => made(new OfTime(provider, time)));
    }

    sealed class OfTime(IServiceProvider services, TimeProvider time) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(TimeProvider) ? time : services.GetService(serviceType);
    }

    async Task StartSilosAsync()
    {
        // Together: the schema is brought up to date by whoever comes first.
        var built = await Task.WhenAll(silos.Select(silo => BuildAsync(silo, Hurry, time: Time, instead: Instead)));
        built.CopyTo(running, 0);
        await Task.WhenAll(running.Select(silo => silo!.StartAsync()));
    }

    /// <summary>All silos leave, then all come back on what is durable. The client stays and has to find them.</summary>
    public async Task RestartAsync()
    {
        await StopSilosAsync();
        await StartSilosAsync();
    }

    async Task StopSilosAsync()
    {
        await Task.WhenAll(running.OfType<SiloHost>().Select(async silo =>
        {
            await silo.StopAsync();
            await silo.DisposeAsync();
        }));
        Array.Clear(running);
    }

    public async Task DeleteSnapshotsAsync()
    {
        await using var ledger = await PostgresLedger.OpenAsync(Postgres);
        await ledger.DeleteSnapshotsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (client is not null)
        {
            await client.StopAsync();
            await client.DisposeAsync();
        }
        await StopSilosAsync();
    }

    sealed class Reporting : IFatalErrorHandler
    {
        public bool IsUnexpected(Exception exception) => true;

        public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null) =>
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"a silo would have ended itself: {context} {exception?.Message}"));
    }
}

/// <summary>One cluster for the tests of a class, which use accounts of their own.</summary>
public sealed class SharedCluster : Lifetime
{
    public LocalCluster Cluster { get; set; } = null!;

    protected override async Task StartAsync() => Cluster = Add(await LocalCluster.StartAsync());
}

/// <summary>A cluster as one of its clients sees it; it outlives the test.</summary>
public sealed class ClusterHost(LocalCluster cluster, Func<LocalCluster, IServiceProvider> client) : IAuthorityHost
{
    public IBudgetAuthority Authority => client(cluster).GetRequiredService<IBudgetAuthority>();

    // The cluster's own, in silos too, where services would find the ledger first.
    public IUsageQueries Queries => new ClusterQueries(client(cluster).GetRequiredService<IGrainFactory>(), client(cluster)
        .GetRequiredService<Repetition>());

    public Task RestartAsync() => cluster.RestartAsync();

    public Task DeleteSnapshotsAsync() => cluster.DeleteSnapshotsAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
