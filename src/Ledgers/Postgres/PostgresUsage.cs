// Reading usage from PostgreSQL: records in pages by key, sums from rollups and from the records that they do not include.
using System.Data;
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
    internal static readonly UsageDialect dialect = new(no =>
        "$" + no.ToString(CultureInfo.InvariantCulture))
    {
        Contains = "position({0} in record) > 0",
        HasPart = column => $"strpos(chr(31) || {column} || chr(31), chr(31) || {{0}} || chr(31)) > 0",
        IsLike = column => $"lower({column}) like lower({{0}} collate \"C\") escape '\\'",
    };

    /// <summary>What only the whole record has is looked at here, some records at a time.</summary>
    const int MostPerRead = 1000;

    public async Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit,
        CancellationToken cancellation = default)
    {
        UsageCursor? after = cursor is null ? null : UsageCursor.Parse(cursor);
        var page = new RecordPage(filter, limit);
        var most = filter.NeedsLook ? MostPerRead : limit + 1;
        for (var isLast = limit <= 0; !isLast;)
        {
            var rows = await ReachAsync(() => RowsAsync(filter, after, most, cancellation));
            foreach (var (place, item) in rows)
            {
                after = place;
                if (!page.Take(place, item.Account, item.Record)) return page.Made();
            }
            isLast = rows.Count < most;
        }
        return page.Made();
    }

    async Task<List<(UsageCursor Place, AccountRecord Item)>> RowsAsync(UsageFilter filter, UsageCursor? after, int most,
        CancellationToken cancellation)
    {
        var where = new UsageWhere(dialect, filter, filter.Account, RollupPlan.RangeOf(filter));
        if (after is { } place) where.After(place);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var command =
            Ask(where, $"select at, position, account, record from {where.Table}{where} order by at desc, position limit {most}", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(UsageCursor, AccountRecord)>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(
                (new(reader.GetInt64(0), reader.GetInt64(1)),
                    new(reader.GetString(2), LedgerJson.DecodeRecord(reader.GetFieldValue<byte[]>(3)))));
        return rows;
    }

    public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) =>
        AtOneMomentAsync(async connection =>
    {
        var (folded, state) = await RollupStateAsync(connection, cancellation);
        var ranges = new Dictionary<UsageFilter, MillisRange>(ReferenceEqualityComparer.Instance);
        var readings = new List<QuestionReading>();
        long? keptSince = null;
        foreach (var question in questions)
        {
            if (!ranges.TryGetValue(question.Filter, out var range))
            {
                (range, keptSince) = await WidenedAsync(connection, question.Filter, cancellation);
                ranges[question.Filter] = range;
            }
            readings.Add(new(question, range, state));
        }
        var known = await KeysAsync(connection, readings, cancellation);
        foreach (var read in RollupRead.Together(readings.SelectMany(reading => reading.RollupsOf(known))))
            await ReadRollupsAsync(connection, known, read, cancellation);
        foreach (var together in QuestionReading.Together(readings))
        {
            var records = new RecordReading(together);
            foreach (var where in RecordsOf(records.Filter, records.Plan, folded))
            {
                await using var command = Ask(where, $"select {records.Columns} from {where.Table}{where}", connection);
                await using var reader = await command.ExecuteReaderAsync(cancellation);
                var row = new UsageRow(reader);
                while (await reader.ReadAsync(cancellation)) records.Take(row);
            }
        }
        return new UsageAnswers([.. readings.Select(reading => reading.Answer())], keptSince is { } millis
            ? Instant.FromUnixTimeMilliseconds(millis) : null);
    }, cancellation);

    public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default) => AtOneMomentAsync(async connection =>
    {
        var names = new List<string>();
        await using (var list = new NpgsqlCommand(
            """
            select distinct session from usage where account = $1 and session is not null and ($2::text is null or session > $2)
            and ($3::text is null or session = $3) and not erased order by session limit $4
            """, connection))
        {
            list.Parameters.Add(new() { Value = account });
            list.Parameters.Add(new() { Value = (object?)cursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            list.Parameters.Add(new() { Value = (object?)session ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
            list.Parameters.Add(new() { Value = Math.Max(0, limit) + 1L });
            await using var name = await list.ExecuteReaderAsync(cancellation);
            while (await name.ReadAsync(cancellation)) names.Add(name.GetString(0));
        }
        var more = names.Count > limit;
        if (more) names.RemoveAt(limit);
        if (names.Count == 0) return new Page<SessionUse>([], null);
        var reading = new SessionReading(account);
#pragma warning disable CA2100 // The columns are constants.
        await using (var command = new NpgsqlCommand(
            $"select {SessionReading.Columns} from usage where account = $1 and session >= $2 and session <= $3 and not erased",
            connection))
#pragma warning restore CA2100
        {
            command.Parameters.Add(new() { Value = account });
            command.Parameters.Add(new() { Value = names[0] });
            command.Parameters.Add(new() { Value = names[^1] });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var row = new UsageRow(reader);
            while (await reader.ReadAsync(cancellation)) reading.Add(row);
        }
        var records = new Dictionary<long, UsageRecord>();
        await using var find = new NpgsqlCommand("select position, record from usage where position = any($1)", connection);
        find.Parameters.Add(new() { Value = reading.Last.ToArray() });
        await using var found = await find.ExecuteReaderAsync(cancellation);
        while (await found.ReadAsync(cancellation))
            records[found.GetInt64(0)] = LedgerJson.DecodeRecord(found.GetFieldValue<byte[]>(1));
        return new(reading.Sessions(records), more ? names[^1] : null);
    }, cancellation);

    public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
        DueAsync(until, most);

    public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
        CancellationToken cancellation = default) => HoldTrail.ReadAsync(this, account, from, to, cursor, limit);

    public async Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var after = AuditTrail.After(cursor);
        return await ReachAsync(async () =>
        {
            await using var command = source.CreateCommand(
                """
                select a.version, coalesce(a.at, j.at), coalesce(a.events, j.events) from audit a
                left join journal j on a.events is null and j.account = a.account and j.version = a.version
                where a.account = $1 and a.version > $2 and (a.events is not null or j.events is not null) order by a.version limit $3
                """);
            command.Parameters.Add(new() { Value = account });
            command.Parameters.Add(new() { Value = after });
            command.Parameters.Add(new() { Value = Math.Max(0, limit) + 1L });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var entries = new List<JournalEntry>();
            while (await reader.ReadAsync(cancellation))
                entries.Add(Entry(account, reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)));
            return AuditTrail.PageOf(entries, limit);
        });
    }

    public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default) => ReachAsync<Instant?>(async () =>
    {
        await using var command = source.CreateCommand("select kept_since from rollup_state");
        return await command.ExecuteScalarAsync(cancellation) is long millis ? Instant.FromUnixTimeMilliseconds(millis) : null;
    });

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) =>
        ReachAsync(async () =>
    {
        // strpos, not LIKE: % and _ are ordinary characters. A head at version 0 is one whose first append was refused.
        await using var command = source.CreateCommand(
            "select account from heads where version > 0 and account > $1 and ($2::text is null or strpos(lower(account), lower($2)) > "
                + "0) order by account limit $3");
        command.Parameters.Add(new() { Value = cursor ?? "" });
        command.Parameters.Add(new() { Value = (object?)search ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = Math.Max(0, limit) + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var accounts = new List<string>();
        while (await reader.ReadAsync(cancellation))
        {
            if (accounts.Count == limit) return new(accounts, limit > 0 ? accounts[^1] : null);
            accounts.Add(reader.GetString(0));
        }
        return new Page<string>(accounts, null);
    });

    /// <summary>Everything that is read is of one moment: what is folded meanwhile counts once.</summary>
    Task<T> AtOneMomentAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation) => ReachAsync(async () =>
    {
        cancellation.ThrowIfCancellationRequested();
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var result = await read(connection);
        await transaction.CommitAsync(cancellation);
        return result;
    });

    /// <summary>The range of a filter, and since when records are kept. Both sides are looked at in one round trip.</summary>
    static async Task<(MillisRange Range, long? KeptSince)> WidenedAsync(
        NpgsqlConnection connection, UsageFilter filter, CancellationToken cancellation)
    {
        var asked = new List<MillisRange>();
        RollupPlan.Widened(filter, null, range =>
        {
            asked.Add(range);
            return false;
        });
        const string some = "select from usage where at >= r.from_at and at < r.to_at";
        await using var command = new NpgsqlCommand(
            filter.Account is null
                ? $"select no, exists({some}), kept_since from rollup_state left join unnest($1, $2) with ordinality as "
                    + $"r(from_at, to_at, no) on true"
                : $"select no, exists({some} and account = $3), kept_since from rollup_state left join unnest($1, $2) with ordinality as "
                    + $"r(from_at, to_at, no) on true",
            connection);
        command.Parameters.Add(new() { Value = asked.ConvertAll(range => range.From) });
        command.Parameters.Add(new() { Value = asked.ConvertAll(range => range.To) });
        if (filter.Account is { } account) command.Parameters.Add(new() { Value = account });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var empty = new HashSet<MillisRange>();
        long? keptSince = null;
        while (await row.ReadAsync(cancellation))
        {
            if (!row.IsDBNull(0) && !row.GetBoolean(1)) empty.Add(asked[(int)row.GetInt64(0) - 1]);
            keptSince = row.IsDBNull(2) ? null : row.GetInt64(2);
        }
        return (RollupPlan.Widened(filter, keptSince, empty.Contains), keptSince);
    }

    /// <summary>The conditions under which a plan reads records: those of the edges, and those that are not folded yet.</summary>
    static IEnumerable<UsageWhere> RecordsOf(UsageFilter filter, RollupPlan plan, long folded)
    {
        foreach (var edge in plan.Edges) yield return new(dialect, filter, filter.Account, edge);
        if (plan.Folded.IsEmpty) yield break;
        var unfolded = new UsageWhere(dialect, filter, filter.Account, plan.Folded);
        unfolded.And("position > {0}", folded);
        yield return unfolded;
    }

    sealed class UsageRow(NpgsqlDataReader row) : IRow
    {
        public long Long(int column) => row.GetInt64(column);

        public long? LongOrNull(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

        public int Int(int column) => row.GetInt32(column);

        public bool Flag(int column) => row.GetBoolean(column);

        public string Text(int column) => row.GetString(column);

        public string? TextOrNull(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        public ReadOnlySpan<byte> Blob(int column) => row.GetFieldValue<byte[]>(column);

        public string Account(int column) => row.GetString(column);
    }

    static NpgsqlCommand Ask(UsageWhere where, string text, NpgsqlConnection connection)
    {
#pragma warning disable CA2100 // The text is made of constants; what callers ask for are its parameters.
        var command = new NpgsqlCommand(text, connection);
#pragma warning restore CA2100
        foreach (var value in where.Values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
