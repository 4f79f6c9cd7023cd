// Keeps a node on the ledger's time, so that all silos decide in the same one, and apis report in it.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Grains;

/// <summary><paramref name="measure"/> asks the ledger for its time; an api, which has no ledger, asks a silo.</summary>
public sealed class ClockWatch(Func<Task> measure, ILogger<ClockWatch> log) : BackgroundService
{
    static readonly TimeSpan period = TimeSpan.FromSeconds(5);

    /// <summary>Measures once before the node takes calls.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await measure();
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WatchAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period);
        var rounds = new Rounds(log, "Following the clock of the ledger");
        while (await timer.WaitForNextTickAsync(stoppingToken)) await rounds.TryAsync(TryMeasureAsync, stoppingToken);
    }

    async Task TryMeasureAsync()
    {
        try
        {
            await measure();
        }
        catch (LedgerUnavailableException e)
        {
            log.LogDebug("Could not ask the ledger for its time: {Why}", e.Message);
        }
    }
}
