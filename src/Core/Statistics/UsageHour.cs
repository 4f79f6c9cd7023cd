// What was booked into one hour.
namespace Purser.Core.Statistics;

public readonly record struct UsageHour(long Tokens, Int128 CostNanos, long Requests, long Failed)
{
    public UsageHour Plus(UsageRecord record) => new(
        Tokens + record.Amounts.Tokens, CostNanos + record.Amounts.CostNanos, Requests + record.Amounts.Requests,
        Failed + (record.Usage.Success ? 0 : record.Amounts.Requests));

    public static UsageHour operator +(UsageHour a, UsageHour b) =>
        new(a.Tokens + b.Tokens, a.CostNanos + b.CostNanos, a.Requests + b.Requests, a.Failed + b.Failed);
}

/// <summary>Hours by their number (hours since 1970). An hour without usage is a zero, from the first use on.</summary>
public sealed class UsageHours
{
    /// <summary>Two arrays in order: what is asked for again and again lies together.</summary>
    readonly SortedList<long, UsageHour> hours;

    public UsageHours(SortedList<long, UsageHour> hours) => this.hours = hours;

    public UsageHour this[long hour] => hours.IndexOfKey(hour) is var place and >= 0 ? hours.GetValueAtIndex(place) : default;

    public UsageHour Sum(long from, long to)
    {
        var sum = default(UsageHour);
        for (var hour = from; hour < to; hour++) sum += this[hour];
        return sum;
    }
}
