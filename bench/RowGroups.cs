// The rows by name: each group can be measured alone.
namespace Purser.Bench;

sealed record RowGroup(string Name, string About, Func<BenchOptions, Results, Task> MeasureAsync, bool IsUsual = true);

static class RowGroups
{
    public static readonly RowGroup[] All =
    [
        new("field", "overspend, false refusals and forgotten spend of each way to keep a budget", Field.MeasureAsync),
        new("lifecycle", "durable lifecycles of Purser beside Redis and PostgreSQL, in process and over HTTP", Comparison.MeasureAsync),
        new("rules", "the rules alone, on one core", Each(Steps.Measure)),
        new("quotes", "pricing one usage", Each(QuoteSpeed.Measure)),
        new("anomalies", "looking for anomalies in one record", Each(HistorySpeed.Measure)),
        new("tokens", "counting the tokens of texts", Each(TokenSpeed.Measure)),
        new("latency", "holds and lifecycles at a fixed pace, beside the baselines at the same", PacedLatency.MeasureAsync),
        new("gate", "what the gate adds to a streamed call", GateSpeed.MeasureAsync),
        new("middleware", "what the .NET client's middleware adds to a call, in process and over HTTP", MiddlewareSpeed.MeasureAsync),
        new("telling", "lifecycles beside receivers of events and telemetry that never answer", TellingSpeed.MeasureAsync),
        new("start", "the start of a host after kill -9, with --records in the store (1,000,000)", StartSpeed.MeasureAsync),
        new("batch", "operations of /v1/batch", BatchSpeed.MeasureAsync),
        new("flood", "a quiet account beside a flood, and ten times as many callers as places", FloodLatency.MeasureAsync, IsUsual: false),
        new("reports", "reports over 30 days, with --records in the store (1,000,000)", ReportBenchmark.MeasureAsync, IsUsual: false),
        new("idle", "what accounts that nobody calls for take of memory (--accounts, 100,000), and their first call after it",
            IdleAccounts.MeasureAsync, IsUsual: false),
        new("appends", "what rollups take from appending", ReportBenchmark.AppendsAsync, IsUsual: false),
    ];

    static Func<BenchOptions, Results, Task> Each(Func<TimeSpan, IEnumerable<Row>> measure) => (options, results) =>
    {
        foreach (var row in measure(options.Round)) results.Add(row);
        return Task.CompletedTask;
    };
}
