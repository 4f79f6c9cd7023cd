// The upkeep of rollups and of records, once for every database: folding, hours, days and weeks, making anew, erasing, deleting by age.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

static class RollupUpkeep
{
    /// <summary>Short enough that appends hardly notice it.</summary>
    const int PerTransaction = 1000;

    /// <summary>Adds some records to the rollups, or makes the next hour, day or week that is over; false where there is nothing to
    /// do.</summary>
    public static async Task<bool> FoldNextAsync(IRollupTables tables, Instant now, int most)
    {
        var (folded, state) = await tables.StateAsync().ConfigureAwait(false);
        var fold = new Fold(state);
        var last = await tables.FoldRecordsAsync(fold, folded, most).ConfigureAwait(false);
        if (last > folded) await tables.AddAsync(fold.Spread(), last, null).ConfigureAwait(false);
        else if (await NextRaiseAsync(tables, state, now).ConfigureAwait(false) is { } raised)
            await tables.AddAsync(raised.Fold, null, raised.State).ConfigureAwait(false);
        else return false;
        return true;
    }

    /// <summary>The next hour, day or week that is over, made of its parts, and how far those are then.</summary>
    static async Task<(Fold Fold, RollupState State)?> NextRaiseAsync(IRollupTables tables, RollupState state, Instant now)
    {
        foreach (var raise in RollupRaise.All)
        {
            if (raise.Open(state, now) is not { } open) continue;
            var (range, after) = raise.Next(state, open, await tables.FirstAsync(raise.First, open).ConfigureAwait(false));
            var fold = new Fold(after);
            var keys = new Dictionary<int, RollupKey>();
            foreach (var part in raise.Parts)
                await tables.ReadAsync(part, range, row =>
                {
                    if (!keys.TryGetValue(row.Int(1), out var key)) keys[row.Int(1)] = key = RollupKey.Parse(row.Text(4));
                    if (raise.Whole(part) is { } whole) fold.AddTo(whole, row.Long(0), key, row.Blob(2), row.Blob(3));
                    else fold.Take(part, row.Long(0), key, row.Blob(2), row.Blob(3));
                }).ConfigureAwait(false);
            return (fold.Make(raise.Made), after);
        }
        return null;
    }

    /// <summary>
    /// Puts what the journal gives in the place of an account's rollups. Records that are not folded are left out: they are folded later.
    /// The version is read before them, so that a record up to it is either folded or among them. True where the journal begins with a
    /// checkpoint.
    /// </summary>
    public static async Task<bool> RollAgainAsync(IRollupTables tables, IStore ledger, string account)
    {
        var (folded, state) = await tables.StateAsync().ConfigureAwait(false);
        if (await tables.VersionAsync(account).ConfigureAwait(false) is not { } version) return false;
        var unfolded = await tables.UnfoldedAsync(account, folded).ConfigureAwait(false);
        var erasures = await AuditTrail.ErasuresAsync(ledger, account).ConfigureAwait(false);
        // What adds up over all accounts can not be taken apart again: it is made anew.
        var fold = new Fold(state.WithoutAllFrom(RollupPlan.Earliest));
        var checkpoint = await tables.CheckpointAsync(account).ConfigureAwait(false);
        var left = checkpoint?.UsageLeft(erasures).ToArray() ?? [];
        foreach (var usage in left) fold.Add(usage);
        if (checkpoint is not null && !left.SequenceEqual(checkpoint.Usage))
            await tables.ForgetAsync(account, [.. checkpoint.Usage.Except(left)], Together(left.Except(checkpoint.Usage)))
                .ConfigureAwait(false);
        await foreach (var record in AuditTrail.RecordsAsync(ledger, account, checkpoint?.Version ?? 0, version, erasures)
            .ConfigureAwait(false))
            if (!unfolded.Contains(record.Id))
                fold.Add(RollupKey.Of(account, record), record.Usage.Dimensions.Session, record.Figures());
        var keys = await tables.KeysOfAsync(account).ConfigureAwait(false);
        var first = await tables.FirstOfAsync(keys).ConfigureAwait(false);
        first = first is { } old && fold.First is { } made ? Math.Min(old, made) : first ?? fold.First;
        await tables.ReplaceAsync(keys, fold.Spread(), first, first is { } from ? state.WithoutAllFrom(from) : state).ConfigureAwait(false);
        return checkpoint is not null;
    }

    /// <summary>Usage that has one key since it is nobody's.</summary>
    static CompactedUsage[] Together(IEnumerable<CompactedUsage> usage) => [.. usage.GroupBy(one => (one.Start, one.Key)).Select(same =>
    {
        var sum = new RollupGain();
        foreach (var one in same) sum.Add(one.Gain);
        return new CompactedUsage(same.Key.Start, same.Key.Key, sum);
    })];

    /// <summary>Leaves of an account's records what an erasure leaves of them.</summary>
    public static async Task EraseAsync(IRecordTable records, string account, UsageErased erased)
    {
        UsageCursor? after = null;
        do
        {
            var page = await records.RecordsAsync(account, after, PerTransaction).ConfigureAwait(false);
            var gone = page.Select(one => (one.Place.Order, Left: one.Record.ReplacedBy(erased))).Where(one => one.Left is not null)
                .Select(one => (one.Order, LedgerJson.EncodeRecord(one.Left!))).ToArray();
            if (gone.Length > 0) await records.LeaveAsync(gone, erased.Anonymizes).ConfigureAwait(false);
            after = page.Count == PerTransaction ? page[^1].Place : null;
        }
        while (after is not null);
    }

    /// <summary>Deletes old records of a page; where to go on, or null at the end.</summary>
    public static async Task<UsageCursor?> PurgeAsync(IRecordTable records, Instant bookedBefore, UsageCursor? after, int most)
    {
        var before = bookedBefore.ToUnixTimeMilliseconds();
        var page = await records.TimesAsync(before, after, most).ConfigureAwait(false);
        long[] old = [.. page.Where(one => one.BookedAt < before).Select(one => one.Place.Order)];
        if (old.Length > 0) await records.DeleteAsync(old, before).ConfigureAwait(false);
        return page.Count == most ? page[^1].Place : null;
    }
}
