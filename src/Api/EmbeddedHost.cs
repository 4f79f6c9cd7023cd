// Host 1: one process, its ledger in a folder (or on PostgreSQL, shared with others), nothing else to install.
using Purser.Engine;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Api;

public static class EmbeddedHost
{
    /// <summary>Opens the ledger that the options name, with its schema brought up to date. <paramref name="acceptLoss"/>: also where
    /// something of what it acknowledged is missing.</summary>
    public static async Task<IStore> OpenLedgerAsync(ServerOptions options, bool acceptLoss = false) => options.Ledger switch
    {
        "memory" => new MemoryLedger(),
        "postgres" => await PostgresLedger.OpenAsync(options.Postgres!),
        _ => await SqliteLedger.OpenAsync(options.Data, acceptLoss),
    };

    /// <summary>Seals the audit trails of a ledger on a schedule, where settings say so.</summary>
    public static IServiceCollection AddSeals(this IServiceCollection services, IUsageQueries ledger) => services.AddHostedService(
        provider => new SealWatch(ledger, provider.GetService<Access.AccessOptions>() ?? new(),
            provider.GetService<LedgerClock>() ?? new(TimeProvider.System), provider.GetRequiredService<ILogger<SealWatch>>(),
            provider.GetService<IHostApplicationLifetime>()));

    /// <summary>Registers <see cref="IBudgetAuthority"/>, <see cref="IUsageQueries"/> and <see cref="IUsageHistories"/> over a ledger,
    /// which stays its opener's to close.</summary>
    public static IServiceCollection AddEmbeddedHost(this IServiceCollection services, IStore ledger, ServerOptions options) => services
        // What is registered first is closed last: sessions feed the histories until they end.
        .AddSingleton(provider => new EmbeddedHistories(ledger, provider.GetRequiredService<ILogger<EmbeddedHistories>>()))
        .AddSingleton<IUsageHistories>(provider => provider.GetRequiredService<EmbeddedHistories>())
        .AddSingleton<IBudgetAuthority>(provider => new EmbeddedAuthority(
            ledger, options: new()
            {
                RefuseUnknownAccounts = options.UnknownAccounts == "refuse", MostSessions = options.AccountsInMemory,
            },
                log: provider.GetRequiredService<ILogger<EmbeddedAuthority>>(),
            histories: provider.GetRequiredService<EmbeddedHistories>()))
        .AddSingleton(provider => ((EmbeddedAuthority)provider.GetRequiredService<IBudgetAuthority>()).Clock)
        .AddSingleton(provider => ((EmbeddedAuthority)provider.GetRequiredService<IBudgetAuthority>()).Written)
        .AddSingleton(ledger)
        .AddSingleton<IUsageQueries>(ledger)
        .AddSingleton<IUsageUpkeep>(ledger)
        .AddSingleton<ISharedState>(ledger)
        .AddSingleton<IEventFeed>(ledger)
        .AddSingleton(provider => new FeedFollower(
            ledger, provider.GetRequiredService<Bell>(), provider.GetService<TimeProvider>() ?? TimeProvider.System))
        .AddSingleton<INodes>(new EmbeddedNodes(options.Ledger, ledger))
        .AddSingleton(options.Retention)
        .AddHostedService<UsageWatch>()
        .AddSeals(ledger);
}
