// Keeps up what was derived from the journal. Every silo tries; who comes second leaves it to the first.
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
