// Counts latencies in buckets that are at most 1/64 wide, so that a run of any length takes the same few kilobytes.
using System.Diagnostics;
using System.Numerics;

namespace Purser.Api;

/// <summary>Microseconds, to within 1/64; the largest exactly. Thread-safe.</summary>
public sealed class LatencyHistogram
{
    const int SubBits = 6;
    const int Subs = 1 << SubBits;

    // One row of buckets for each power of two that a long can hold.
    readonly long[] buckets = new long[(64 - SubBits) * Subs];
    long count;
    long largest;

    public long Count => Interlocked.Read(ref count);

    public TimeSpan Largest => TimeSpan.FromMicroseconds(Interlocked.Read(ref largest));

    public void Add(TimeSpan latency)
    {
        var micros = Math.Max(0, (long)latency.TotalMicroseconds);
        Interlocked.Increment(ref buckets[BucketOf(micros)]);
        Interlocked.Increment(ref count);
        for (var seen = Interlocked.Read(ref largest); micros > seen;)
        {
            var found = Interlocked.CompareExchange(ref largest, micros, seen);
            if (found == seen) break;
            seen = found;
        }
    }

    /// <summary>The latency that this share of all did not exceed: the upper end of its bucket, at most the largest. Zero where there is
    /// none.</summary>
    public TimeSpan Percentile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        if (rank == 0) return TimeSpan.Zero;
        for (var i = 0; i < buckets.Length; i++)
            if ((rank -= Interlocked.Read(ref buckets[i])) <= 0)
                return TimeSpan.FromMicroseconds(Math.Min(UpperEnd(i), Interlocked.Read(ref largest)));
        throw new UnreachableException();
    }

    static int BucketOf(long micros)
    {
        if (micros < Subs) return (int)micros;
        var shift = BitOperations.Log2((ulong)micros) - SubBits;
        return (shift + 1) * Subs + (int)((micros >> shift) - Subs);
    }

    static long UpperEnd(int bucket)
    {
        if (bucket < Subs) return bucket;
        var shift = bucket / Subs - 1;
        return (((long)(bucket % Subs) + Subs + 1) << shift) - 1;
    }
}
