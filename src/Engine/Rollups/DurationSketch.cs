// How long calls took, counted in buckets whose width grows with the value: percentiles of any number of calls, within 1.6 %, mergeable.
using System.Numerics;

namespace Purser.Engine;

/// <summary>
/// Up to 63 ms each millisecond has a bucket of its own; above, each power of two has 32. Whole numbers only, so that the same calls give
/// the same buckets everywhere and merging in any order gives the same sketch.
/// </summary>
public sealed class DurationSketch
{
    const int Exact = 64;
    const int PerDoubling = Exact / 2;

    /// <summary>Calls by bucket.</summary>
    public SortedDictionary<int, long> Counts { get; init; } = [];

    public void Add(long millis) => Add(BucketOf(millis), 1);

    public void Add(DurationSketch other)
    {
        foreach (var (bucket, count) in other.Counts) Add(bucket, count);
    }

    public void Add(int bucket, long count) => Counts[bucket] = Counts.GetValueOrDefault(bucket) + count;

    /// <summary>The smallest value that at least this share of the calls did not exceed; null where nothing was counted.</summary>
    public decimal? Percentile(decimal share)
    {
        var wanted = decimal.Ceiling(Counts.Values.Sum() * share);
        var seen = 0L;
        foreach (var (bucket, count) in Counts)
        {
            seen += count;
            if (seen >= wanted) return ValueOf(bucket);
        }
        return null;
    }

    static int BucketOf(long millis)
    {
        if (millis < Exact) return (int)Math.Max(0, millis);
        var shift = BitOperations.Log2((ulong)millis) - 5;
        return shift * PerDoubling + (int)(millis >> shift);
    }

    /// <summary>The middle of a bucket.</summary>
    static decimal ValueOf(int bucket)
    {
        if (bucket < Exact) return bucket;
        var shift = bucket / PerDoubling - 1;
        var first = (decimal)((Int128)(bucket - shift * PerDoubling) << shift);
        return first + ((1L << shift) - 1) / 2m;
    }
}
