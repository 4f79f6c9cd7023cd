// Rollups in SQLite: read here on connections of their own, added up on the caller's thread, and only then handed to the Writer.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Relational;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    /// <summary>Looking rows up one by one costs about as much as reading so many in a row.</summary>
    const int RowsPerLookup = 8;

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
            while (find.Read()) last = row.FoldInto(fold);
            return last;
        });

        public Task<HashSet<string>> UnfoldedAsync(string account, long folded) =>
            ledger.Read(database => UnfoldedOf(database, ledger.HeadOf(database, account)?.No ?? 0, folded));

        public Task<long?> VersionAsync(string account) => ledger.Read(database => ledger.HeadOf(database, account)?.Version);

        public Task<Checkpoint?> CheckpointAsync(string account) => ledger.LoadCheckpointAsync(account);

        public Task<RollupKeys> KeysAsync() => ledger.Read(ledger.KeysOf);

        public Task<long?> FirstAsync(RollupLevel level, MillisRange within) => ledger.Read(database =>
        {
            using var first = database.Prepare("SELECT min(start) FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            return first.Add((long)level.No).Add(within.From).Add(within.To).Read() ? first.LongOrNull(0) : null;
        });

        public Task<long?> FirstOfAsync(IReadOnlyList<int> keys) => ledger.Read(database => FirstOf(database, keys));

        public Task ReadAsync(RollupLevel level, MillisRange range, RollupKeys known, Action<IRow> take) => ledger.Read(database =>
        {
            ReadRollups(database, level, range, known, null, "sums, sessions", take);
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
        using var read = database.Prepare("SELECT folded, hours_before, days_before, all_hours_before, all_days_before FROM rollup_state");
        if (!read.Read()) throw new InvalidDataException("the state of the rollups is missing");
        return (read.Long(0), new(read.Long(1), read.Long(2), read.Long(3), read.Long(4)));
    }

    RollupKeys KeysOf(Database database)
    {
        var known = keys.Known;
        using var read = database.Prepare("SELECT no, key FROM rollup_keys WHERE no > ? ORDER BY no");
        read.Add(known.Last);
        var more = new List<(int, RollupKey)>();
        while (read.Read()) more.Add(((int)read.Long(0), RollupKey.Parse(read.Text(1))));
        return keys.With(known, more);
    }

    /// <summary>Rows of a level: `start`, `key` and <paramref name="columns"/>; of some keys where those are few of all that are
    /// known.</summary>
    static void ReadRollups(Database database, RollupLevel level, MillisRange range, RollupKeys known, IReadOnlyList<int>? among,
        string columns, Action<IRow> take)
    {
        var unit = RollupPlan.MillisOf(level.Span);
        // A range without an end is read whole.
        var lookUp = among is not null && range.From > RollupPlan.Earliest && range.To < RollupPlan.Latest
            && (long)among.Count * RowsPerLookup < known.Of(level.View).Count;
        if (!lookUp)
        {
            using var read = database.Prepare($"SELECT start, key, {columns} FROM rollups WHERE level = ? AND start >= ? AND start < ?");
            read.Add((long)level.No).Add(range.From).Add(range.To);
            var row = new UsageRow(read, null);
            while (read.Read()) take(row);
            return;
        }
        using var find = database.Prepare($"SELECT start, key, {columns} FROM rollups WHERE level = ? AND start = ? AND key = ?");
        var found = new UsageRow(find, null);
        for (var start = RollupPlan.Floor(range.From, unit); start < range.To; start += unit)
            foreach (var key in among!)
            {
                if (find.Add((long)level.No).Add(start).Add(key).Read()) take(found);
                find.Reset();
            }
    }
}
