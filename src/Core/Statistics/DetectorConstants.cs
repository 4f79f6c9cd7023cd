// The constants of the detectors that learn, in one place: what is shipped, and what the bench tries instead on labelled series.
namespace Purser.Core.Statistics;

/// <summary>Chosen on public series (docs/anomalies.md) from the middle of a plateau each.</summary>
public sealed record DetectorConstants
{
    public static readonly DetectorConstants Shipped = new();

    /// <summary>A tail is known by the sizes that 15 % and 1 % of the hours exceed.</summary>
    public const double UsualShare = 0.85, LargeShare = 0.99;

    static readonly double decades = Math.Log10((1 - UsualShare) / (1 - LargeShare));
    static readonly double largeGrade = -Math.Log10(1 - LargeShare);

    /// <summary>Evidence that makes an alarm: one hour in 180, for a middle comparison.</summary>
    public double Limit { get; init; } = SeasonalDetector.BaseLimit;

    /// <summary>How much more evidence a burst needs: the busiest minutes of an hour are compared with nothing but others.</summary>
    public double MoreForBursts { get; init; } = 0.25;

    /// <summary>What every alarm of the last weeks adds to the limit.</summary>
    public double LimitPerAlarm { get; init; } = 0.125;

    /// <summary>How much of the pressure is kept for the next hour, what evidence has to exceed to add to it, and the most that counts of
    /// one hour.</summary>
    public double PressureKept { get; init; } = 0.9;
    public double PressureNeeds { get; init; } = 1;
    public double MostPerHour { get; init; } = 2;

    /// <summary>So many times the usual peak counts in any case.</summary>
    public double PeakFactor { get; init; } = 6;

    /// <summary>A miss this rare says no more about the next ones than a rarer one would.</summary>
    public double ClippedGrade { get; init; } = 4;

    const double AlarmsFadeInHours = 28 * 24, ColdLimit = 2, ColdHours = 72;

    /// <summary>How much alarms count of which the last one was so many hours ago.</summary>
    public static double Faded(double alarms, long hours) => alarms * Math.Exp(-hours / AlarmsFadeInHours);

    /// <summary>What is added to the limit while few hours were seen.</summary>
    public static double Cold(int hours) => ColdLimit * Math.Exp(-hours / ColdHours);

    /// <summary>How many decades a size grows by while it becomes ten times as rare.</summary>
    static double Step(double usual, double large) => Math.Log10(large / usual) / decades;

    /// <summary>
    /// How rare a size is: minus the decimal logarithm of the share of hours that exceed it. Beyond what was seen, the tail goes on as the
    /// power law through the two known points, so that no grade is out of reach.
    /// </summary>
    public static double Evidence(double usual, double large, double size) =>
        size <= usual ? 0 : largeGrade + Math.Log10(size / large) / Step(usual, large);

    /// <summary>The size that has so much evidence.</summary>
    public static double SizeOf(double usual, double large, double evidence) =>
        large * Math.Pow(10, (evidence - largeGrade) * Step(usual, large));
}
