// How long calls of budgets take, by their way: through the account's grain, or to a session in this process, which Orleans does not see.
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

static class CallMeasures
{
    static readonly Meter meter = new(Repetition.MeterName);

    static readonly Histogram<double> duration = meter.CreateHistogram("purser.cluster.call.duration", "s",
        "How long one call of a budget took, each attempt by itself; way: near (a session in this process) or grain",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
            5] });

    static readonly KeyValuePair<string, object?> near = new("way", "near");
    static readonly KeyValuePair<string, object?> grain = new("way", "grain");

    public static Task<T> NearAsync<T>(Func<Task<T>> call, BudgetCommand? command = null) => TimedAsync(call, near, command);

    /// <summary>The context of the call goes along, also where no span of it is made.</summary>
    public static Task<T> GrainAsync<T>(Func<Task<T>> call, BudgetCommand? command = null) => TimedAsync(() =>
    {
        if (Traces.Context is { } context) RequestContext.Set(Traces.Carried, context);
        return call();
    }, grain, command);

    /// <summary>A call that failed counts as long as it took to fail.</summary>
    static async Task<T> TimedAsync<T>(Func<Task<T>> call, KeyValuePair<string, object?> way, BudgetCommand? command)
    {
        var started = Stopwatch.GetTimestamp();
        using var span = Traces.OfCall((string)way.Value!, command);
        try
        {
            return await call();
        }
        catch (Exception failed)
        {
            span.Failed(failed);
            throw;
        }
        finally
        {
            duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, way);
        }
    }
}
