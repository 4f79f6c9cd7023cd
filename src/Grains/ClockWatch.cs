// Keeps a node on the ledger's time, so that all silos decide in the same one, and apis report in it.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Engine;

namespace Purser.Grains;

/// <summary><paramref name="measure"/> asks the ledger, or a silo.</summary>
public sealed class ClockWatch(Func<Task> measure, LedgerClock clock, ILogger<ClockWatch> log) : BackgroundService
{
    static readonly TimeSpan period = TimeSpan.FromSeconds(5);

    /// <summary>Before the node takes calls, for the first time.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await measure();
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            try
            {
                await measure();
                var off = Duration.Max(clock.Offset, -clock.Offset);
                if (off > LedgerClock.Reported)
                    log.LogWarning("This machine's clock is {Seconds} s off the ledger's; it is corrected for, but should be set right",
                        (long)off.TotalSeconds);
            }
            catch (LedgerUnavailableException e)
            {
                log.LogDebug("Could not ask the ledger for its time: {Why}", e.Message);
            }
    }
}
