// Whether the list of silos can be reached. Without it everything that runs goes on, so nobody would notice until a silo dies or joins.
using System.Diagnostics.Metrics;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Silo;

public sealed class MembershipWatch(IMembershipTable table, ILogger<MembershipWatch> log) : BackgroundService
{
    static readonly Meter meter = new(Repetition.MeterName);
    static readonly TimeSpan period = TimeSpan.FromSeconds(5);
    static readonly TimeSpan patience = TimeSpan.FromSeconds(3);

    /// <summary>Of the process: silos in one process share one Redis.</summary>
    static int reachable = 1;

    static MembershipWatch() => meter.CreateObservableGauge("purser.cluster.membership.reachable", () => Volatile.Read(ref reachable),
        description: "1 while the list of silos (Redis) answers; else no silo can join, and one that dies is not given up");

    volatile bool away;

    /// <summary>What does not work just now; null where everything does.</summary>
    public string? WhyDegraded => away
        ? "Redis does not answer: no silo can join, and one that dies now is not given up until Redis is back" : null;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WatchAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await LookAsync(stoppingToken);
    }

    /// <summary>One look that fails may be for lack of a processor here: a second one right after it says what is so.</summary>
    async Task LookAsync(CancellationToken stopping)
    {
        var why = await WhyNotAsync(stopping);
        if (why is not null && !away) why = await WhyNotAsync(stopping);
        Volatile.Write(ref reachable, why is null ? 1 : 0);
        if (why is null && away) log.LogWarning("Redis answers again: silos can join, and dead ones are given up");
        else if (why is not null && !away)
            log.LogWarning("{Degraded} ({Why})", "Redis does not answer: no silo can join, and one that dies is not given up", why);
        away = why is not null;
    }

    async Task<string?> WhyNotAsync(CancellationToken stopping)
    {
        try
        {
            await table.ReadAllAsync(stopping).WaitAsync(patience, stopping);
            return null;
        }
#pragma warning disable CA1031 // Whatever the driver throws means the same.
        catch (Exception e) when (!stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return e.Message;
        }
    }
}
