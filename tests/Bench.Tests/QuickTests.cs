// One short round of everything: it runs, its figures can be read, and no figure of Purser says overspend, a false refusal or lost spend.
using System.Text.Json;

namespace Purser.Bench.Tests;

public sealed class QuickTests
{
    static readonly string[] ways = ["Purser, embedded, SQLite", "Purser, embedded, PostgreSQL", "Purser, cluster of two silos"];

    [Fact]
    [Trait("needs", "postgres")]
    [Trait("needs", "redis")]
    [Trait("needs", "npm")]
    public async Task A_short_round_of_all_rows_finds_no_overspend_no_false_refusal_and_no_lost_spend()
    {
        var folder = Directory.CreateTempSubdirectory("purser-bench-");
        try
        {
            var file = Path.Combine(folder.FullName, "figures.json");
            var run = await BenchProgram.RunAsync("--quick", "--json", file);
            Assert.True(run.Code == 0, run.Errors + run.Output);
            using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file));
            Assert.Empty(json.RootElement.GetProperty("leftOut").EnumerateArray());
            var rows = json.RootElement.GetProperty("rows").EnumerateArray()
                .Select(row => (Name: row.GetProperty("name").GetString()!, Unit: row.GetProperty("unit").GetString()!,
                    Value: row.GetProperty("value").GetDouble())).ToArray();
            foreach (var way in ways)
                Assert.Equal(Field.Figures.Select(figure => (way, figure.Unit, 0.0)), rows.Where(row => row.Name == way));
            // Eight ways to keep a budget, each with every figure.
            Assert.Equal(8 * Field.Figures.Length, rows.Count(row => Field.Figures.Any(figure => figure.Unit == row.Unit)));
            // A figure is found by its name and its unit.
            Assert.Equal(rows.Length, rows.DistinctBy(row => (row.Name, row.Unit)).Count());

            var same = await BenchProgram.RunAsync("compare", file, file);
            Assert.Equal(0, same.Code);
            Assert.Contains("1.00 x", same.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("only before", same.Output, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Figures are not judged: the tests beside it take the machine as well.</summary>
    [Fact]
    public async Task A_flood_and_ten_times_as_many_callers_as_places_are_measured_and_nobody_is_answered_wrongly()
    {
        var folder = Directory.CreateTempSubdirectory("purser-bench-");
        try
        {
            var file = Path.Combine(folder.FullName, "figures.json");
            var run = await BenchProgram.RunAsync("flood", "--quick", "--json", file);
            Assert.True(run.Code == 0, run.Errors + run.Output);
            using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file));
            var names = json.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("name").GetString()).ToArray();
            string[] wanted = ["alone", "beside 200 callers of one account", "64 callers, admitted", "640 callers who wait as told",
                "640 callers who do not wait"];
            Assert.All(wanted, name => Assert.Contains(name, names));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Accounts_that_are_idle_are_measured()
    {
        var run = await BenchProgram.RunAsync("idle", "--quick", "--accounts", "500");
        Assert.True(run.Code == 0, run.Errors + run.Output);
        Assert.Contains("500 accounts, SQLite", run.Output, StringComparison.Ordinal);
        Assert.Contains("idle for ten minutes", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_does_not_know_is_named_and_what_it_knows_is_listed()
    {
        var wrong = await BenchProgram.RunAsync("feild");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("'feild' is neither an option nor the name of rows", wrong.Errors, StringComparison.Ordinal);
        var help = await BenchProgram.RunAsync("--help");
        Assert.Equal(0, help.Code);
        Assert.All(RowGroups.All, group => Assert.Contains(group.About, help.Output, StringComparison.Ordinal));
    }
}
