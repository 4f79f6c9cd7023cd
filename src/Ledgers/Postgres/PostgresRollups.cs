// Rollups in PostgreSQL. Hosts share them: the row of their state is the lock of whoever changes them.
using System.Data.Common;
using NodaTime;
using Npgsql;
using NpgsqlTypes;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    /// <summary>Looking rows up one by one costs about as much as reading so many in a row.</summary>
    const int RowsPerLookup = 8;

    /// <summary>Transactions that append take milliseconds; one that takes longer is waited for the next time.</summary>
    const int MostLooks = 100;
    static readonly TimeSpan betweenLooks = TimeSpan.FromMilliseconds(10);

    /// <summary>Guards the keys by their numbers.</summary>
    readonly Lock keysGate = new();
    RollupKeys keys = RollupKeys.None;

    public Task<long> UnfoldedAsync() => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            "select greatest(0, coalesce((select max(position) from usage), 0) - (select folded from rollup_state))");
        return (long)(await command.ExecuteScalarAsync())!;
    });

    public Task<bool> FoldAsync(Instant now, int most) => ReachAsync(async () =>
    {
        if (await SettledPositionAsync() is not { } settled) return false;
        return await WithRollupsAsync(async connection =>
        {
            var (folded, state) = await RollupStateAsync(connection, default);
            var (fold, last) = await NextFoldAsync(connection, state, folded, settled, most);
            if (last > folded) await RollAsync(connection, fold.Spread(), last, null);
            else if (await NextRaiseAsync(connection, state, now) is { } raised)
                await RollAsync(connection, raised.Fold, null, raised.State);
            else return false;
            return true;
        });
    });

    /// <summary>Short enough that appends hardly notice it.</summary>
    const int PerTransaction = 1000;

    public Task<bool> EraseNextAsync() => ReachAsync(async () =>
    {
        (string Account, long Version)? next = null;
        await using (var find = source.CreateCommand("select account, version from audit where erases order by account, version limit 1"))
        await using (var row = await find.ExecuteReaderAsync())
            if (await row.ReadAsync())
                next = (row.GetString(0), row.GetInt64(1));
        if (next is not { } erasure) return false;
        var entry = (await ReadJournalAsync(erasure.Account, erasure.Version - 1, 1))[0];
        foreach (var erased in entry.Events.OfType<UsageErased>())
            for (long? at = long.MinValue; at is { } from;) at = await EraseSomeAsync(erasure.Account, erased, from);
        // Another host may be at it too: what both do is the same.
        return await WithRollupsAsync(async connection =>
        {
            await RollAgainAsync(connection, erasure.Account);
            await using var done = new NpgsqlCommand("update audit set erases = false where account = $1 and version = $2", connection);
            done.Parameters.Add(new() { Value = erasure.Account });
            done.Parameters.Add(new() { Value = erasure.Version });
            await done.ExecuteNonQueryAsync();
            return true;
        });
    });

    /// <summary>Erases some records, by their time; where to go on, or null at the end.</summary>
    async Task<long?> EraseSomeAsync(string account, UsageErased erased, long from)
    {
        var (gone, left, seen, last) = (new List<long>(), new List<byte[]>(), 0, from);
        await using (
            var find = source.CreateCommand(
                "select position, at, record from usage where account = $1 and at >= $2 and not erased order by at, position limit $3"))
        {
            find.Parameters.Add(new() { Value = account });
            find.Parameters.Add(new() { Value = from });
            find.Parameters.Add(new() { Value = PerTransaction });
            await using var row = await find.ExecuteReaderAsync();
            for (; await row.ReadAsync(); seen++)
            {
                last = row.GetInt64(1);
                var record = LedgerJson.DecodeRecord(row.GetFieldValue<byte[]>(2));
                if (!erased.Erases(record)) continue;
                gone.Add(row.GetInt64(0));
                left.Add(LedgerJson.EncodeRecord(record.Erased()));
            }
        }
        await using var erase = source.CreateCommand(
            """
            update usage u set erased = true, orchestrator = null, "user" = null, tenant = null, session = null, provider = null, model = null, tool = null,
              request_id = null, duration_ms = null, record = g.record
            from unnest($1, $2) as g(position, record) where u.position = g.position
            """);
        erase.Parameters.Add(new() { Value = gone });
        erase.Parameters.Add(new() { Value = left, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        await erase.ExecuteNonQueryAsync();
        if (seen < PerTransaction) return null;
        // A page of one instant from which nothing goes would come again and again.
        return gone.Count == 0 && last == from ? last + 1 : last;
    }

    public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most) => ReachAsync(async () =>
    {
        var before = bookedBefore.ToUnixTimeMilliseconds();
        var place = after ?? new(RollupPlan.Earliest, 0);
        var (old, seen, last) = (new List<long>(), 0, place);
        await using (
            var find = source.CreateCommand(
                "select at, position, booked_at from usage where at < $1 and (at, position) > ($2, $3) order by at, position limit $4"))
        {
            find.Parameters.Add(new() { Value = before });
            find.Parameters.Add(new() { Value = place.AtMillis });
            find.Parameters.Add(new() { Value = place.Order });
            find.Parameters.Add(new() { Value = most });
            await using var row = await find.ExecuteReaderAsync();
            for (; await row.ReadAsync(); seen++)
            {
                last = new(row.GetInt64(0), row.GetInt64(1));
                if (row.GetInt64(2) < before) old.Add(last.Order);
            }
        }
        if (old.Count > 0)
        {
            // First, so that nobody misses what is going before it is known that it may.
            await using var delete = source.CreateCommand(
                """
                with told as (update rollup_state set kept_since = greatest(kept_since, $2))
                delete from usage where position = any($1) and position <= (select folded from rollup_state) and position < (select max(position) from usage)
                """);
            delete.Parameters.Add(new() { Value = old });
            delete.Parameters.Add(new() { Value = before });
            await delete.ExecuteNonQueryAsync();
        }
        return seen == most ? last : (UsageCursor?)null;
    });

    public Task<bool> RebuildAsync(string account) => ReachAsync(async () =>
    {
        var compacted = false;
        while (!await WithRollupsAsync(async connection =>
        {
            compacted = await RollAgainAsync(connection, account);
            return true;
        }))
            await Task.Delay(betweenLooks);
        return compacted;
    });

    /// <summary>
    /// Puts what the journal gives in the place of an account's rollups. Records that are not folded are left out: they are folded later.
    /// The version
    /// is read first, so that a record up to it is either folded or among those. True where the journal begins with a checkpoint.
    /// </summary>
    async Task<bool> RollAgainAsync(NpgsqlConnection connection, string account)
    {
        var (folded, state) = await RollupStateAsync(connection, default);
        var version = 0L;
        await using (var head = new NpgsqlCommand("select version from heads where account = $1", connection))
        {
            head.Parameters.Add(new() { Value = account });
            version = await head.ExecuteScalarAsync() as long? ?? 0;
        }
        var unfolded = await UnfoldedAsync(connection, account, folded);
        var erasures = await AuditTrail.ErasuresAsync(this, account);
        // What adds up over all accounts can not be taken apart again: it is made anew.
        var fold = new Fold(state.WithoutAllFrom(RollupPlan.Earliest));
        var checkpoint = await CheckpointOfAsync(connection, account);
        if (checkpoint is not null)
        {
            checkpoint = checkpoint with { Usage = await CompactedUsageAsync(connection, account) };
            var left = checkpoint.UsageLeft(erasures).ToArray();
            foreach (var usage in left) fold.Add(usage);
            await ForgetUsageAsync(connection, account, [.. checkpoint.Usage.Except(left)]);
        }
        await foreach (var record in AuditTrail.RecordsAsync(this, account, checkpoint?.Version ?? 0, version, erasures))
            if (!unfolded.Contains(record.Id))
                fold.Add(RollupKey.Of(account, record), record.Usage.Dimensions.Session, record.Figures());
        var before = (await KeysAsync(connection, default)).All.Where(key => key.Key.Account == account).Select(key => key.No).ToArray();
        long? first = fold.First;
        await using (var find = new NpgsqlCommand("select least(min(start), $3) from rollups where level = $1 and key = any($2)",
            connection))
        {
            find.Parameters.Add(new() { Value = (short)new RollupLevel(RollupView.Account, RollupSpan.Hour).No });
            find.Parameters.Add(new() { Value = before });
            find.Parameters.Add(new() { Value = (object?)first ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
            first = await find.ExecuteScalarAsync() as long?;
        }
        if (first is { } from) state = state.WithoutAllFrom(from);
        await using (var delete = new NpgsqlCommand("delete from rollups where key = any($1)", connection))
        {
            delete.Parameters.Add(new() { Value = before });
            await delete.ExecuteNonQueryAsync();
        }
        await using (var clear = new NpgsqlCommand(
            "delete from rollups r using unnest($1, $2) as c(level, start) where $3 and r.level = c.level and r.start >= c.start",
                connection))
        {
            RollupLevel[] ofAll = [.. RollupLevel.All.Where(level => level.View.IsOfAll)];
            clear.Parameters.Add(
                new() { Value = Array.ConvertAll(ofAll, level => (short)level.No),
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint });
            clear.Parameters.Add(new() { Value = Array.ConvertAll(ofAll, state.Before) });
            clear.Parameters.Add(new() { Value = first is not null });
            await clear.ExecuteNonQueryAsync();
        }
        // Keys that are not used any more go: they may name somebody.
        await using (var forget = new NpgsqlCommand("delete from rollup_keys k where not exists (select from rollups r where r.key = k.no)",
            connection))
            await forget.ExecuteNonQueryAsync();
        await RollAsync(connection, fold.Spread(), null, state);
        lock (keysGate) keys = RollupKeys.None;
        return checkpoint is not null;
    }

    static async Task<HashSet<string>> UnfoldedAsync(NpgsqlConnection connection, string account, long folded)
    {
        var unfolded = new HashSet<string>(StringComparer.Ordinal);
        await using var find = new NpgsqlCommand("select usage_id from usage where position > $1 and account = $2", connection);
        find.Parameters.Add(new() { Value = folded });
        find.Parameters.Add(new() { Value = account });
        await using var row = await find.ExecuteReaderAsync();
        while (await row.ReadAsync()) unfolded.Add(row.GetString(0));
        return unfolded;
    }

    /// <summary>Usage of compacted entries that was erased.</summary>
    static async Task ForgetUsageAsync(NpgsqlConnection connection, string account, IReadOnlyList<CompactedUsage> erased)
    {
        if (erased.Count == 0) return;
        await using var delete = new NpgsqlCommand(
            "delete from compacted_usage c using unnest($2, $3) as e(start, key) where c.account = $1 and c.start = e.start and c.key = "
                + "e.key", connection);
        delete.Parameters.Add(new() { Value = account });
        delete.Parameters.Add(new() { Value = erased.Select(usage => usage.Start).ToArray() });
        delete.Parameters.Add(new() { Value = erased.Select(usage => usage.Key.Text).ToArray() });
        await delete.ExecuteNonQueryAsync();
    }

    /// <summary>Changes rollups in one transaction; false where another host is at it.</summary>
    async Task<bool> WithRollupsAsync(Func<NpgsqlConnection, Task<bool>> change)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("select 1 from rollup_state for update skip locked", connection))
            if (await take.ExecuteScalarAsync() is null)
                return false;
        if (!await change(connection)) return false;
        await transaction.CommitAsync();
        return true;
    }

    /// <summary>
    /// The highest position up to which every record is there for good, or never will be; null where somebody who may still add one takes
    /// long. Positions are given out before their transactions end, and whoever has got one holds a lock on the table until then: once all
    /// who held it after a position was seen are gone, nothing comes below it any more.
    /// </summary>
    async Task<long?> SettledPositionAsync()
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var seen = new NpgsqlCommand("select coalesce(max(position), 0) from usage", connection);
        var position = (long)(await seen.ExecuteScalarAsync())!;
        return await HaveEndedAsync(connection, "usage") ? position : null;
    }

    /// <summary>Waits for those that write to a table now; false where one of them takes long.</summary>
    static async Task<bool> HaveEndedAsync(NpgsqlConnection connection, string table, CancellationToken cancellation = default)
    {
        const string writers =
            """
            select coalesce(array_agg(virtualtransaction), '{}') from pg_locks
            where relation = $1::regclass and database = (select oid from pg_database where datname = current_database()) and mode = 'RowExclusiveLock'
            """;
        await using var look = new NpgsqlCommand(writers, connection);
        look.Parameters.Add(new() { Value = table });
        var running = (string[])(await look.ExecuteScalarAsync(cancellation))!;
        await using var lookAgain = new NpgsqlCommand(writers + " and virtualtransaction = any($2)", connection);
        lookAgain.Parameters.Add(new() { Value = table });
        var among = lookAgain.Parameters.Add(new() { Value = running });
        for (var looks = 0; running.Length > 0; looks++)
        {
            if (looks == MostLooks) return false;
            await Task.Delay(betweenLooks, cancellation);
            among.Value = running;
            running = (string[])(await lookAgain.ExecuteScalarAsync(cancellation))!;
        }
        return true;
    }

    /// <summary>Records that are not folded yet, in the order of booking, and how far they go.</summary>
    static async Task<(Fold Fold, long Folded)> NextFoldAsync(NpgsqlConnection connection, RollupState state, long folded, long settled,
        int most)
    {
        var fold = new Fold(state);
        var last = folded;
        await using var command = new NpgsqlCommand(
            $"""
            select at, input, output, requests, cost_nanos, success, duration_ms, {UsageColumns.Unpriced}, currency, position, account, orchestrator, "user", tenant, session,
              provider, model, tool, erased
            from usage where position > $1 and position <= $2 order by position limit $3
            """, connection);
        command.Parameters.Add(new() { Value = folded });
        command.Parameters.Add(new() { Value = settled });
        command.Parameters.Add(new() { Value = most });
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            last = row.GetInt64(9);
            if (row.GetBoolean(18)) continue;
            var figures = FiguresOf(row);
            fold.Add(new(row.GetString(10), Text(11), Text(12), Text(13), Text(15), Text(16), Text(17), figures.Success, row.GetString(8)),
                Text(14), figures);
        }
        return (fold, last);

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
    }

    /// <summary>The next hour or day that is over, made of its parts, and how far hours and days are then.</summary>
    async Task<(Fold Fold, RollupState State)?> NextRaiseAsync(NpgsqlConnection connection, RollupState state, Instant now)
    {
        foreach (var raise in RollupRaise.All)
        {
            if (raise.Open(state, now) is not { } open) continue;
            await using var first = new NpgsqlCommand("select min(start) from rollups where level = $1 and start >= $2 and start < $3",
                connection);
            first.Parameters.Add(new() { Value = (short)raise.First.No });
            first.Parameters.Add(new() { Value = open.From });
            first.Parameters.Add(new() { Value = open.To });
            var (range, after) = raise.Next(state, open, await first.ExecuteScalarAsync() as long?);
            var fold = new Fold(after);
            var known = await KeysAsync(connection, default);
            var byNo = known.All.ToDictionary(key => key.No, key => key.Key);
            foreach (var part in raise.Parts)
                await ReadRollupsAsync(
                    connection, part, range, known, null, "sums, sessions",
                    row => fold.Take(part, row.GetInt64(0), byNo[row.GetInt32(1)], row.GetFieldValue<byte[]>(2),
                        row.GetFieldValue<byte[]>(3)), default);
            return (fold.Make(raise.Made), after);
        }
        return null;
    }

    /// <summary>Adds to rollups, and sets how far records are folded or hours and days are made.</summary>
    static async Task RollAsync(NpgsqlConnection connection, Fold fold, long? folded, RollupState? state)
    {
        var gains = fold.Gains.ToArray();
        var numbers = await NumbersAsync(connection, gains.Select(gain => gain.Key.Key).Distinct().ToArray());
        var (levels, starts, ofKeys) = (
            Array.ConvertAll(gains, gain => (short)gain.Key.Level.No), Array.ConvertAll(gains, gain => gain.Key.Start),
                Array.ConvertAll(gains, gain => numbers[gain.Key.Key]));
        await using (var read = new NpgsqlCommand(
            """
            select g.no, r.sums, r.sessions from unnest($1, $2, $3) with ordinality as g(level, start, key, no)
            join rollups r on r.level = g.level and r.start = g.start and r.key = g.key
            """, connection))
        {
            Bind(read);
            await using var row = await read.ExecuteReaderAsync();
            while (await row.ReadAsync())
                gains[(int)row.GetInt64(0) - 1].Value.Add(row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2));
        }
        await using var write = new NpgsqlCommand(
            """
            insert into rollups (level, start, key, sums, sessions) select * from unnest($1, $2, $3, $4, $5)
            on conflict (level, start, key) do update set sums = excluded.sums, sessions = excluded.sessions
            """, connection);
        Bind(write);
        write.Parameters.Add(
            new() { Value = Array.ConvertAll(gains, gain => gain.Value.Sums.Encode()),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        write.Parameters.Add(new() { Value = Array.ConvertAll(gains, gain => gain.Value.Sessions.Encode()),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        await write.ExecuteNonQueryAsync();
        await using var set = new NpgsqlCommand(
            """
            update rollup_state set folded = coalesce($1, folded), hours_before = coalesce($2, hours_before), days_before = coalesce($3, days_before),
              all_hours_before = coalesce($4, all_hours_before), all_days_before = coalesce($5, all_days_before)
            """, connection);
        foreach (var value in new[] { folded, state?.HoursBefore, state?.DaysBefore, state?.AllHoursBefore, state?.AllDaysBefore })
            set.Parameters.Add(new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        await set.ExecuteNonQueryAsync();

        void Bind(NpgsqlCommand command)
        {
            command.Parameters.Add(new() { Value = levels, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint });
            command.Parameters.Add(new() { Value = starts });
            command.Parameters.Add(new() { Value = ofKeys });
        }
    }

    /// <summary>The numbers of keys; new ones get the next. The lock on the state lets one host at a time give them out.</summary>
    static async Task<Dictionary<RollupKey, int>> NumbersAsync(NpgsqlConnection connection, RollupKey[] wanted)
    {
        var texts = Array.ConvertAll(wanted, key => key.Text);
        await using (var insert = new NpgsqlCommand(
            """
            with new as (
              select w.key, row_number() over (order by w.no) as no from unnest($1) with ordinality as w(key, no)
              where not exists (select 1 from rollup_keys k where k.key = w.key)
            ), counted as (
              update rollup_state set last_key = last_key + (select count(*) from new) returning last_key - (select count(*) from new) as before
            )
            insert into rollup_keys (no, key) select counted.before + new.no, new.key from new cross join counted
            """, connection))
        {
            insert.Parameters.Add(new() { Value = texts });
            await insert.ExecuteNonQueryAsync();
        }
        await using var find = new NpgsqlCommand(
            "select w.no, k.no from unnest($1) with ordinality as w(key, no) join rollup_keys k on k.key = w.key", connection);
        find.Parameters.Add(new() { Value = texts });
        var numbers = new Dictionary<RollupKey, int>();
        await using var row = await find.ExecuteReaderAsync();
        while (await row.ReadAsync()) numbers[wanted[(int)row.GetInt64(0) - 1]] = row.GetInt32(1);
        return numbers;
    }

    static async Task<(long Folded, RollupState State)> RollupStateAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select folded, hours_before, days_before, all_hours_before, all_days_before from rollup_state", connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation)) throw new InvalidDataException("the state of the rollups is missing");
        return (row.GetInt64(0), new(row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)));
    }

    async Task<RollupKeys> KeysAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var known = Volatile.Read(ref keys);
        await using var command = new NpgsqlCommand("select no, key from rollup_keys where no > $1 order by no", connection);
        command.Parameters.Add(new() { Value = known.Last });
        var more = new List<(int No, RollupKey Key)>();
        await using (var row = await command.ExecuteReaderAsync(cancellation))
            while (await row.ReadAsync(cancellation)) more.Add((row.GetInt32(0), RollupKey.Parse(row.GetString(1))));
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
    static async Task ReadRollupsAsync(
        NpgsqlConnection connection, RollupLevel level, MillisRange range, RollupKeys known, IReadOnlyList<int>? among, string columns,
            Action<DbDataReader> take,
        CancellationToken cancellation)
    {
        // A range without an end is read whole.
        var lookUp = among is not null && range.From > RollupPlan.Earliest && range.To < RollupPlan.Latest
            && (long)among.Count * RowsPerLookup < known.Of(level.View).Count;
#pragma warning disable CA2100 // The columns are constants.
        await using var command = new NpgsqlCommand(lookUp
            ? $"""
              select s.start, k.key, {columns} from generate_series($2::bigint, $3::bigint - 1, $5::bigint) as s(start) cross join unnest($4::int[]) as k(key)
              cross join lateral (select sums, sessions from rollups r where r.level = $1 and r.start = s.start and r.key = k.key limit 1) as r
              """
            : $"select start, key, {columns} from rollups where level = $1 and start >= $2 and start < $3", connection);
#pragma warning restore CA2100
        command.Parameters.Add(new() { Value = (short)level.No });
        command.Parameters.Add(new() { Value = range.From });
        command.Parameters.Add(new() { Value = range.To });
        if (lookUp)
        {
            command.Parameters.Add(new() { Value = among!.ToArray() });
            command.Parameters.Add(new() { Value = RollupPlan.MillisOf(level.Span) });
        }
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation)) take(row);
    }
}
