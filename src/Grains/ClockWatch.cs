// Keeps a silo on the ledger's time, so that all silos decide in the same one.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Engine;

namespace Purser.Grains;

public sealed class ClockWatch(ILedger ledger, LedgerClock clock, ILogger<ClockWatch> log) : BackgroundService
{
    static readonly TimeSpan period = TimeSpan.FromSeconds(5);

    /// <summary>Before the silo takes calls, for the first time.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await clock.MeasureAsync(ledger);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            try
            {
                await clock.MeasureAsync(ledger);
                var off = Duration.Max(clock.Offset, -clock.Offset);
                if (off > LedgerClock.Reported)
                    log.LogWarning("This machine's clock is {Seconds} s off the ledger's; it is corrected for, but should be set right", (long)off.TotalSeconds);
            }
            catch (LedgerUnavailableException e)
            {
                log.LogDebug("Could not ask the ledger for its time: {Why}", e.Message);
            }
    }
}
