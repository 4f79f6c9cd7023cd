// Rollups in PostgreSQL. Hosts share them: the row of their state is the lock of whoever changes them.
using System.Globalization;
using NodaTime;
using Npgsql;
using NpgsqlTypes;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Relational;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    /// <summary>Transactions that append take milliseconds; one that takes longer is waited for the next time.</summary>
    const int MostLooks = 100;
    static readonly TimeSpan betweenLooks = TimeSpan.FromMilliseconds(10);

    readonly RollupKeyCache keys = new();

    public Task<long> UnfoldedAsync() => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            "select greatest(0, coalesce((select max(position) from usage), 0) - (select folded from rollup_state))");
        return (long)(await command.ExecuteScalarAsync())!;
    });

    public Task<bool> FoldAsync(Instant now, int most) => ReachAsync(async () =>
    {
        if (await SettledPositionAsync() is not { } settled) return false;
        return await WithRollupsAsync(connection => RollupUpkeep.FoldNextAsync(new RollupTables(this, connection, settled), now, most));
    });

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
            await RollupUpkeep.EraseAsync(new RecordTable(source), erasure.Account, erased);
        // Another host may be at it too: what both do is the same.
        return await WithRollupsAsync(async connection =>
        {
            await RollupUpkeep.RollAgainAsync(new RollupTables(this, connection), this, erasure.Account);
            await using var done = new NpgsqlCommand("update audit set erases = false where account = $1 and version = $2", connection);
            done.Parameters.Add(new() { Value = erasure.Account });
            done.Parameters.Add(new() { Value = erasure.Version });
            await done.ExecuteNonQueryAsync();
            return true;
        });
    });

    public Task<bool> IsErasingAsync(string account) => ReachAsync(async () =>
    {
        await using var pending = source.CreateCommand("select exists (select from audit where account = $1 and erases)");
        pending.Parameters.Add(new() { Value = account });
        return (bool)(await pending.ExecuteScalarAsync())!;
    });

    public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most) =>
        ReachAsync(() => RollupUpkeep.PurgeAsync(new RecordTable(source), bookedBefore, after, most));

    public Task<bool> RebuildAsync(string account) => ReachAsync(async () =>
    {
        var compacted = false;
        while (!await WithRollupsAsync(async connection =>
        {
            compacted = await RollupUpkeep.RollAgainAsync(new RollupTables(this, connection), this, account);
            return true;
        }))
            await Task.Delay(betweenLooks);
        return compacted;
    });

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

    /// <summary>Adds to rollups, and sets how far records are folded or hours, days and weeks are made.</summary>
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
              all_hours_before = coalesce($4, all_hours_before), all_days_before = coalesce($5, all_days_before),
              weeks_before = coalesce($6, weeks_before), changes = changes + 1
            """, connection);
        foreach (var value in new[] { folded, state?.HoursBefore, state?.DaysBefore, state?.AllHoursBefore, state?.AllDaysBefore,
            state?.WeeksBefore })
            set.Parameters.Add(new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        await set.ExecuteNonQueryAsync();

        void Bind(NpgsqlCommand command)
        {
            command.Parameters.Add(new() { Value = levels, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint });
            command.Parameters.Add(new() { Value = starts });
            command.Parameters.Add(new() { Value = ofKeys });
        }
    }

    /// <summary>Keys by their texts, which an index has as digests.</summary>
    internal const string KeysByText =
        """
        select w.no, k.no from unnest($1::text[]) with ordinality as w(key, no)
        cross join lateral (select k.no from rollup_keys k where digest_of(k.key) = digest_of(w.key) and k.key = w.key limit 1) as k
        """;

    /// <summary>The numbers of keys; new ones get the next. The lock on the state lets one host at a time give them out.</summary>
    static async Task<Dictionary<RollupKey, int>> NumbersAsync(NpgsqlConnection connection, RollupKey[] wanted)
    {
        var texts = Array.ConvertAll(wanted, key => key.Text);
        await using (var insert = new NpgsqlCommand(
            """
            with new as (
              select w.key, row_number() over (order by w.no) as no from unnest($1) with ordinality as w(key, no)
              left join lateral (
                select k.no from rollup_keys k where digest_of(k.key) = digest_of(w.key) and k.key = w.key limit 1
              ) as known on true
              where known.no is null
            ), counted as (
              update rollup_state set last_key = last_key + (select count(*) from new) returning last_key - (select count(*) from new) as before
            )
            insert into rollup_keys (no, key) select counted.before + new.no, new.key from new cross join counted
            """, connection))
        {
            insert.Parameters.Add(new() { Value = texts });
            await insert.ExecuteNonQueryAsync();
        }
        await using var find = new NpgsqlCommand(KeysByText, connection);
        find.Parameters.Add(new() { Value = texts });
        var numbers = new Dictionary<RollupKey, int>();
        await using var row = await find.ExecuteReaderAsync();
        while (await row.ReadAsync()) numbers[wanted[(int)row.GetInt64(0) - 1]] = row.GetInt32(1);
        return numbers;
    }

    static async Task<(long Folded, RollupState State)> RollupStateAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select folded, hours_before, days_before, all_hours_before, all_days_before, weeks_before from rollup_state", connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation)) throw new InvalidDataException("the state of the rollups is missing");
        return (row.GetInt64(0), new(row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5)));
    }

    async Task<RollupKeyBook> KeysAsync(NpgsqlConnection connection, IReadOnlyList<QuestionReading> readings,
        CancellationToken cancellation)
    {
        await using var last = new NpgsqlCommand("select last_key from rollup_state", connection);
        var book = new RollupKeyBook(keys, (int)(await last.ExecuteScalarAsync(cancellation))!, readings);
        foreach (var account in book.Accounts)
            await ReadKeysBetweenAsync(connection, RollupKeyBook.BeginningOf(account), (no, text) => book.TakeOf(account, no, text),
                cancellation);
        foreach (var (part, behind) in book.Parts)
        {
            await using var some = new NpgsqlCommand(part.View is null
                ? "select no, key from rollup_keys where no > $1 and position($2 in key) > 0"
                : $"select no, key from rollup_keys where no > $1 and {KeysByName}", connection);
            some.Parameters.Add(new() { Value = behind });
            some.Parameters.Add(new() { Value = part.Text });
            if (part.View is { } view) some.Parameters.Add(new() { Value = view.No.ToString(CultureInfo.InvariantCulture) });
            await using var found = await some.ExecuteReaderAsync(cancellation);
            while (await found.ReadAsync(cancellation)) book.TakeWith(part, found.GetInt32(0), found.GetFieldValue<byte[]>(1));
        }
        if (book.After is not { } after) return book;
        if (after == 0)
        {
            await ReadKeysBetweenAsync(connection, RollupKeyBook.BeginningOf(""), (no, text) => book.Take(no, text), cancellation);
            return book;
        }
        await using var command = new NpgsqlCommand("select no, key from rollup_keys where no > $1 order by no", connection);
        command.Parameters.Add(new() { Value = after });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation)) book.Take(row.GetInt32(0), row.GetFieldValue<byte[]>(1));
        return book;
    }

    /// <summary>The name in a key, and its view: the terms of an index.</summary>
    internal const string KeysByName =
        "coalesce(key::jsonb ->> 'user', key::jsonb ->> 'model', key::jsonb ->> 'orchestrator', key::jsonb ->> 'tenant') = $2 "
            + "and coalesce(key::jsonb ->> 'view', '0') = $3";

    /// <summary>How keys begin: the terms of an index.</summary>
    internal const string KeysBetween = "select no, key from rollup_keys where left(key, 240) >= $1 and left(key, 240) < $2";

    static async Task ReadKeysBetweenAsync(NpgsqlConnection connection, (string From, string Below) texts, Action<int, byte[]> take,
        CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(KeysBetween, connection);
        command.Parameters.Add(new() { Value = texts.From });
        command.Parameters.Add(new() { Value = texts.Below });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation)) take(row.GetInt32(0), row.GetFieldValue<byte[]>(1));
    }

    static async Task<bool> FollowsKeysAsync(NpgsqlConnection connection, RollupRead reading, CancellationToken cancellation)
    {
        if (!reading.MayFollowKeys) return false;
        await using var count = new NpgsqlCommand(
            "select count(*) from (select 1 from rollups where level = $1 and start >= $2 and start < $3 limit $4) as counted", connection);
        count.Parameters.Add(new() { Value = (short)reading.Level.No });
        count.Parameters.Add(new() { Value = reading.Range.From });
        count.Parameters.Add(new() { Value = reading.Range.To });
        count.Parameters.Add(new() { Value = (long)reading.WorthLookingUp });
        return (long)(await count.ExecuteScalarAsync(cancellation))! >= reading.WorthLookingUp;
    }

    static async Task<bool> LooksUpAsync(NpgsqlConnection connection, RollupRead reading, CancellationToken cancellation)
    {
        if (!reading.MayLookUp) return false;
        await using var count = new NpgsqlCommand(
            "select coalesce(max((select count(*) from (select 1 from rollups r where r.level = $1 and r.start = s.start limit $3) one)), 0) "
                + "from unnest($2) as s(start)", connection);
        count.Parameters.Add(new() { Value = (short)reading.Level.No });
        count.Parameters.Add(new() { Value = reading.Probes.ToArray() });
        count.Parameters.Add(new() { Value = (long)reading.WorthLookingUp });
        return (long)(await count.ExecuteScalarAsync(cancellation))! >= reading.WorthLookingUp;
    }

    /// <summary>Key by key: nothing before `offset` is made a part of what is around it.</summary>
    internal static string OfKeys(string columns) =>
        $"""
        select r.start, k.key, {columns} from unnest($4::int[]) as k(key)
        cross join lateral (
          select start, sums, sessions from rollups r
          where {RollupRead.IsFollowed} and r.level = $1 and r.key = k.key and r.start >= $2 and r.start < $3 offset 0
        ) as r
        """;

    static async Task ReadRollupsAsync(NpgsqlConnection connection, RollupKeyBook book, RollupRead reading, CancellationToken cancellation)
    {
        var (level, range) = (reading.Level, reading.Range);
        var follows = await FollowsKeysAsync(connection, reading, cancellation);
        var looksUp = !follows && await LooksUpAsync(connection, reading, cancellation);
#pragma warning disable CA2100 // The columns are constants.
        await using var command = new NpgsqlCommand(follows ? OfKeys(reading.Others) : looksUp
            ? $"""
              select s.start, k.key, {reading.Others} from generate_series($2::bigint, $3::bigint - 1, $5::bigint) as s(start)
              cross join unnest($4::int[]) as k(key)
              cross join lateral (select sums, sessions from rollups r where r.level = $1 and r.start = s.start and r.key = k.key limit 1) as r
              """
            // Each key once: dropping the others there costs less than sending a row for each.
            : reading.Columns.Length == 0 ? "select distinct 0::bigint, key from rollups where level = $1 and start >= $2 and start < $3"
            : $"select start, key, {reading.Columns} from rollups where level = $1 and start >= $2 and start < $3", connection);
#pragma warning restore CA2100
        command.Parameters.Add(new() { Value = (short)level.No });
        command.Parameters.Add(new() { Value = range.From });
        command.Parameters.Add(new() { Value = range.To });
        if (looksUp || follows) command.Parameters.Add(new() { Value = reading.Among.ToArray() });
        if (looksUp)
        {
            command.Parameters.Add(new() { Value = RollupPlan.MillisOf(level.Span) });
        }
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            var row = new UsageRow(reader);
            while (await reader.ReadAsync(cancellation)) reading.Row(row);
        }
        if (reading.Missing is not { Length: > 0 } missing) return;
        await using var find = new NpgsqlCommand("select no, key from rollup_keys where no = any($1)", connection);
        find.Parameters.Add(new() { Value = missing });
        await using (var found = await find.ExecuteReaderAsync(cancellation))
            while (await found.ReadAsync(cancellation)) book.TakeMet(found.GetInt32(0), found.GetFieldValue<byte[]>(1));
        reading.TakeWaiting();
    }
}
