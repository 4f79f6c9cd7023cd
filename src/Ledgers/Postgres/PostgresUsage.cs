// Reading usage from PostgreSQL: records in pages by key, sums from rollups and from the records that they do not include.
using System.Data;
using System.Globalization;
using NodaTime;
using Npgsql;
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger : IUsageQueries
{
    static readonly UsageDialect dialect = new(no =>
        "$" + no.ToString(CultureInfo.InvariantCulture)) { Contains = "position({0} in record) > 0" };

    /// <summary>What only the whole record has is looked at here, some records at a time.</summary>
    const int MostPerRead = 1000;

    public async Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit,
        CancellationToken cancellation = default)
    {
        UsageCursor? after = cursor is null ? null : UsageCursor.Parse(cursor);
        var items = new List<AccountRecord>();
        UsageCursor last = default;
        while (limit > 0)
        {
            var most = filter.Tags is { Count: > 0 } ? MostPerRead : limit + 1;
            var page = await ReachAsync(() => PageAsync(filter, after, most, cancellation));
            foreach (var (place, item) in page)
            {
                after = place;
                if (!item.Record.HasTags(filter)) continue;
                if (items.Count == limit) return new(items, last.ToString());
                items.Add(item);
                last = place;
            }
            if (page.Count < most) break;
        }
        return new(items, null);
    }

    async Task<List<(UsageCursor Place, AccountRecord Item)>> PageAsync(UsageFilter filter, UsageCursor? after, int most,
        CancellationToken cancellation)
    {
        var where = new UsageWhere(dialect, filter, filter.Account, RollupPlan.RangeOf(filter));
        if (after is { } place) where.After(place);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var command =
            Ask(where, $"select at, position, account, record from usage{where} order by at desc, position limit {most}", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var page = new List<(UsageCursor, AccountRecord)>();
        while (await reader.ReadAsync(cancellation))
            page.Add(
                (new(reader.GetInt64(0), reader.GetInt64(1)),
                    new(reader.GetString(2), LedgerJson.DecodeRecord(reader.GetFieldValue<byte[]>(3)))));
        return page;
    }

    public Task<IReadOnlyList<UsageSum>> SumAsync(
        UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step, CancellationToken cancellation = default) =>
            AtOneMomentAsync(async connection =>
    {
        var (folded, state) = await RollupStateAsync(connection, cancellation);
        var plan = RollupPlan.For(filter, await WidenedAsync(connection, filter, cancellation), by, step, state);
        var adder = new UsageAdder(filter, by, step);
        var known = await KeysAsync(connection, cancellation);
        foreach (var rollups in plan.Rollups.GroupBy(part => part.Level.View))
        {
            var among = known.Expected(rollups.Key, adder.Expect);
            foreach (var (level, range) in rollups)
                await ReadRollupsAsync(
                    connection, level, range, known, among, "sums", row =>
                        adder.Add(row.GetInt32(1), row.GetInt64(0), row.GetFieldValue<byte[]>(2)), cancellation);
        }
        var columns = new UsageColumns(dialect, filter, by);
        foreach (var where in RecordsOf(filter, plan, folded))
        {
            await using var command = Ask(where, $"select {columns.Text} from usage{where}", connection);
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                var figures = FiguresOf(row);
                if (!columns.NeedsRecord)
                {
                    adder.Add(columns.Keys(TextOf, row.GetString, figures.Success), row.GetString(8), figures);
                    continue;
                }
                var record = LedgerJson.DecodeRecord(row.GetFieldValue<byte[]>(UsageColumns.First + 1));
                if (record.HasTags(filter))
                    foreach (var keys in record.GroupsOf(row.GetString(UsageColumns.First), by)) adder.Add(keys, record.Currency, figures);
            }

            string? TextOf(int column) => row.IsDBNull(column) ? null : row.GetString(column);
        }
        return adder.Sums();
    }, cancellation);

    public Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default) =>
        AtOneMomentAsync(async connection =>
    {
        var (folded, state) = await RollupStateAsync(connection, cancellation);
        var plan = RollupPlan.For(filter, await WidenedAsync(connection, filter, cancellation), [], UsageStep.Whole, state);
        var finder = new ExtentFinder(filter);
        var known = await KeysAsync(connection, cancellation);
        foreach (var rollups in plan.Rollups.GroupBy(part => part.Level.View))
        {
            var among = known.Expected(rollups.Key, finder.Expect);
            foreach (var (level, range) in rollups)
                await ReadRollupsAsync(
                    connection, level, range, known, among, "sums, sessions",
                    row => finder.Add(row.GetInt32(1), row.GetFieldValue<byte[]>(2), row.GetFieldValue<byte[]>(3)), cancellation);
            if (!rollups.Key.IsOfAll) continue;
            var amongAccounts = known.Expected(rollups.Key.Source!, finder.Expect);
            foreach (var (level, range) in rollups)
                await ReadRollupsAsync(connection, level.Source!.Value, range, known, amongAccounts, "0", row =>
                    finder.AddAccount(row.GetInt32(1)), cancellation);
        }
        var columns = new UsageColumns(dialect, filter, [UsageKey.Account, UsageKey.Session]);
        foreach (var where in RecordsOf(filter, plan, folded))
        {
            await using var command = Ask(where, $"select {columns.Text} from usage{where}", connection);
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                var record = columns.NeedsRecord ? LedgerJson.DecodeRecord(row.GetFieldValue<byte[]>(UsageColumns.First + 1)) : null;
                if (record is not null && !record.HasTags(filter)) continue;
                var session = record is not null ? record.Usage.Dimensions.Session : row.IsDBNull(UsageColumns.First + 1)
                    ? null : row.GetString(UsageColumns.First + 1);
                finder.Add(row.GetString(UsageColumns.First), session, FiguresOf(row));
            }
        }
        return finder.Extent();
    }, cancellation);

    public Task<Page<string>> SessionsAsync(string account, string? cursor, int limit, CancellationToken cancellation = default) =>
        ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            """
            select distinct session from usage where account = $1 and session is not null and ($2::text is null or session > $2) and not erased
            order by session limit $3
            """);
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = (object?)cursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = Math.Max(0, limit) + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var sessions = new List<string>();
        while (await reader.ReadAsync(cancellation))
        {
            if (sessions.Count == limit) return new(sessions, limit > 0 ? sessions[^1] : null);
            sessions.Add(reader.GetString(0));
        }
        return new Page<string>(sessions, null);
    });

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

    /// <summary>Both sides are looked at in one round trip.</summary>
    static async Task<MillisRange> WidenedAsync(NpgsqlConnection connection, UsageFilter filter, CancellationToken cancellation)
    {
        var asked = new List<MillisRange>();
        RollupPlan.Widened(filter, null, range =>
        {
            asked.Add(range);
            return false;
        });
        if (asked.Count == 0) return RollupPlan.RangeOf(filter);
        const string some = "select from usage where at >= r.from_at and at < r.to_at";
        await using var command = new NpgsqlCommand(
            filter.Account is null
                ? $"select exists({some}), kept_since from unnest($1, $2) with ordinality as r(from_at, to_at, no) cross join "
                    + $"rollup_state order by no"
                : $"select exists({some} and account = $3), kept_since from unnest($1, $2) with ordinality as r(from_at, to_at, no) "
                    + $"cross join rollup_state order by no",
            connection);
        command.Parameters.Add(new() { Value = asked.ConvertAll(range => range.From) });
        command.Parameters.Add(new() { Value = asked.ConvertAll(range => range.To) });
        if (filter.Account is { } account) command.Parameters.Add(new() { Value = account });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var empty = new HashSet<MillisRange>();
        long? keptSince = null;
        for (var i = 0; await row.ReadAsync(cancellation); i++)
        {
            if (!row.GetBoolean(0)) empty.Add(asked[i]);
            keptSince = row.IsDBNull(1) ? null : row.GetInt64(1);
        }
        return RollupPlan.Widened(filter, keptSince, empty.Contains);
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

    static UsageFigures FiguresOf(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetBoolean(5), row.IsDBNull(6)
            ? null : row.GetInt64(6),
        row.GetInt32(7));

    static NpgsqlCommand Ask(UsageWhere where, string text, NpgsqlConnection connection)
    {
#pragma warning disable CA2100 // The text is made of constants; what callers ask for are its parameters.
        var command = new NpgsqlCommand(text, connection);
#pragma warning restore CA2100
        foreach (var value in where.Values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
