// Rollups in SQLite: read here on connections of their own, added up on the caller's thread, and only then handed to the Writer.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Relational;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    /// <summary>One at a time changes rollups, so that what was read of them still holds when the writer gets it.</summary>
    readonly SemaphoreSlim upkeep = new(1);

    readonly RollupKeyCache keys = new();

    public Task<long> UnfoldedAsync() =>
        Read(database => Math.Max(0, (database.Scalar("SELECT max(position) FROM usage") ?? 0) - RollupStateOf(database).Folded));

    public Task<bool> FoldAsync(Instant now, int most) => AloneAsync(tables => RollupUpkeep.FoldNextAsync(tables, now, most));

    public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most) =>
        AloneAsync(tables => RollupUpkeep.PurgeAsync(tables, bookedBefore, after, most));

    public Task<bool> RebuildAsync(string account) => AloneAsync(tables => RollupUpkeep.RollAgainAsync(tables, this, account));

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
        return await AloneAsync(async tables =>
        {
            foreach (var erased in entry.Events.OfType<UsageErased>())
                await RollupUpkeep.EraseAsync(tables, erasure.Account, erased).ConfigureAwait(false);
            await RollupUpkeep.RollAgainAsync(tables, this, erasure.Account).ConfigureAwait(false);
            await Writer.ErasedAsync(erasure.No, erasure.Version).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    public Task<bool> IsErasingAsync(string account) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return false;
        using var pending = database.Prepare("SELECT 1 FROM audit WHERE account = ? AND erases");
        return pending.Add(head.No).Read();
    });

    async Task<T> AloneAsync<T>(Func<Tables, Task<T>> change)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            return await change(new(this)).ConfigureAwait(false);
        }
        finally
        {
            upkeep.Release();
        }
    }

    sealed class Tables(SqliteLedger ledger) : IRollupTables, IRecordTable
    {
        public Task<(long Folded, RollupState State)> StateAsync() => ledger.Read(RollupStateOf);

        public Task<long> FoldRecordsAsync(Fold fold, long folded, int most) => ledger.Read(database =>
        {
            using var find = database.Prepare($"SELECT {RowReading.Folded} FROM usage WHERE position > ? ORDER BY position LIMIT ?");
            var row = new UsageRow(find.Add(folded).Add(most), new(database));
            var last = folded;
            while (!fold.IsFull && find.Read()) last = row.FoldInto(fold);
            return last;
        });

        public Task<HashSet<string>> UnfoldedAsync(string account, long folded) =>
            ledger.Read(database => UnfoldedOf(database, ledger.HeadOf(database, account)?.No ?? 0, folded));

        public Task<long?> VersionAsync(string account) => ledger.Read(database => ledger.HeadOf(database, account)?.Version);

        public Task<Checkpoint?> CheckpointAsync(string account) => ledger.LoadCheckpointAsync(account);

        public Task<IReadOnlyList<int>> KeysOfAsync(string account) => ledger.Read<IReadOnlyList<int>>(database =>
        {
            var found = new List<int>();
            ReadKeysBetween(database, RollupKeyBook.BeginningOf(account), (no, _) => found.Add(no));
            return found;
        });

        public Task<long?> FirstAsync(RollupLevel level, MillisRange within) => ledger.Read(database =>
        {
            using var first = database.Prepare("SELECT min(start) FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            return first.Add((long)level.No).Add(within.From).Add(within.To).Read() ? first.LongOrNull(0) : null;
        });

        public Task<long?> FirstOfAsync(IReadOnlyList<int> keys) => ledger.Read(database => FirstOf(database, keys));

        public Task ReadAsync(RollupLevel level, MillisRange range, Action<IRow> take) => ledger.Read(database =>
        {
            using var read = database.Prepare(
                "SELECT r.start, r.key, r.sums, r.sessions, k.key FROM rollups r JOIN rollup_keys k ON k.no = r.key "
                    + "WHERE r.level = ? AND r.start >= ? AND r.start < ?");
            read.Add((long)level.No).Add(range.From).Add(range.To);
            var row = new UsageRow(read, null);
            while (read.Read()) take(row);
            return true;
        });

        public Task AddAsync(Fold fold, long? folded, RollupState? state) => ledger.Writer.RollAsync(fold, folded, state);

        public async Task ReplaceAsync(IReadOnlyList<int> keys, Fold fold, long? first, RollupState state)
        {
            await ledger.Writer.RollAgainAsync(keys, fold, first, state).ConfigureAwait(false);
            ledger.keys.Forget();
        }

        public async Task ForgetAsync(string account, IReadOnlyList<CompactedUsage> erased, IReadOnlyList<CompactedUsage> left)
        {
            if (await ledger.Read(database => ledger.HeadOf(database, account)?.No).ConfigureAwait(false) is { } no)
                await ledger.Writer.ForgetUsageAsync(no, erased, left).ConfigureAwait(false);
        }

        public Task<IReadOnlyList<(UsageCursor Place, UsageRecord Record)>> RecordsAsync(string account, UsageCursor? after, int most) =>
            ledger.Read<IReadOnlyList<(UsageCursor, UsageRecord)>>(database =>
            {
                // By the index of times read backwards, in which records of one time go backwards too.
                using var find = database.Prepare(
                    "SELECT at, position, record FROM usage WHERE account = ? AND at >= ? AND (at > ? OR position < ?) AND NOT erased "
                        + "ORDER BY at, position DESC LIMIT ?");
                var place = after ?? new(long.MinValue, long.MaxValue);
                find.Add(ledger.HeadOf(database, account)?.No ?? 0).Add(place.AtMillis).Add(place.AtMillis).Add(place.Order).Add(most);
                var page = new List<(UsageCursor, UsageRecord)>();
                while (find.Read()) page.Add((new(find.Long(0), find.Long(1)), LedgerJson.DecodeRecord(find.Blob(2))));
                return page;
            });

        public Task LeaveAsync(IReadOnlyList<(long Position, byte[] Left)> records, bool anonymizes) =>
            ledger.Writer.EraseAsync(records, anonymizes);

        public Task<IReadOnlyList<(UsageCursor Place, long BookedAt)>> TimesAsync(long before, UsageCursor? after, int most) =>
            ledger.Read<IReadOnlyList<(UsageCursor, long)>>(database =>
            {
                // In the order of the index, as above.
                using var find = database.Prepare(
                    "SELECT at, position, booked_at FROM usage WHERE at < ? AND at >= ? AND (at > ? OR position < ?) ORDER BY at, "
                        + "position DESC LIMIT ?");
                var place = after ?? new(RollupPlan.Earliest, long.MaxValue);
                find.Add(before).Add(place.AtMillis).Add(place.AtMillis).Add(place.Order).Add(most);
                var page = new List<(UsageCursor, long)>();
                while (find.Read()) page.Add((new(find.Long(0), find.Long(1)), find.Long(2)));
                return page;
            });

        public Task DeleteAsync(IReadOnlyList<long> positions, long bookedBefore) => ledger.Writer.PurgeAsync(positions, bookedBefore);
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

    static (long Folded, RollupState State) RollupStateOf(Database database)
    {
        using var read = database.Prepare(
            "SELECT folded, hours_before, days_before, all_hours_before, all_days_before, weeks_before FROM rollup_state");
        if (!read.Read()) throw new InvalidDataException("the state of the rollups is missing");
        return (read.Long(0), new(read.Long(1), read.Long(2), read.Long(3), read.Long(4), read.Long(5)));
    }

    RollupKeyBook KeysOf(Database database, IReadOnlyList<QuestionReading> readings)
    {
        var book = new RollupKeyBook(keys, (int)(database.Scalar("SELECT last_key FROM rollup_state") ?? 0), readings);
        foreach (var account in book.Accounts)
            ReadKeysBetween(database, RollupKeyBook.BeginningOf(account), (no, text) => book.TakeOf(account, no, text));
        foreach (var (part, behind) in book.Parts)
        {
            using var some = database.Prepare(part.View is null ? "SELECT no, key FROM rollup_keys WHERE no > ? AND instr(key, ?) > 0"
                : $"SELECT no, key FROM rollup_keys INDEXED BY rollup_keys_by_name WHERE {KeysByName} AND +no > ?");
            if (part.View is { } view) some.Add((long)view.No).Add(part.Text).Add(behind);
            else some.Add(behind).Add(part.Text);
            while (some.Read()) book.TakeWith(part, (int)some.Long(0), some.Blob(1));
        }
        if (book.After is not { } after) return book;
        if (after == 0)
        {
            ReadKeysBetween(database, RollupKeyBook.BeginningOf(""), book.Take);
            return book;
        }
        using var read = database.Prepare("SELECT no, key FROM rollup_keys WHERE no > ? ORDER BY no");
        read.Add(after);
        while (read.Read()) book.Take((int)read.Long(0), read.Blob(1));
        return book;
    }

    /// <summary>The view of a key, and the name in it: the terms of an index.</summary>
    internal const string KeysByName =
        "coalesce(key ->> '$.view', 0) = ? AND "
            + "coalesce(key ->> '$.user', key ->> '$.model', key ->> '$.orchestrator', key ->> '$.tenant') = ?";

    delegate void TakeKey(int no, ReadOnlySpan<byte> text);

    static void ReadKeysBetween(Database database, (string From, string Below) texts, TakeKey take)
    {
        using var read = database.Prepare("SELECT no, key FROM rollup_keys WHERE key >= ? AND key < ?");
        read.Add(texts.From).Add(texts.Below);
        while (read.Read()) take((int)read.Long(0), read.Blob(1));
    }

    static void ReadRollups(Database database, RollupKeyBook book, RollupRead reading)
    {
        if (FollowsKeys(database, reading)) FollowKeys(database, reading);
        else if (LooksUp(database, reading)) LookUp(database, reading);
        else
        {
            // Each key once: dropping the others here costs less than reading a row for each.
            var columns = reading.Columns.Length == 0 ? "DISTINCT 0, key" : $"start, key, {reading.Columns}";
            using var read = database.Prepare($"SELECT {columns} FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            read.Add((long)reading.Level.No).Add(reading.Range.From).Add(reading.Range.To);
            var row = new UsageRow(read, null);
            while (read.Read())
            {
                reading.Row(row);
                if (reading.Waiting >= MostWaiting) TakeWaiting(database, book, reading);
            }
        }
        TakeWaiting(database, book, reading);
    }

    const int MostWaiting = 10_000;

    static void TakeWaiting(Database database, RollupKeyBook book, RollupRead reading)
    {
        using var find = database.Prepare("SELECT key FROM rollup_keys WHERE no = ?");
        foreach (var no in reading.Missing)
        {
            if (find.Add(no).Read()) book.TakeMet(no, find.Blob(0));
            find.Reset();
        }
        reading.TakeWaiting();
    }

    static bool FollowsKeys(Database database, RollupRead reading)
    {
        if (!reading.MayFollowKeys) return false;
        using var count = database.Prepare(
            "SELECT count(*) FROM (SELECT 1 FROM rollups WHERE level = ? AND start >= ? AND start < ? LIMIT ?)");
        count.Add((long)reading.Level.No).Add(reading.Range.From).Add(reading.Range.To).Add(reading.WorthLookingUp).Read();
        return count.Long(0) >= reading.WorthLookingUp;
    }

    internal static string OfOneKey(string columns) =>
        $"SELECT start, key, {columns} FROM rollups INDEXED BY rollups_by_key "
            + $"WHERE {RollupRead.IsFollowed} AND key = ? AND level = ? AND start >= ? AND start < ?";

    static void FollowKeys(Database database, RollupRead reading)
    {
        using var find = database.Prepare(OfOneKey(reading.Others));
        var row = new UsageRow(find, null);
        foreach (var key in reading.Among)
        {
            find.Add(key).Add((long)reading.Level.No).Add(reading.Range.From).Add(reading.Range.To);
            while (find.Read()) reading.Row(row);
            find.Reset();
        }
    }

    static bool LooksUp(Database database, RollupRead reading)
    {
        if (!reading.MayLookUp) return false;
        using var count = database.Prepare("SELECT count(*) FROM (SELECT 1 FROM rollups WHERE level = ? AND start = ? LIMIT ?)");
        foreach (var start in reading.Probes)
        {
            count.Add((long)reading.Level.No).Add(start).Add(reading.WorthLookingUp).Read();
            var rows = count.Long(0);
            count.Reset();
            if (rows >= reading.WorthLookingUp) return true;
        }
        return false;
    }

    static void LookUp(Database database, RollupRead reading)
    {
        using var find = database.Prepare($"SELECT start, key, {reading.Others} FROM rollups WHERE level = ? AND start = ? AND key = ?");
        var found = new UsageRow(find, null);
        var unit = RollupPlan.MillisOf(reading.Level.Span);
        for (var start = RollupPlan.Floor(reading.Range.From, unit); start < reading.Range.To; start += unit)
            foreach (var key in reading.Among)
            {
                if (find.Add((long)reading.Level.No).Add(start).Add(key).Read()) reading.Row(found);
                find.Reset();
            }
    }
}
