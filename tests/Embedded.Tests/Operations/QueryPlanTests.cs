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
        await using (var analyze = new NpgsqlCommand("analyze usage", connection)) await analyze.ExecuteNonQueryAsync();
        foreach (var (filter, _) in Questions)
        {
            var where = new UsageWhere(PostgresLedger.dialect, filter, filter.Account, RollupPlan.RangeOf(filter));
            var plan = await PlanAsync(connection, $"explain {Find(where)} limit 21", where, column: 0, name: "");
            // Of the two indexes of doubts either will do.
            Assert.Contains(plan, line => line.Contains("usage_doubts", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Questions_that_need_the_same_sums_read_them_once()
    {
        var (filter, state) = (new UsageFilter { From = Noon, To = Noon + Duration.FromDays(30) },
            new RollupState(RollupPlan.Latest, RollupPlan.Latest, RollupPlan.Latest, RollupPlan.Latest));
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
