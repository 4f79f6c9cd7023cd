// Silos and a client of Orleans' own test cluster on one ledger in memory.
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Core.Internal;
using Orleans.Runtime.Placement;
using Orleans.TestingHost;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Memory;

namespace Purser.Grains.Tests;

public sealed class GrainCluster : IAsyncLifetime
{
    readonly InProcessTestCluster cluster;

    public GrainCluster() : this(3)
    {
    }

    internal GrainCluster(short silos)
    {
        Ledger = ListeningLedger.Over(Memory);
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSiloHost((_, host) =>
        {
            host.Logging.ClearProviders();
            host.Services.AddSingleton(Ledger);
            host.Services.AddSingleton<IUsageQueries>(Memory);
            host.Services.AddSingleton<IUsageUpkeep>(Memory);
            host.Services.AddSingleton<ISharedState>(Memory);
            host.Services.AddPurserGrains(refuseUnknownAccounts: false);
        });
        builder.ConfigureSilo((_, silo) => silo
            .AddMemoryGrainStorage(UsageHistoryGrain.Store, storage => storage.GrainStorageSerializer = new GrainStates())
            .UseInMemoryReminderService());
        builder.ConfigureClientHost(host =>
        {
            host.Logging.ClearProviders();
            host.Services.AddPurserClient();
        });
        cluster = builder.Build();
    }

    public MemoryLedger Memory { get; } = new();

    public IStore Ledger { get; }

    public InProcessTestCluster Orleans => cluster;

    public IServiceProvider Client => cluster.Client.ServiceProvider;

    public IGrainFactory Grains => cluster.Client;

    public IBudgetAuthority Authority => Client.GetRequiredService<IBudgetAuthority>();

    public IReadOnlyList<InProcessSiloHandle> Silos => [.. cluster.Silos];

    /// <summary>How often an account was read from the ledger into memory.</summary>
    public int Loads(string account) => ((ListeningLedger)(object)Ledger).Loads.GetValueOrDefault(account);

    public static string NewAccount() => "acct-" + Guid.NewGuid().ToString("N");

    /// <summary>Where the account's budget is active; null where it is not.</summary>
    public SiloAddress? HomeOf(string account) => Silos.FirstOrDefault(silo =>
        silo.ServiceProvider.GetRequiredService<NearBudgets>().Accounts.Contains(account))?.SiloAddress;

    /// <summary>Asks for the move until it has happened: a call that comes while the budget is on its way may get lost.</summary>
    public Task MoveAsync(string account, SiloAddress to) => UntilAsync(async () =>
    {
        if (to.Equals(HomeOf(account))) return true;
        RequestContext.Set(IPlacementDirector.PlacementHintKey, to);
        try
        {
            await Grains.GetGrain<IBudgetGrain>(account).AsReference<IGrainManagementExtension>().MigrateOnIdle();
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // The budget was on its way, and the silos that were asked each named another one, or the call got lost: whether it moved is
            // seen above.
        }
        return false;
    }, () => $"{account} does not move from {HomeOf(account)} to {to}");

    /// <summary>How many budgets each silo has.</summary>
    public Dictionary<SiloAddress, int> Budgets() => Silos.ToDictionary(silo => silo.SiloAddress,
        silo => silo.ServiceProvider.GetRequiredService<NearBudgets>().Accounts.Count());

    public static Task UntilAsync(Func<Task<bool>> condition, Func<string> otherwise) =>
        ServerProcess.UntilAsync(condition, otherwise);

    public Task InitializeAsync() => cluster.DeployAsync();

    public async Task DisposeAsync()
    {
        await cluster.StopAllSilosAsync();
        await cluster.DisposeAsync();
    }

#pragma warning disable CA1852 // What makes proxies derives from it.
    class ListeningLedger : DispatchProxy
#pragma warning restore CA1852
    {
        IStore ledger = null!;

        public ConcurrentDictionary<string, int> Loads { get; } = new(StringComparer.Ordinal);

        public static IStore Over(IStore ledger)
        {
            var made = Create<IStore, ListeningLedger>();
            ((ListeningLedger)(object)made).ledger = ledger;
            return made;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name == nameof(IStore.LoadAsync))
                Loads.AddOrUpdate(string.Create(CultureInfo.InvariantCulture, $"{args![0]}"), 1, (_, count) => count + 1);
            return targetMethod.Invoke(ledger, args);
        }
    }
}

/// <summary>The shared cluster as the suites that every host has to pass see it.</summary>
public sealed class GrainHost(GrainCluster cluster) : IAuthorityHost
{
    public IBudgetAuthority Authority => cluster.Authority;

    public IUsageQueries Queries => cluster.Client.GetRequiredService<IUsageQueries>();

    /// <summary>Nothing that was in memory is left: every grain is deactivated.</summary>
    public Task RestartAsync() => cluster.Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    public Task DeleteSnapshotsAsync() => cluster.Memory.DeleteSnapshotsAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class GrainHostTests(GrainCluster cluster) : AuthorityConformance, IClassFixture<GrainCluster>
{
    protected override Task<IAuthorityHost> StartAsync() => Task.FromResult<IAuthorityHost>(new GrainHost(cluster));
}
