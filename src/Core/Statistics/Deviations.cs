// The simple detectors: deviations in units of the standard deviation, ratios to a mean, shares of failures. Pure arithmetic; what is
// compared with what, and how often it is told, is the business of the watch.
namespace Purser.Core.Statistics;

public enum Severity { Low, Medium, High, Critical }

public static class Deviations
{
    /// <summary>A baseline of equal values still scatters: by a twentieth, and by one. Without this, a first deviation would be
    /// infinite.</summary>
    const double LeastSpread = 0.05;

    /// <summary>
    /// How many standard deviations (of the whole baseline) a value lies above or below the mean of others. The suspect is not among them,
    /// so that there is no largest score: with it, n values never give more than the root of n - 1.
    /// </summary>
    public static double Score(double value, in RunningStatistics others) =>
        (value - others.Mean) / Math.Max(Math.Sqrt(others.Variance), Math.Max(LeastSpread * Math.Abs(others.Mean), 1));

    /// <summary>From the threshold on medium, from one and a half of it on high, from twice of it on critical.</summary>
    public static Severity? SeverityOf(double score, double threshold) =>
        score < threshold ? null : score >= 2 * threshold ? Severity.Critical : score >= 1.5 * threshold ? Severity.High : Severity.Medium;

    /// <summary>A drop has an end, which is nothing; nothing at all is therefore one step more severe than its rarity says.</summary>
    public static Severity SeverityOfDrop(double score, double threshold, double value) =>
        (SeverityOf(score, threshold) ?? Severity.Medium) is var severity && value == 0 && severity < Severity.Critical
            ? severity + 1 : severity;

    /// <summary>What is above the mean, in percent of it.</summary>
    public static double Percent(double actual, double expected) => expected == 0 ? 0 : (actual - expected) / expected * 100;

    /// <summary>Today against a mean day: above <paramref name="ratio"/> medium, 300 % above it high, 1000 % critical.</summary>
    public static Severity? RatioSeverity(double today, double meanDay, double ratio) =>
        meanDay <= 0 || today <= ratio * meanDay ? null
        : Percent(today, meanDay) switch { > 1000 => Severity.Critical, > 300 => Severity.High, _ => Severity.Medium };

    /// <summary>The same for calls, of which there may be more without harm: low, 500 % above high, 1000 % critical.</summary>
    public static Severity? CallRatioSeverity(double today, double meanDay, double ratio) =>
        meanDay <= 0 || today <= ratio * meanDay ? null
        : Percent(today, meanDay) switch { > 1000 => Severity.Critical, > 500 => Severity.High, _ => Severity.Low };

    /// <summary>What is taken for a usual share of failures.</summary>
    public const double UsualErrorRate = 0.05;

    public const int LeastCallsForErrorRate = 10;

    /// <summary>A share of failures above the threshold is medium, above two and a half of it high, above five of it critical.</summary>
    public static Severity? ErrorSeverity(long failed, long calls, double threshold)
    {
        if (calls < LeastCallsForErrorRate) return null;
        var rate = (double)failed / calls;
        return rate <= threshold ? null : rate > Math.Min(5 * threshold, 0.99) ? Severity.Critical : rate > 2.5 * threshold
            ? Severity.High : Severity.Medium;
    }
}

/// <summary>How fast a budget is being used: the pace of the last hour against the budget of a day.</summary>
public readonly record struct Velocity(double PerMinute, double DailyBudget)
{
    public double PerDay => PerMinute * 1440;

    /// <summary>1 uses a day's budget in a day.</summary>
    public double Ratio => DailyBudget > 0 ? PerDay / DailyBudget : 0;

    public Severity Level => Ratio switch { < 0.5 => Severity.Low, < 0.8 => Severity.Medium, < 1.2 => Severity.High, _ =>
        Severity.Critical };

    /// <summary>Null where nothing is being used.</summary>
    public double? MinutesToLimit(double remaining) => PerMinute > 0 ? Math.Max(0, remaining) / PerMinute : null;
}
