// What was booked into one hour.
using NodaTime;

namespace Purser.Core.Statistics;

/// <summary><see cref="MostNanos"/> and <see cref="MostCalls"/> are the money and the calls of the hour's five busiest minutes; 0 where the
/// minutes were not known.</summary>
public readonly record struct UsageHour(
    long Tokens, Int128 CostNanos, long Requests, long Failed, long MostNanos = 0, long MostCalls = 0)
{
    public const long Millis = 3_600_000;

    public static long Of(Instant at) => at.ToUnixTimeSeconds() / 3600;

    public static Instant StartOf(long hour) => Instant.FromUnixTimeSeconds(hour * 3600);

    public UsageHour Plus(UsageRecord record) => this with
    {
        Tokens = Tokens + record.Amounts.Tokens,
        CostNanos = CostNanos + record.Amounts.CostNanos,
        Requests = Requests + record.Amounts.Requests,
        Failed = Failed + (record.Usage.Success ? 0 : record.Amounts.Requests),
    };

    public static UsageHour operator +(UsageHour a, UsageHour b) =>
        new(a.Tokens + b.Tokens, a.CostNanos + b.CostNanos, a.Requests + b.Requests, a.Failed + b.Failed,
            Math.Max(a.MostNanos, b.MostNanos), Math.Max(a.MostCalls, b.MostCalls));
}

/// <summary>Hours by their number (hours since 1970). An hour without usage is a zero, from the first use on.</summary>
public sealed class UsageHours
{
    /// <summary>Two arrays in order: what is asked for again and again lies together.</summary>
    readonly SortedList<long, UsageHour> hours;

    public UsageHours(SortedList<long, UsageHour> hours) => this.hours = hours;

    public UsageHour this[long hour] => Place(hour) is var place and >= 0 ? hours.GetValueAtIndex(place) : default;

    /// <summary>Most accounts have use in every hour: then the place is known without a search.</summary>
    int Place(long hour)
    {
        if (hours.Count == 0) return -1;
        var guess = hour - hours.GetKeyAtIndex(0);
        if (guess < 0) return -1;
        return guess < hours.Count && hours.GetKeyAtIndex((int)guess) == hour ? (int)guess : hours.IndexOfKey(hour);
    }

    public UsageHour Sum(long from, long to)
    {
        var sum = default(UsageHour);
        for (var hour = from; hour < to; hour++) sum += this[hour];
        return sum;
    }

    /// <summary>The first hour with usage that is not before this one; null where there is none.</summary>
    public long? NextUsed(long hour)
    {
        var low = Sorted.First(hours.Count, (hours, hour), static (asked, i) => asked.hours.GetKeyAtIndex(i) >= asked.hour);
        return low < hours.Count ? hours.GetKeyAtIndex(low) : null;
    }
}
