// The schedule of upkeep: when records are folded into rollups, old records deleted and journals compacted. Small steps often while the
// host is quiet, large steps seldom while it is busy.
using System.Runtime.ExceptionServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// How long records are kept, counted from when they were booked, and whether the journal is compacted: entries go when their records may.
/// Rollups are kept for good.
/// </summary>
public sealed record UsageRetention(Duration Kept, bool Compacts = false)
{
    public const int UsualDays = 90;

    public static UsageRetention OfDays(int days, bool compacts = false) => new(Duration.FromDays(days), compacts);
}

public sealed class UsageUpkeep(IUsageUpkeep store, LedgerClock clock, ILogger log, UsageRetention retention)
{
    /// <summary>Looking for old records goes through all that are old by their own time, so it is done rarely.</summary>
    static readonly Duration betweenPurges = Duration.FromHours(6);

    const int PerPurge = 2_000;

    /// <summary>A checkpoint is written whole each time, so few entries are not worth one.</summary>
    const int WorthCompacting = 100;

    /// <summary>An account is compacted at most once a day, so that each checkpoint replaces many entries.</summary>
    static readonly Duration betweenCompactions = Duration.FromHours(24);

    /// <summary>Entries that go in one transaction: appends wait for some milliseconds.</summary>
    const int PerCompaction = 1_000;

    /// <summary>So many compactions in a period while few records are booked; one while many are.</summary>
    const int CompactionsPerPeriod = 8;

    const int AccountsPerLook = 500;

    static readonly TimeSpan period = TimeSpan.FromSeconds(1);

    /// <summary>The longest period, while there is nothing to do. Reports read records that are not folded one by one, so nothing waits for
    /// folding.</summary>
    static readonly TimeSpan longestPeriod = TimeSpan.FromSeconds(8);

    /// <summary>
    /// While more records than this come in a period, folding waits: rows of rollups that change with nearly every record cost least when
    /// many records are added to them at once.
    /// </summary>
    const long Busy = 2_000;

    /// <summary>Reports read records that are not folded one by one, about a million in a second: they need not wait for more than
    /// these.</summary>
    const int MostUnfolded = 200_000;

    /// <summary>So many records are folded in one step: appends that wait for it hardly notice.</summary>
    const int PerStep = 20_000;

    /// <summary>While no records come, hours, days and weeks that are over are all that is left to make: reports do without.</summary>
    static readonly Duration betweenQuietFolds = Duration.FromMinutes(1);

    long before;
    Instant? lastFold;
    bool busy;

    /// <summary>The last period found nothing to do.</summary>
    bool idle;

    /// <summary>The ledger could not be reached in the last period; the log said so then, and does not say it again.</summary>
    bool away;
    Instant? lastPurge;
    UsageCursor? purging;
    Instant? lastCompaction;

    /// <summary>The accounts that wait, and where to look for more; null where the round has not begun, or is over.</summary>
    readonly Queue<string> compacting = new();
    string? lookingAfter;

    public async Task RunAsync(TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(period, time);
        var rounds = new Rounds(log, "The upkeep of rollups and records", time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
                timer.Period = !await rounds.TryAsync(() => TryKeepUpAsync(cancellation), cancellation) ? longestPeriod
                    : idle && !away ? TimeSpan.FromTicks(Math.Min(2 * timer.Period.Ticks, longestPeriod.Ticks)) : period;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The host ends. What is not folded is read one by one, and folded by the next one.
        }
    }

    async Task TryKeepUpAsync(CancellationToken cancellation)
    {
        try
        {
            await KeepUpAsync(cancellation);
            if (away) log.LogInformation("Rollups are kept up again");
            away = false;
        }
        catch (LedgerUnavailableException e)
        {
            if (!away) log.LogWarning("Rollups are not up to date: {Why}", e.Message);
            away = true;
        }
    }

    /// <summary>What there is to do now. Where one part of it can not be done the others are all the same: an erasure does not wait for a
    /// record that can not be folded.</summary>
    public async Task KeepUpAsync(CancellationToken cancellation = default)
    {
        ExceptionDispatchInfo? fault = null;
        foreach (var part in (Func<CancellationToken, Task>[])[FoldAsync, EraseAsync, PurgeAsync, CompactAsync])
            try
            {
                await part(cancellation);
            }
#pragma warning disable CA1031 // It is thrown below.
            catch (Exception e) when (e is not LedgerUnavailableException && !cancellation.IsCancellationRequested)
#pragma warning restore CA1031
            {
                fault ??= ExceptionDispatchInfo.Capture(e);
            }
        fault?.Throw();
    }

    async Task FoldAsync(CancellationToken cancellation)
    {
        var unfolded = await store.UnfoldedAsync();
        busy = unfolded - before > Busy;
        idle = unfolded == 0 && purging is null && compacting.Count == 0 && lookingAfter is null;
        if (unfolded == 0 && clock.Now - lastFold < betweenQuietFolds)
        {
            before = 0;
            return;
        }
        lastFold = clock.Now;
        if (!busy || unfolded >= MostUnfolded)
            while (!cancellation.IsCancellationRequested && await store.FoldAsync(clock.Now, busy ? MostUnfolded : PerStep))
                if (busy)
                    break;
        before = unfolded == 0 ? 0 : await store.UnfoldedAsync();
    }

    async Task EraseAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested && await store.EraseNextAsync())
        {
        }
    }

    async Task CompactAsync(CancellationToken cancellation)
    {
        if (retention.Compacts)
            for (var step = 0; step < (busy ? 1 : CompactionsPerPeriod) && !cancellation.IsCancellationRequested
                && await CompactAsync(clock.Now - retention.Kept); step++)
            {
            }
    }

    /// <summary>False where nothing is left to do for now.</summary>
    async Task<bool> CompactAsync(Instant before)
    {
        if (!compacting.TryPeek(out var account))
        {
            if (lookingAfter is null && clock.Now - lastCompaction < betweenCompactions) return false;
            lastCompaction = clock.Now;
            var page = await store.CompactableAsync(before, WorthCompacting, lookingAfter, AccountsPerLook);
            foreach (var found in page.Items) compacting.Enqueue(found);
            lookingAfter = page.Next;
            return page.Next is not null || compacting.Count > 0;
        }
        try
        {
            if (await store.CompactAsync(account, before, PerCompaction) < PerCompaction) compacting.Dequeue();
        }
        catch (Exception e) when (
            e is InvalidDataException or JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            // A journal that can not be read is left as it is; the other accounts are compacted all the same.
            compacting.Dequeue();
            log.LogError(e, "Account {Account}: its journal can not be compacted; `./run verify` says more", account);
        }
        return true;
    }

    /// <summary>One step in a period, so that a great many old records go over minutes and not at once.</summary>
    async Task PurgeAsync(CancellationToken cancellation)
    {
        if (purging is null && clock.Now - lastPurge < betweenPurges) return;
        lastPurge = clock.Now;
        purging = await store.PurgeAsync(clock.Now - retention.Kept, purging, PerPurge);
    }
}
