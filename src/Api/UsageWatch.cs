// Folds rollups, deletes old records and compacts journals in the background of an embedded host.
using Purser.Engine;

namespace Purser.Api;

public sealed class UsageWatch(IUsageUpkeep store, IUsageQueries queries, IBudgetAuthority authority, LedgerClock clock,
    ILogger<UsageWatch> log, UsageRetention retention) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        new UsageUpkeep(store, clock, log, retention).RunAsync(TimeProvider.System, stoppingToken),
        new FirstDaysUpkeep(authority, queries, clock, log).RunAsync(TimeProvider.System, stoppingToken)).UntilStoppedAsync(stoppingToken);
}
