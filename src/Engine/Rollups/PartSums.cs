// Sums of what only whole records tell: the kinds of tokens inside the totals, the units beside them, and what providers say they charged.
using Purser.Core;

namespace Purser.Engine;

/// <summary>Sums of what records reported. A reader leaves out records that were taken back or corrected since.</summary>
public sealed class PartSums
{
    readonly SortedDictionary<string, decimal> counts = new(StringComparer.Ordinal);
    long reported;
    Int128 reportedNanos, bookedNanos;

    /// <summary>The sums by the name that a usage has for each; those of 0 are left out.</summary>
    public IReadOnlyDictionary<string, decimal> Counts
    {
        get => counts;
        init
        {
            foreach (var (name, count) in value) Add(name, count);
        }
    }

    /// <summary>How many records tell what their provider charged.</summary>
    public long Reported { get => reported; init => reported = value; }

    /// <summary>What that is.</summary>
    public Int128 ReportedNanos { get => reportedNanos; init => reportedNanos = value; }

    /// <summary>What was booked for the same records.</summary>
    public Int128 BookedNanos { get => bookedNanos; init => bookedNanos = value; }

    public void Add(UsageRecord record)
    {
        if (record.Usage.Parts is { } parts) Add(parts);
        if (record.ReportedNanos is not { } nanos) return;
        reported++;
        reportedNanos += nanos;
        bookedNanos += record.Amounts.CostNanos;
    }

    public void Add(PartSums other)
    {
        foreach (var (name, count) in other.counts) Add(name, count);
        reported += other.reported;
        reportedNanos += other.reportedNanos;
        bookedNanos += other.bookedNanos;
    }

    /// <summary>The same without money, which is told in another currency.</summary>
    public PartSums CountsOnly() => new() { Counts = counts, Reported = reported };

    void Add(UsageParts parts)
    {
        foreach (var (name, of) in UsageParts.TokenCounts) Add(name, of(parts));
        foreach (var (name, of) in UsageParts.UnitCounts) Add(name, of(parts));
    }

    void Add(string name, decimal count)
    {
        if (count != 0) counts[name] = counts.GetValueOrDefault(name) + count;
    }
}
