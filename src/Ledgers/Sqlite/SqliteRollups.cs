// Rollups in SQLite: read here on connections of their own, added up on the caller's thread, and only then handed to the Writer.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    /// <summary>Looking rows up one by one costs about as much as reading so many in a row.</summary>
    const int RowsPerLookup = 8;

    /// <summary>Short enough that appends hardly notice it.</summary>
    const int PerTransaction = 1000;

    /// <summary>One at a time changes rollups, so that what was read of them still holds when the writer gets it.</summary>
    readonly SemaphoreSlim upkeep = new(1);

    /// <summary>Guards the keys by their numbers.</summary>
    readonly Lock keysGate = new();
    RollupKeys keys = RollupKeys.None;

    public Task<long> UnfoldedAsync() =>
        Read(database => Math.Max(0, (database.Scalar("SELECT max(position) FROM usage") ?? 0) - RollupStateOf(database).Folded));

    public async Task<bool> FoldAsync(Instant now, int most)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            var (fold, folded) = await Read(database => NextFold(database, most)).ConfigureAwait(false);
            if (fold is not null)
            {
                await Writer.RollAsync(fold, folded, null).ConfigureAwait(false);
                return true;
            }
            var (raised, state) = await Read(database => NextRaise(database, now)).ConfigureAwait(false);
            if (raised is null) return false;
            await Writer.RollAsync(raised, null, state).ConfigureAwait(false);
            return true;
        }
        finally
        {
            upkeep.Release();
        }
    }

    public async Task<bool> EraseNextAsync()
    {
        var next = await Read(database =>
        {
            using var first = database.Prepare(
                "SELECT accounts.account, audit.account, version FROM audit JOIN accounts ON no = audit.account WHERE erases ORDER BY "
                    + "audit.account, version LIMIT 1");
            return first.Read() ? (first.Text(0), first.Long(1), first.Long(2)) : ((string Account, long No, long Version)?)null;
        }).ConfigureAwait(false);
        if (next is not { } erasure) return false;
        var entry = (await ReadJournalAsync(erasure.Account, erasure.Version - 1, 1).ConfigureAwait(false))[0];
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var erased in entry.Events.OfType<UsageErased>())
                for (long? at = long.MinValue; at is { } from;)
                {
                    (var gone, at) = await Read(database => NextErased(database, erasure.No, erased, from)).ConfigureAwait(false);
                    if (gone.Count > 0) await Writer.EraseAsync(gone).ConfigureAwait(false);
                }
            await RollAgainAsync(erasure.Account).ConfigureAwait(false);
            await Writer.ErasedAsync(erasure.No, erasure.Version).ConfigureAwait(false);
            return true;
        }
        finally
        {
            upkeep.Release();
        }
    }

    /// <summary>Some records to erase, by their time, what is left of each, and where to go on; null at the end.</summary>
    static (List<(long No, byte[] Left)> Gone, long? At) NextErased(Database database, long account, UsageErased erased, long from)
    {
        var gone = new List<(long, byte[])>();
        using var find = database.Prepare(
            "SELECT position, at, record FROM usage WHERE account = ? AND at >= ? AND NOT erased ORDER BY at");
        find.Add(account).Add(from);
        while (find.Read())
        {
            var record = LedgerJson.DecodeRecord(find.Blob(2));
            if (!erased.Erases(record)) continue;
            gone.Add((find.Long(0), LedgerJson.EncodeRecord(record.Erased())));
            if (gone.Count == PerTransaction) return (gone, find.Long(1));
        }
        return (gone, null);
    }

    public async Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            var before = bookedBefore.ToUnixTimeMilliseconds();
            var (old, next) = await Read(database =>
            {
                var folded = RollupStateOf(database).Folded;
                // By the index of times read backwards, in which records of one time go backwards too.
                using var find = database.Prepare(
                    "SELECT at, position, booked_at FROM usage WHERE at < ? AND at >= ? AND (at > ? OR position < ?) ORDER BY at, "
                        + "position DESC LIMIT ?");
                var place = after ?? new(RollupPlan.Earliest, long.MaxValue);
                find.Add(before).Add(place.AtMillis).Add(place.AtMillis).Add(place.Order).Add(most);
                var (old, seen, last) = (new List<long>(), 0, default(UsageCursor));
                for (; find.Read(); seen++)
                {
                    last = new(find.Long(0), find.Long(1));
                    if (find.Long(2) < before && last.Order <= folded) old.Add(last.Order);
                }
                return (old, seen == most ? last : (UsageCursor?)null);
            }).ConfigureAwait(false);
            if (old.Count > 0) await Writer.PurgeAsync(old, before).ConfigureAwait(false);
            return next;
        }
        finally
        {
            upkeep.Release();
        }
    }

    public async Task<bool> RebuildAsync(string account)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            return await RollAgainAsync(account).ConfigureAwait(false);
        }
        finally
        {
            upkeep.Release();
        }
    }

    /// <summary>
    /// Puts what the journal gives in the place of an account's rollups. Records that are not folded are left out: they are folded later.
    /// The version
    /// comes first, so that a record up to it is either folded or among those. True where the journal begins with a checkpoint.
    /// </summary>
    async Task<bool> RollAgainAsync(string account)
    {
        var (head, state, unfolded) = await Read(database =>
        {
            var head = HeadOf(database, account);
            var (folded, state) = RollupStateOf(database);
            return (head, state, UnfoldedOf(database, head?.No ?? 0, folded));
        }).ConfigureAwait(false);
        if (head is not { } known) return false;
        var erasures = await AuditTrail.ErasuresAsync(this, account).ConfigureAwait(false);
        // What adds up over all accounts can not be taken apart again: it is made anew.
        var fold = new Fold(state.WithoutAllFrom(RollupPlan.Earliest));
        var checkpoint = await LoadCheckpointAsync(account).ConfigureAwait(false);
        var left = checkpoint?.UsageLeft(erasures).ToArray() ?? [];
        foreach (var usage in left) fold.Add(usage);
        if (left.Length < checkpoint?.Usage.Count)
            await Writer.ForgetUsageAsync(known.No, [.. checkpoint.Usage.Except(left)]).ConfigureAwait(false);
        await foreach (var record in AuditTrail.RecordsAsync(this, account, checkpoint?.Version ?? 0, known.Version, erasures)
            .ConfigureAwait(false))
            if (!unfolded.Contains(record.Id))
                fold.Add(RollupKey.Of(account, record), record.Usage.Dimensions.Session, record.Figures());
        var (before, first) = await Read(database =>
        {
            var before = KeysOf(database).All.Where(key => key.Key.Account == account).Select(key => key.No).ToArray();
            return (before, FirstOf(database, before));
        }).ConfigureAwait(false);
        first = first is { } old && fold.First is { } made ? Math.Min(old, made) : first ?? fold.First;
        await Writer.RollAgainAsync(before, fold.Spread(), first, first is { } from ? state.WithoutAllFrom(from) : state)
            .ConfigureAwait(false);
        lock (keysGate) keys = RollupKeys.None;
        return checkpoint is not null;
    }

    /// <summary>Where the first row of these keys begins; null where there is none.</summary>
    static long? FirstOf(Database database, IReadOnlyList<int> among)
    {
        long? first = null;
        var wanted = among.ToHashSet();
        using var read = database.Prepare("SELECT start, key FROM rollups WHERE level = ? ORDER BY start");
        read.Add((long)new RollupLevel(RollupView.Account, RollupSpan.Hour).No);
        while (first is null && read.Read())
            if (wanted.Contains((int)read.Long(1)))
                first = read.Long(0);
        return first;
    }

    static HashSet<string> UnfoldedOf(Database database, long account, long folded)
    {
        var unfolded = new HashSet<string>(StringComparer.Ordinal);
        using var find = database.Prepare("SELECT usage_id FROM usage WHERE position > ? AND +account = ?");
        find.Add(folded).Add(account);
        while (find.Read()) unfolded.Add(find.Text(0));
        return unfolded;
    }

    /// <summary>Records that are not folded yet, in the order of booking, and how far they go.</summary>
    static (Fold? Fold, long Folded) NextFold(Database database, int most)
    {
        var (folded, state) = RollupStateOf(database);
        var fold = new Fold(state);
        var accounts = new AccountNames(database);
        var last = folded;
        using var row = database.Prepare(
            $"""
            SELECT at, input, output, requests, cost_nanos, success, duration_ms, {UsageColumns.Unpriced}, currency, position, account, orchestrator, user, tenant, session,
              provider, model, tool, erased
            FROM usage WHERE position > ? ORDER BY position LIMIT ?
            """);
        row.Add(folded).Add(most);
        while (row.Read())
        {
            last = row.Long(9);
            if (row.Long(18) != 0) continue;
            var figures = FiguresOf(row);
            var key = new RollupKey(
                accounts.Of(row.Long(10)), row.TextOrNull(11), row.TextOrNull(12), row.TextOrNull(13), row.TextOrNull(15),
                    row.TextOrNull(16), row.TextOrNull(17),
                figures.Success, row.Text(8));
            fold.Add(key, row.TextOrNull(14), figures);
        }
        return last == folded ? default : (fold.Spread(), last);
    }

    /// <summary>The next hour or day that is over, made of its parts, and how far hours and days are then.</summary>
    (Fold? Fold, RollupState State) NextRaise(Database database, Instant now)
    {
        var (_, state) = RollupStateOf(database);
        foreach (var raise in RollupRaise.All)
        {
            if (raise.Open(state, now) is not { } open) continue;
            using var first = database.Prepare("SELECT min(start) FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            var (range, after) = raise.Next(state, open, first.Add((long)raise.First.No).Add(open.From).Add(open.To).Read()
                ? first.LongOrNull(0) : null);
            var fold = new Fold(after);
            var known = KeysOf(database);
            var byNo = known.All.ToDictionary(key => key.No, key => key.Key);
            foreach (var part in raise.Parts)
                ReadRollups(database, part, range, known, null, "sums, sessions", row =>
                    fold.Take(part, row.Long(0), byNo[(int)row.Long(1)], row.Blob(2), row.Blob(3)));
            return (fold.Make(raise.Made), after);
        }
        return default;
    }

    static (long Folded, RollupState State) RollupStateOf(Database database)
    {
        using var read = database.Prepare("SELECT folded, hours_before, days_before, all_hours_before, all_days_before FROM rollup_state");
        if (!read.Read()) throw new InvalidDataException("the state of the rollups is missing");
        return (read.Long(0), new(read.Long(1), read.Long(2), read.Long(3), read.Long(4)));
    }

    RollupKeys KeysOf(Database database)
    {
        var known = Volatile.Read(ref keys);
        using var read = database.Prepare("SELECT no, key FROM rollup_keys WHERE no > ? ORDER BY no");
        read.Add(known.Last);
        var more = new List<(int, RollupKey)>();
        while (read.Read()) more.Add(((int)read.Long(0), RollupKey.Parse(read.Text(1))));
        if (more.Count == 0) return known;
        var all = known.With(more);
        lock (keysGate)
        {
            // Where others have changed them meanwhile, theirs stay; these are right for this read.
            if (keys == known) keys = all;
            return all;
        }
    }

    /// <summary>Rows of a level: `start`, `key` and <paramref name="columns"/>; of some keys where those are few of all that are
    /// known.</summary>
    static void ReadRollups(Database database, RollupLevel level, MillisRange range, RollupKeys known, IReadOnlyList<int>? among,
        string columns, Action<Statement> take)
    {
        var unit = RollupPlan.MillisOf(level.Span);
        // A range without an end is read whole.
        var lookUp = among is not null && range.From > RollupPlan.Earliest && range.To < RollupPlan.Latest
            && (long)among.Count * RowsPerLookup < known.Of(level.View).Count;
        if (!lookUp)
        {
            using var read = database.Prepare($"SELECT start, key, {columns} FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            read.Add((long)level.No).Add(range.From).Add(range.To);
            while (read.Read()) take(read);
            return;
        }
        using var find = database.Prepare($"SELECT start, key, {columns} FROM rollups WHERE level = ? AND start = ? AND key = ?");
        for (var start = RollupPlan.Floor(range.From, unit); start < range.To; start += unit)
            foreach (var key in among!)
            {
                if (find.Add((long)level.No).Add(start).Add(key).Read()) take(find);
                find.Reset();
            }
    }
}
