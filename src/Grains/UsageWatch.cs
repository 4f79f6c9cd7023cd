// Folds rollups, deletes old records and compacts journals in the background of every silo. A lock in the ledger lets one silo work at a
// time; the others skip that step.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Grains;

public sealed class UsageWatch(IStore store, IBudgetAuthority authority, LedgerClock clock, UsageRetention retention,
    ILogger<UsageWatch> log)
    : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        new UsageUpkeep(store, clock, log, retention).RunAsync(TimeProvider.System, stoppingToken),
        new FirstDaysUpkeep(authority, store, clock, log).RunAsync(TimeProvider.System, stoppingToken)).UntilStoppedAsync(stoppingToken);
}
