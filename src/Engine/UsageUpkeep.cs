// When what was derived from the journal is kept up: often while there is little to do, rarely and a lot at once while others write much.
using Microsoft.Extensions.Logging;
using NodaTime;

namespace Purser.Engine;

/// <summary>How long records are kept, counted from when they were booked. Rollups are kept for good.</summary>
public sealed record UsageRetention(Duration Kept)
{
    public const int UsualDays = 90;

    public static UsageRetention OfDays(int days) => new(Duration.FromDays(days));
}

public sealed class UsageUpkeep(IUsageStore store, LedgerClock clock, ILogger log, UsageRetention retention)
{
    /// <summary>Looking for old records goes through all that are old by their own time, so it is done rarely.</summary>
    static readonly Duration betweenPurges = Duration.FromHours(6);

    const int PerPurge = 2_000;

    static readonly TimeSpan period = TimeSpan.FromSeconds(1);

    /// <summary>
    /// While more records than this come in a period, folding waits: rows of rollups that change with nearly every record cost least when many
    /// records are added to them at once.
    /// </summary>
    const long Busy = 2_000;

    /// <summary>Reports read records that are not folded one by one, about a million in a second: they need not wait for more than these.</summary>
    const int MostUnfolded = 200_000;

    /// <summary>A step that others hardly notice, though they may wait for it.</summary>
    const int PerStep = 20_000;

    long before;
    Instant? lastPurge;
    UsageCursor? purging;

    public async Task RunAsync(TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                try
                {
                    await KeepUpAsync(cancellation);
                }
                catch (LedgerUnavailableException e)
                {
                    log.LogWarning("Rollups are not up to date: {Why}", e.Message);
                }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The host ends. What is not folded is read one by one, and folded by the next one.
        }
    }

    /// <summary>What there is to do now.</summary>
    public async Task KeepUpAsync(CancellationToken cancellation = default)
    {
        var unfolded = await store.UnfoldedAsync();
        var busy = unfolded - before > Busy;
        if (!busy || unfolded >= MostUnfolded)
            while (!cancellation.IsCancellationRequested && await store.FoldAsync(clock.Now, busy ? MostUnfolded : PerStep))
                if (busy)
                    break;
        before = await store.UnfoldedAsync();
        while (!cancellation.IsCancellationRequested && await store.EraseNextAsync())
        {
        }
        await PurgeAsync(clock.Now - retention.Kept);
    }

    /// <summary>One step in a period, so that a great many old records go over minutes and not at once.</summary>
    async Task PurgeAsync(Instant bookedBefore)
    {
        if (purging is null && clock.Now - lastPurge < betweenPurges) return;
        lastPurge = clock.Now;
        purging = await store.PurgeAsync(bookedBefore, purging, PerPurge);
    }
}
