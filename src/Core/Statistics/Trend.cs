// Where daily amounts are going: halves compared, moving averages, and the rate that a span of use comes to. Exact, for money too.
namespace Purser.Core.Statistics;

public enum TrendDirection { Stable, Increasing, Decreasing }

/// <summary><see cref="NextHalf"/> is what another half as long would bring if the change went on; never below nothing.</summary>
public sealed record Trend(
    TrendDirection Direction, decimal ChangePercent, decimal NextHalf, decimal Confidence, decimal MovingAverage7, decimal MovingAverage30,
        decimal NextThirtyDays)
{
    /// <summary>Smaller changes are called stable.</summary>
    const decimal LeastChangePercent = 5;

    /// <summary>Of amounts per day, oldest first, days without use included; null for fewer than two days.</summary>
    public static Trend? Of(IReadOnlyList<decimal> days, long records)
    {
        if (days.Count < 2) return null;
        // Halves of time, not of records: the day in the middle of an odd number belongs to both in equal parts.
        var half = days.Count / 2;
        var middle = days.Count % 2 == 1 ? days[half] / 2 : 0;
        var first = days.Take(half).Sum() + middle;
        var second = days.Skip(days.Count - half).Sum() + middle;
        var change = first == 0 ? 0 : (second - first) / first * 100;
        var direction = change >= LeastChangePercent || (first == 0 && second > 0) ? TrendDirection.Increasing
            : change <= -LeastChangePercent ? TrendDirection.Decreasing : TrendDirection.Stable;
        var week = Average(days, 7);
        return new(direction, change, Math.Max(0, second + (second - first)), Math.Min(records / 100m, 1), week, Average(days, 30),
            week * 30);
    }

    static decimal Average(IReadOnlyList<decimal> days, int most) => days.TakeLast(most).Average();
}

/// <summary>What a span of use comes to per day. The confidence is the documented figure of older reports: the span as a share of thirty
/// days.</summary>
public sealed record UsageRate(decimal PerDay, decimal BasedOnDays)
{
    /// <summary>An hour of use is not a month.</summary>
    public const decimal LeastDays = 1;

    public decimal PerWeek => PerDay * 7;
    public decimal PerThirtyDays => PerDay * 30;
    public decimal Confidence => ConfidenceOf(BasedOnDays);

    public static decimal ConfidenceOf(decimal days) => Math.Clamp(days / 30, 0.1m, 0.95m);

    /// <summary>Null while the span is too short to say anything.</summary>
    public static UsageRate? Of(decimal amount, decimal spanDays) => spanDays < LeastDays ? null : new(amount / spanDays, spanDays);
}
