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

    /// <summary>The buckets from the first to the last that has calls, in one piece: adding is what reports spend their time
    /// with.</summary>
    long[] counts = [];
    int first;

    /// <summary>Calls by bucket, those without any left out.</summary>
    public IReadOnlyDictionary<int, long> Counts
    {
        get
        {
            var known = new SortedDictionary<int, long>();
            for (var i = 0; i < counts.Length; i++)
                if (counts[i] != 0) known[first + i] = counts[i];
            return known;
        }
        init
        {
            foreach (var (bucket, count) in value) Add(bucket, count);
        }
    }

    public void Add(long millis) => Add(BucketOf(millis), 1);

    public void Add(DurationSketch other)
    {
        if (other.counts.Length == 0) return;
        Room(other.first, other.first + other.counts.Length);
        var to = counts.AsSpan(other.first - first);
        for (var i = 0; i < other.counts.Length; i++) to[i] += other.counts[i];
    }

    public void Add(int bucket, long count)
    {
        if ((uint)(bucket - first) >= (uint)counts.Length) Room(bucket, bucket + 1);
        counts[bucket - first] += count;
    }

    /// <summary>Grows by whole doublings: sketches are read bucket by bucket.</summary>
    void Room(int from, int to)
    {
        var (low, high) = (from & -PerDoubling, (to + PerDoubling - 1) & -PerDoubling);
        if (counts.Length > 0) (low, high) = (Math.Min(first, low), Math.Max(first + counts.Length, high));
        if (high - low == counts.Length) return;
        var larger = new long[high - low];
        if (counts.Length > 0) counts.CopyTo(larger, first - low);
        (first, counts) = (low, larger);
    }

    /// <summary>The smallest value that at least this share of the calls did not exceed; null where nothing was counted.</summary>
    public decimal? Percentile(decimal share)
    {
        var wanted = decimal.Ceiling(counts.Sum() * share);
        var seen = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (counts[i] != 0 && seen >= wanted) return ValueOf(first + i);
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
