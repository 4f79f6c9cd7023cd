// Puts a node of the cluster together, by its role: silo, api or gate in front of silos, or silo and api in one process.
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Npgsql;
using Orleans.Configuration;
using Purser.Api;
using Purser.Api.Access;
using Purser.Api.Endpoints;
using Purser.Api.Events;
using Purser.Api.Mcp;
using Purser.Api.Pages;
using Purser.Api.Telemetry;
using Purser.Engine;
using Purser.Gate;
using Purser.Grains;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using ConfigurationOptions = StackExchange.Redis.ConfigurationOptions;
using RedisException = StackExchange.Redis.RedisException;

namespace Purser.Silo;

/// <summary>One node. The ledger is opened before the silo and closed after it: grains write until the end.</summary>
public sealed class SiloHost : IAsyncDisposable
{
    /// <summary>Silos call each other with the patience of clients.</summary>
    static readonly TimeSpan answerWithin = new PurserClientOptions().ResponseTimeout;

    static readonly TimeSpan shutdownTime = TimeSpan.FromSeconds(30);

    readonly WebApplication app;
    readonly PostgresLedger? ledger;

    SiloHost(WebApplication app, PostgresLedger? ledger) => (this.app, this.ledger) = (app, ledger);

    public IServiceProvider Services => app.Services;

    /// <summary>Where it listens for HTTP; known once it has started.</summary>
    public IReadOnlyCollection<string> Addresses =>
        [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        var options = SiloOptions.Of(builder.Configuration);
        var problems = ProblemsOf(args, builder.Configuration);
        foreach (var problem in problems) await Console.Error.WriteLineAsync($"purser-silo: {problem}");
        if (problems.Count > 0) return ExitCodes.WrongUsage;
        options.Http.UseTimeZones();
        try
        {
            await using var host = await BuildAsync(builder, options);
            LastResort.EndAfter(shutdownTime, host.app.Lifetime);
            Logs.Starting = true;
            await host.StartAsync();
            Logs.Starting = false;
            Server.TellSettings(host.app, SiloOptions.Names);
            Console.WriteLine($"Purser ({options.Role}) listens on {string.Join(", ", host.Addresses)}");
            await host.app.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception e) when (LineOf(e, options) is { } line)
        {
            await Console.Error.WriteLineAsync($"purser-silo: {line}");
            return ExitCodes.NotReachable;
        }
    }

    static IReadOnlyList<string> ProblemsOf(string[] args, IConfiguration configuration)
    {
        var options = SiloOptions.Of(configuration);
        return [.. SettingNames.Problems(args, configuration, SiloOptions.Names, []), .. options.Problems(),
            .. options.IsApi ? AccessOptions.Of(configuration, options.AdminKey).Problems() : [],
            .. DashboardHost.WrongSettings(configuration), .. GateOptions.Problems(configuration),
            .. EventRegistration.Problems(configuration), .. TelemetryOut.Problems(configuration),
            .. options.IsGateOnly && !GateOptions.Of(configuration).IsOn
                ? (string[])["PURSER_GATE=off leaves nothing to serve with PURSER_ROLE=gate"] : []];
    }

    /// <summary>`settings`: what a node started here would have, with secrets masked.</summary>
    public static int TellSettings(string[] args)
    {
        string[] given = [.. args.Where(arg => arg != "--json")];
        var configuration = WebApplication.CreateSlimBuilder(given).Configuration;
        return EffectiveSettings.Tell(EffectiveSettings.Of(configuration, SiloOptions.Names), ProblemsOf(given, configuration),
            args.Contains("--json"), Console.WriteLine);
    }

    static string? LineOf(Exception fault, SiloOptions options) => StartProblems.LineOf(
        fault, $"PURSER_URLS={options.Urls}, PURSER_SILO_PORT={options.SiloPort} or PURSER_GATEWAY_PORT={options.GatewayPort}")
        ?? (fault is RedisException or NpgsqlException or InvalidOperationException ? StartProblems.OneLine(fault.Message) : null);

    public Task StartAsync() => app.StartOrEndAsync();

