// The work every contender does: reserve, then settle with a usage record; and how it is measured.
using System.Diagnostics;

namespace Purser.Bench;

/// <summary>Something that can hold and settle durably.</summary>
public interface IContender : IAsyncDisposable
{
    string Name { get; }

    Task PrepareAsync(int accounts, long limitTokens);

    /// <summary>True where the call was admitted, held and settled durably; false where it was refused.</summary>
    Task<bool> LifecycleAsync(int account, long number);
}

public sealed record Measured(string Name, int Accounts, int Callers, double PerSecond, double P50Ms, double P99Ms);

public static class Measuring
{
    /// <summary>Runs lifecycles from many callers for a while; figures are of this run alone.</summary>
    public static async Task<Measured> RunAsync(IContender contender, int accounts, int callers, TimeSpan duration, CancellationToken cancellation = default)
    {
        var latencies = new List<long>[callers];
        var clock = Stopwatch.StartNew();
        var numbers = 0L;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var mine = latencies[caller] = new(4096);
            var random = new Random(caller);
            while (clock.Elapsed < duration && !cancellation.IsCancellationRequested)
            {
                var number = Interlocked.Increment(ref numbers);
                var started = Stopwatch.GetTimestamp();
                await contender.LifecycleAsync(random.Next(accounts), number);
                mine.Add(Stopwatch.GetTimestamp() - started);
            }
        }, cancellation)));
        var elapsed = clock.Elapsed.TotalSeconds;
        var all = latencies.SelectMany(one => one).Order().ToArray();
        return new(contender.Name, accounts, callers, all.Length / elapsed, Millis(all, 0.50), Millis(all, 0.99));
    }

    static double Millis(long[] sorted, double quantile) =>
        sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * quantile)] * 1000.0 / Stopwatch.Frequency;
}
