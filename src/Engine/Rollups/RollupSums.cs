// Usage added up: what a report sums, in the form in which a rollup keeps it.
using System.Buffers;
using Purser.Core;

namespace Purser.Engine;

/// <summary>One record as sums see it. Amounts are those that were booked; <see cref="Unpriced"/> is 1 without a price, and -1 for what
/// gives one later.</summary>
public readonly record struct UsageFigures(
    long AtMillis, long InputTokens, long OutputTokens, long Requests, long CostNanos, bool Success, long? DurationMs, int Unpriced);

/// <summary>Adds up in any order to the same. Sums of 64-bit amounts are kept in 128.</summary>
public sealed class RollupSums
{
    const byte Format = 1;

    public long Records { get; private set; }
    public Int128 InputTokens { get; private set; }
    public Int128 OutputTokens { get; private set; }
    public Int128 Requests { get; private set; }
    public Int128 FailedRequests { get; private set; }
    public Int128 CostNanos { get; private set; }
    public Int128 DurationMs { get; private set; }
    public long RecordsWithDuration { get; private set; }
    public long Unpriced { get; private set; }

    /// <summary>The largest record; of several the earliest. Nothing without records.</summary>
    public Int128 PeakTokens { get; private set; }
    public long PeakAtMillis { get; private set; }

    public DurationSketch Durations { get; } = new();

    /// <summary>Kinds of tokens and units, where the question asks for them; rollups do not keep them.</summary>
    public PartSums? Parts { get; private set; }

    /// <summary>Adds the kinds of tokens and the units of a record whose figures were added.</summary>
    public void AddParts(UsageRecord record) => (Parts ??= new()).Add(record);

    public void Add(in UsageFigures figures)
    {
        Peak((Int128)figures.InputTokens + figures.OutputTokens, figures.AtMillis);
        Records++;
        InputTokens += figures.InputTokens;
        OutputTokens += figures.OutputTokens;
        Requests += figures.Requests;
        if (!figures.Success) FailedRequests += figures.Requests;
        CostNanos += figures.CostNanos;
        Unpriced += figures.Unpriced;
        if (figures.DurationMs is not { } duration) return;
        DurationMs += duration;
        RecordsWithDuration++;
        Durations.Add(duration);
    }

    public void Add(RollupSums other)
    {
        if (other.Records == 0) return;
        Peak(other.PeakTokens, other.PeakAtMillis);
        Plus(other.Records, other.InputTokens, other.OutputTokens, other.Requests, other.FailedRequests, other.CostNanos, other.DurationMs,
            other.RecordsWithDuration, other.Unpriced);
        Durations.Add(other.Durations);
    }

    /// <summary>Adds the sums of an answer. An answer does not name the largest record of each sum, so that one is not known
    /// here.</summary>
    public void Add(UsageSum sum)
    {
        Plus(sum.Records, sum.InputTokens, sum.OutputTokens, sum.Requests, sum.FailedRequests, sum.CostNanos, sum.DurationMs,
            sum.RecordsWithDuration, sum.Unpriced);
        Durations.Add(sum.Durations);
        if (sum.Parts is { } parts) (Parts ??= new()).Add(parts);
    }

    void Plus(long records, Int128 input, Int128 output, Int128 requests, Int128 failed, Int128 cost, Int128 duration,
        long withDuration, long unpriced)
    {
        Records += records;
        InputTokens += input;
        OutputTokens += output;
        Requests += requests;
        FailedRequests += failed;
        CostNanos += cost;
        DurationMs += duration;
        RecordsWithDuration += withDuration;
        Unpriced += unpriced;
    }

    /// <summary>Adds what <see cref="Encode"/> wrote.</summary>
    public void Add(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length == 0 || encoded[0] != Format)
            throw new InvalidDataException("a rollup is not in a form that this program knows");
        var reader = new Numbers(encoded[1..]);
        var records = (long)reader.Next();
        var (input, output, requests, failed, cost) = (reader.Next(), reader.Next(), reader.Next(), reader.Next(), reader.Next());
        var (duration, withDuration, unpriced) = (reader.Next(), (long)reader.Next(), (long)reader.Next());
        var peak = reader.Next();
        Peak(peak, (long)reader.Next());
        Plus(records, input, output, requests, failed, cost, duration, withDuration, unpriced);
        for (var bucket = 0; !reader.AtEnd;)
        {
            bucket += (int)reader.Next();
            Durations.Add(bucket, (long)reader.Next());
        }
    }

    public byte[] Encode()
    {
        var bytes = new ArrayBufferWriter<byte>(96);
        bytes.Write([Format]);
        foreach (var number in (ReadOnlySpan<Int128>)
            [Records, InputTokens, OutputTokens, Requests, FailedRequests, CostNanos, DurationMs, RecordsWithDuration, Unpriced, PeakTokens,
                PeakAtMillis])
            Write(bytes, number);
        var before = 0;
        foreach (var (bucket, count) in Durations.Counts)
        {
            Write(bytes, bucket - before);
            Write(bytes, count);
            before = bucket;
        }
        return bytes.WrittenSpan.ToArray();
    }

    void Peak(Int128 tokens, long atMillis)
    {
        if (Records > 0 && (tokens < PeakTokens || (tokens == PeakTokens && atMillis >= PeakAtMillis))) return;
        (PeakTokens, PeakAtMillis) = (tokens, atMillis);
    }

    /// <summary>Small numbers of either sign take few bytes: the sign goes into the lowest bit, seven bits to a byte.</summary>
    static void Write(ArrayBufferWriter<byte> to, Int128 number)
    {
        var rest = (UInt128)((number << 1) ^ (number >> 127));
        while (rest >= 0x80)
        {
            to.Write([(byte)(rest | 0x80)]);
            rest >>= 7;
        }
        to.Write([(byte)rest]);
    }

    ref struct Numbers(ReadOnlySpan<byte> bytes)
    {
        readonly ReadOnlySpan<byte> bytes = bytes;
        int at;

        public readonly bool AtEnd => at == bytes.Length;

        public Int128 Next()
        {
            // Nearly every number fits 64 bits, where shifting is cheap.
            var (small, shift) = (0UL, 0);
            while (true)
            {
                var next = bytes[at++];
                if (shift > 56) return Large(small, shift, next);
                small |= (ulong)(next & 0x7F) << shift;
                shift += 7;
                if (next < 0x80) return (long)(small >> 1) ^ -(long)(small & 1);
            }
        }

        Int128 Large(UInt128 number, int shift, byte next)
        {
            while (true)
            {
                number |= (UInt128)(next & 0x7Fu) << shift;
                if (next < 0x80) return (Int128)(number >> 1) ^ -(Int128)(number & 1);
                shift += 7;
                next = bytes[at++];
            }
        }
    }
}
