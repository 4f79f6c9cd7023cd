// What few records have is found through an index of those few, whatever else a ledger holds: the databases say how they would look.
using System.Data.Common;
using Microsoft.Data.Sqlite;
using NodaTime;
using Npgsql;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Relational;
using Purser.Ledgers.Sqlite;
using static Purser.Conformance.Samples;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class QueryPlanTests : IDisposable
{
    const int Accounts = 20, RecordsOfEach = 200;

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task SQLite_finds_what_somebody_has_to_look_at_by_its_index()
    {
        await using (var ledger = await SqliteLedger.OpenAsync(folder.Path)) await FillAsync(ledger);
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, SqliteLedger.FileName)};Pooling=False");
        await connection.OpenAsync();
        foreach (var (filter, index) in Questions)
        {
            var where = new UsageWhere(SqliteLedger.dialect with { Value = no => $"?{no}" }, filter, filter.Account is null ? null : 1L,
                RollupPlan.RangeOf(filter));
            var plan = await PlanAsync(connection, $"EXPLAIN QUERY PLAN {Find(where)}", where, column: 3, name: "?");
            var read = Assert.Single(plan, line => line.StartsWith("SCAN usage", StringComparison.Ordinal)
                || line.StartsWith("SEARCH usage", StringComparison.Ordinal));
            Assert.Contains($" USING INDEX {index} ", read + " ", StringComparison.Ordinal);
            Assert.DoesNotContain(plan, line => line.Contains("B-TREE", StringComparison.Ordinal));
        }
        // Those that no rollup has yet lie at the end of the table, where no index is better.
        Assert.Equal("usage", new UsageWhere(SqliteLedger.dialect with { Unindexed = "+" }, new() { Unpriced = true }, null,
            new(0, 1)).Table);
    }

    [Fact]
    public async Task PostgreSQL_finds_what_somebody_has_to_look_at_by_its_index()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using (var ledger = await PostgresLedger.OpenAsync(database)) await FillAsync(ledger);
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        // Records are never compared with each other, even while a table has no statistics.
        foreach (var (filter, _) in Questions)
            Assert.DoesNotContain(await AskAsync(filter), line => line.Contains("Join", StringComparison.Ordinal));
        await using (var analyze = new NpgsqlCommand("analyze usage", connection)) await analyze.ExecuteNonQueryAsync();
        foreach (var (filter, _) in Questions)
        {
            var plan = await AskAsync(filter);
            // Of the two indexes of doubts either will do.
            Assert.Contains(plan, line => line.Contains("usage_doubts", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal)
                || line.Contains("Join", StringComparison.Ordinal));
        }

        Task<List<string>> AskAsync(UsageFilter filter)
        {
            var where = new UsageWhere(PostgresLedger.dialect, filter, filter.Account, RollupPlan.RangeOf(filter));
            return PlanAsync(connection, $"explain {Find(where)} limit 21", where, column: 0, name: "");
        }
    }

    [Fact]
    public void Questions_that_need_the_same_sums_read_them_once()
    {
        var (filter, state) = (new UsageFilter { From = Noon, To = Noon + Duration.FromDays(30) },
            new RollupState(RollupPlan.Latest, RollupPlan.Latest, RollupPlan.Latest, RollupPlan.Latest, RollupPlan.Latest));
        var readings = new[]
        {
            new UsageQuestion(filter, [], UsageStep.Day), new UsageQuestion(filter, [UsageKey.Account], UsageStep.Whole),
            UsageQuestion.Extent(filter), new UsageQuestion(filter with { Model = "m" }, [UsageKey.Account], UsageStep.Whole),
        }.Select(question => new QuestionReading(question, RollupPlan.RangeOf(question.Filter), state)).ToList();
        var known = new RollupKeyBook(new(), 0, readings);

        var apart = readings.SelectMany(reading => reading.RollupsOf(known)).ToList();
        var together = RollupRead.Together(apart).ToList();

        // Sums over all accounts and those of each account, which the first three share, and those by model, of which the last has none
        // in common with them.
        Assert.Equal(apart.Select(read => (read.Level, read.Range)).Distinct().Count(), together.Count);
        Assert.Equal(3, together.Select(read => read.Level.View).Distinct().Count());
        foreach (var read in together)
            Assert.Equal(apart.Where(one => (one.Level, one.Range) == (read.Level, read.Range)).Max(one => one.Columns.Length),
                read.Columns.Length);
        Assert.True(together.Count < apart.Count);
    }

    [Fact]
    public void Rows_are_followed_by_their_keys_where_the_schemas_have_an_index_of_them()
    {
        var dimensions = (RollupDimensions[])[RollupDimensions.Model, RollupDimensions.User, RollupDimensions.Orchestrator,
            RollupDimensions.Tenant];
        Assert.Equal(RollupLevel.All.Where(level => level.Span >= RollupSpan.Day && dimensions.Any(
            one => level.View.Kept == (RollupDimensions.Account | one))).Select(level => level.No).Order(), RollupRead.FollowedLevels);
        Assert.Equal(RollupRead.IsFollowed, $"level IN ({string.Join(", ", RollupRead.FollowedLevels)})");
        Assert.Equal(RollupLevel.All.Count, RollupLevel.All.Select(level => level.No).Distinct().Count());
    }

    [Fact]
    public async Task SQLite_finds_what_one_used_by_names_and_keys()
    {
        await using (await SqliteLedger.OpenAsync(folder.Path))
        {
        }
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, SqliteLedger.FileName)};Pooling=False");
        await connection.OpenAsync();
        Assert.Contains(await ExplainAsync(connection, SqliteLedger.OfOneKey("sums"), 3, 1L, 8L, 0L, 1L), line =>
            line.Contains("COVERING INDEX rollups_by_key (key=? AND level=? AND start>? AND start<?)", StringComparison.Ordinal));
        Assert.Contains(await ExplainAsync(connection, $"SELECT no, key FROM rollup_keys WHERE {SqliteLedger.KeysByName}", 3, 3L, "ann"),
            line => line.Contains("INDEX rollup_keys_by_name (<expr>=? AND <expr>=?)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PostgreSQL_finds_what_one_used_by_names_and_keys()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using (await PostgresLedger.OpenAsync(database))
        {
        }
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        // Keys and rows enough that the planner has a choice.
        await RunAsync(
            """
            insert into rollup_keys
              select no, format('{"account":"a%s","user":"u%s","view":3}', no, no % 100) from generate_series(1, 5000) as k(no);
            insert into rollups
              select 11, day * 86400000::bigint, no, '', '' from generate_series(1, 5000) as k(no), generate_series(1, 10) as d(day);
            analyze rollup_keys, rollups
            """);
        Assert.Contains(await ExplainAsync(connection, PostgresLedger.OfKeys("sums"), 0, (short)11, 86400000L, 864000000L,
            new[] { 1, 2, 3 }),
            line => line.Contains("rollups_by_key", StringComparison.Ordinal));
        Assert.Contains(await ExplainAsync(connection, $"select no, key from rollup_keys where no > $1 and {PostgresLedger.KeysByName}", 0,
            0, "u1", "3"), line => line.Contains("rollup_keys_by_name", StringComparison.Ordinal));
        Assert.Contains(await ExplainAsync(connection, PostgresLedger.KeysByText, 0, (object)new[] { "one", "two" }),
            line => line.Contains("rollup_keys_by_digest", StringComparison.Ordinal));
        var (from, below) = RollupKeyBook.BeginningOf("a17");
        Assert.Contains(await ExplainAsync(connection, PostgresLedger.KeysBetween, 0, from, below),
            line => line.Contains("rollup_keys_by_account", StringComparison.Ordinal));
        // A host of the version before knows of no weeks.
        await RunAsync(
            """
            insert into rollups values (101, 0, 1, '', '');
            update rollup_state set weeks_before = 604800000, folded = coalesce(null, folded), changes = changes + 1;
            update rollup_state set last_key = 5000;
            """);
        Assert.Equal((604800000L, 1L), await WeeksAsync());
        await RunAsync("update rollup_state set folded = coalesce(null, folded)");
        Assert.Equal((RollupPlan.Earliest, 0L), await WeeksAsync());

        async Task RunAsync(string text)
        {
#pragma warning disable CA2100 // The text is written here.
            await using var run = new NpgsqlCommand(text, connection);
#pragma warning restore CA2100
            await run.ExecuteNonQueryAsync();
        }

        async Task<(long Before, long Rows)> WeeksAsync()
        {
            await using var look = new NpgsqlCommand(
                "select weeks_before, (select count(*) from rollups where level > 100) from rollup_state", connection);
            await using var row = await look.ExecuteReaderAsync();
            Assert.True(await row.ReadAsync());
            return (row.GetInt64(0), row.GetInt64(1));
        }
    }

    static async Task<List<string>> ExplainAsync(DbConnection connection, string text, int column, params object[] values)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text is the ledger's own.
        command.CommandText = connection is SqliteConnection ? "EXPLAIN QUERY PLAN " + Numbered(text) : "explain " + text;
#pragma warning restore CA2100
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            if (connection is SqliteConnection) parameter.ParameterName = FormattableString.Invariant($"?{i + 1}");
            parameter.Value = values[i];
            command.Parameters.Add(parameter);
        }
        await using var reader = await command.ExecuteReaderAsync();
        var plan = new List<string>();
        while (await reader.ReadAsync()) plan.Add(reader.GetString(column));
        return plan;
    }

    static string Numbered(string text)
    {
        var no = 0;
        return System.Text.RegularExpressions.Regex.Replace(text, @"\?", _ => FormattableString.Invariant($"?{++no}"));
    }

    static string Find(UsageWhere where) => $"SELECT at, position, account, record FROM {where.Table}{where} ORDER BY at DESC, position";

    static IEnumerable<(UsageFilter Filter, string Index)> Questions
    {
        get
        {
            foreach (var filter in new UsageFilter[]
                { new() { Disputed = true }, new() { Unread = true }, new() { Unpriced = true },
                    new() { Unpriced = true, Model = "m" } })
            {
                yield return (filter, "usage_doubts");
                yield return (filter with { From = Noon, To = Noon + Duration.FromDays(1) }, "usage_doubts");
                yield return (filter with { Account = "a0" }, "usage_doubts_by_account");
                yield return (filter with { Account = "a0", From = Noon }, "usage_doubts_by_account");
            }
        }
    }

    static async Task FillAsync(IStore ledger)
    {
        for (var account = 0; account < Accounts; account++)
            await ledger.WriteAsync(Appending($"a{account}", 0, [.. Enumerable.Range(0, RecordsOfEach).Select(no => Booked(
                NewRecord($"u{no}", Noon + Duration.FromSeconds(no)) is var record && no > 0 ? record : record with
                {
                    Unpriced = true, Usage = record.Usage with { Disputed = "twice", Unread = ["odd"] },
                }))]));
    }

    static async Task<List<string>> PlanAsync(DbConnection connection, string text, UsageWhere where, int column, string name)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text is the ledger's own.
        command.CommandText = text;
#pragma warning restore CA2100
        foreach (var (value, no) in where.Values.Select((value, i) => (value, i + 1)))
        {
            var parameter = command.CreateParameter();
            if (name.Length > 0) parameter.ParameterName = $"{name}{no}";
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        await using var reader = await command.ExecuteReaderAsync();
        var plan = new List<string>();
        while (await reader.ReadAsync()) plan.Add(reader.GetString(column));
        return plan;
    }
}
