// Gives memory back that a burst of work has left behind: where little is allocated nothing is collected, and what a process took it keeps.
using Purser.Engine;

namespace Purser.Api;

public sealed class MemoryWatch : BackgroundService
{
    static readonly TimeSpan period = TimeSpan.FromMinutes(1);

    /// <summary>Less in a minute is a host that hardly anybody asks: that it stands still for a moment is noticed by nobody.</summary>
    const long Quiet = 64L * 1024 * 1024;

    /// <summary>What is worth the work.</summary>
    const long Much = 256L * 1024 * 1024;

    long lookedAt, collectedAt;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WatchAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            if (IsTime(GC.GetTotalAllocatedBytes(), GC.GetGCMemoryInfo().TotalCommittedBytes))
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Once after each burst: much was allocated since the last time, little in the last minute, and much is held.</summary>
    internal bool IsTime(long allocated, long committed)
    {
        var isQuiet = allocated - lookedAt < Quiet;
        lookedAt = allocated;
        if (!isQuiet || allocated - collectedAt < Much || committed < Much) return false;
        collectedAt = allocated;
        return true;
    }
}