    /// <summary>Hands its accounts over and leaves the cluster.</summary>
    public Task StopAsync() => app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        if (ledger is not null) await ledger.DisposeAsync();
    }

    /// <summary>A node that can be started. The schema is brought up to date first: the silo reads from it while it starts.</summary>
    public static async Task<SiloHost> BuildAsync(WebApplicationBuilder builder, SiloOptions options)
    {
        builder.ListenAs(options.Http);
        Logs.Configure(builder.Logging, options.Log, options.LogFormat);
        // Its first look at a silo that has just started measures from the start of the machine, and warns.
        builder.Logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        // Who is refused, and why, is told in one line by the node itself.
        builder.Logging.AddFilter("Orleans.Connections.Security", LogLevel.None);
        builder.Services.AddPurserTelemetry(builder.Configuration, options.NodeName);
        if (options.IsApi || options.IsGateOnly)
            builder.Services.AddPurserApi()
                .AddPurserAccess(AccessOptions.Of(builder.Configuration, options.AdminKey ?? (options.IsGateOnly ? KeyText.Make() : null)))
                .AddPurserGate(GateOptions.Of(builder.Configuration)).AddPurserTools();
        if (options.IsApi) builder.Services.AddPurserDashboard(builder.Configuration);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = shutdownTime);
        builder.Services.AddSingleton<NodeHealth>();
        builder.Services.AddSingleton<INodes>(provider => new ClusterNodes(
            provider.GetRequiredService<IGrainFactory>(), options,
            new ClusterQueries(provider.GetRequiredService<IGrainFactory>(), provider.GetRequiredService<Repetition>()),
            provider.GetRequiredService<Repetition>(),
            provider.GetService<ILocalSiloDetails>()));
        builder.Services.AddSingleton(
            provider => new Repetition(provider.GetRequiredService<TimeProvider>())
            {
                Patience = Repetition.PatienceFor(answerWithin, options.ProbeSeconds),
            });
        var ledger = options.IsSilo ? await AddLedgerAsync(builder.Services, options) : null;
        try
        {
            if (options.IsSilo)
            {
                await OrleansSchema.MigrateAsync(ledger!.Source);
                builder.UseOrleans(silo => Configure(silo, options, ledger!));
                builder.Services.AddSingleton<MembershipWatch>();
                builder.Services.AddHostedService(provider => provider.GetRequiredService<MembershipWatch>());
            }
            else
            {
                builder.Services.AddPurserClient();
                builder.UseOrleansClient(client => Configure(client, options));
                // After the client, which it asks.
                builder.Services.AddClockWatch(provider => provider.GetRequiredService<ClusterTime>()
                    .MeasureAsync(provider.GetRequiredService<LedgerClock>()));
            }
            // After silo or client, which its watches ask from their first moment on.
            if (options.IsApi) builder.Services.AddPurserEvents(builder.Configuration);
            if (options.IsApi && ledger is not null) builder.Services.AddSeals(ledger);
            var app = builder.Build();
            Map(app, options);
            return new(app, ledger);
        }
        catch
        {
            if (ledger is not null) await ledger.DisposeAsync();
            throw;
        }
    }

    static async Task<PostgresLedger> AddLedgerAsync(IServiceCollection services, SiloOptions options)
    {
        var ledger = await PostgresLedger.OpenAsync(options.Postgres);
        services.AddSingleton<IStore>(ledger);
        // Reports of this process need no detour through a grain.
        services.AddSingleton<IUsageQueries>(ledger);
        services.AddSingleton<IUsageUpkeep>(ledger);
        services.AddSingleton<ISharedState>(ledger);
        services.AddSingleton<IEventFeed>(ledger);
        services.AddSingleton(options.Retention);
        services.AddPurserGrains(options.UnknownAccounts == "refuse", options.AccountsInMemory);
        return ledger;
    }

    /// <summary>What a node of this role answers over HTTP.</summary>
    static void Map(WebApplication app, SiloOptions options)
    {
        app.UseMetricsPorts(options.Http.MetricsPorts);
        app.MapNodeHealth();
        if (options.IsApi)
        {
            app.UsePurser();
            app.MapPurser();
            app.MapPurserTools();
            app.MapPurserDashboard();
            return;
        }
        app.MapMetrics();
        if (!options.IsGateOnly) return;
        app.UsePurser();
        app.MapGate();
        app.MapPurserTools();
    }

    static void Configure(ISiloBuilder silo, SiloOptions options, PostgresLedger ledger)
    {
        var probe = TimeSpan.FromSeconds(options.ProbeSeconds);
        silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) =
            (options.ClusterId, PurserClientOptions.ServiceId));
        if (options.NodeName is { } node) silo.Configure<Orleans.Configuration.SiloOptions>(named => named.SiloName = node);
        silo.ConfigureEndpoints(options.Address, options.SiloPort, options.GatewayPort,
            listenOnAnyHostAddress: !System.Net.IPAddress.IsLoopback(options.Address));
        if (options.Tls is { } tls) silo.UsePurserTls(tls);
        silo.UseRedisClustering(redis => redis.ConfigurationOptions = RedisOptions(options));
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            // Three probes missed: a killed silo is known to be dead after two to three of these.
            membership.ProbeTimeout = probe;
            // Else it adapts up to four times that, and a frozen silo is given up as much later.
            (membership.MinProbeTimeout, membership.MaxProbeTimeout) = (probe, probe);
            // Else suspicion is held back for twelve probes after a connection was last heard.
            membership.EnableConnectionLivenessCheck = false;
            // How long a silo that was given up goes on before it notices; what it answers meanwhile is fenced by the ledger.
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        });
        silo.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = answerWithin;
            messaging.ClientGatewayShutdownNotificationTimeout = TimeSpan.FromSeconds(2);
        });
        silo.AddActivityPropagation();
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(15));
        silo.AddAdoNetGrainStorage(UsageHistoryGrain.Store, storage =>
        {
            // The ledger's own pool: a silo has one.
            (storage.Invariant, storage.DataSource) = ("Npgsql", ledger.Source);
            storage.GrainStorageSerializer = new GrainStates();
        });
        silo.UseAdoNetReminderService(reminders =>
            (reminders.Invariant, reminders.DataSource) = ("Npgsql", ledger.Source));
        // A reminder that a silo took on for another, because others came while it was written, ticks nowhere for long until its own silo
        // reads the table again (dotnet/orleans#10612): 64 rows once a minute, in place of once in five.
        silo.Configure<ReminderOptions>(reminders => reminders.RefreshReminderListPeriod = TimeSpan.FromMinutes(1));
    }

    static void Configure(IClientBuilder client, SiloOptions options)
    {
        client.UseRedisClustering(redis => redis.ConfigurationOptions = RedisOptions(options));
        client.UsePurserClient(purser =>
        {
            (purser.ClusterId, purser.ProbeSeconds) = (options.ClusterId, options.ProbeSeconds);
            // An api may start before the first silo: it is not ready until one answers.
            purser.ConnectWithin = Timeout.InfiniteTimeSpan;
            purser.Tls = options.Tls;
        });
    }

    static ConfigurationOptions RedisOptions(SiloOptions options) => ConfigurationOptions.Parse(options.Redis);
}
