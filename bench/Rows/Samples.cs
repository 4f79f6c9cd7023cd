// Times of single calls, and what one way adds to another that was measured in turn with it.
using System.Diagnostics;

namespace Purser.Bench;

sealed class Samples
{
    readonly List<long> ticks = [];

    public int Count => ticks.Count;

    public static Samples Of(IEnumerable<long> ticks)
    {
        var samples = new Samples();
        samples.ticks.AddRange(ticks);
        return samples;
    }

    public void Add(long elapsed) => ticks.Add(elapsed);

    public void AddSince(long started) => Add(Stopwatch.GetTimestamp() - started);

    public double Millis(double quantile)
    {
        ticks.Sort();
        return Measuring.Millis([.. ticks], quantile);
    }

    /// <summary>How much longer these take than those without, at each quantile.</summary>
    public IEnumerable<Row> Beyond(Samples without, string name, string what, string? p50 = null, string? p99 = null)
    {
        foreach (var (quantile, of, goal) in new[] { (0.5, "p50", p50), (0.99, "p99", p99) })
        {
            yield return new(name, $"ms, {of} {what}", Millis(quantile));
            yield return new(name, $"ms, {of} {what}, added", Millis(quantile) - without.Millis(quantile), Goal: goal);
        }
    }
}
