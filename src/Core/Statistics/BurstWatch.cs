// What happens within minutes and vanishes in the sum of an hour: the busiest five minutes of an hour against those of the hours before.
namespace Purser.Core.Statistics;

/// <summary>
/// What is known of the busiest minutes of an hour before it has happened: what 85 % and 99 % of the hours do not exceed, and the evidence
/// that makes a burst. Nothing while too few hours were seen.
/// </summary>
public readonly record struct BurstOutlook(bool IsKnown, double Usual, double Most, double Limit, bool IsCount)
{
    /// <summary>A few of something that is counted are no burst.</summary>
    const double AFew = 3;

    /// <summary>Busiest minutes that are all alike scatter as well.</summary>
    const double LeastSpread = 1.3;

    double Few => IsCount ? AFew : 0;

    double Large => Math.Max(Most, LeastSpread * Usual);

    public double Evidence(double value) => IsKnown ? DetectorConstants.Evidence(Usual, Large, value - Few) : 0;

    /// <summary>
    /// By evidence as an hour; and by times: from the factor on medium, from twice of it on high, from four times on critical. 0: no burst.
    /// </summary>
    public int RankOf(double value, double factor)
    {
        // Asked with every record, and nearly always answered here.
        if (!IsKnown || value <= Usual) return 0;
        var times = value / (factor * (Most + Few));
        return Math.Max(times < 1 ? 0 : times < 2 ? 1 : times < 4 ? 2 : 3, (int?)Deviations.SeverityOf(Evidence(value), Limit) ?? 0);
    }
}

public sealed class BurstWatch
{
    const int LeastHours = 48;

    public TailSketch Busiest { get; set; } = new();

    /// <summary>The last hour that was told of, and its rank; 0: none yet.</summary>
    public long Last { get; set; }
    public int Rank { get; set; }

    /// <summary>Bursts so far, fading; as of <see cref="Last"/>.</summary>
    public double Alarms { get; set; }

    public BurstOutlook Look(long hour, bool isCount, double baseLimit = SeasonalDetector.BaseLimit, DetectorConstants? constants = null)
    {
        if (Busiest.Total < LeastHours) return default;
        var chosen = constants ?? DetectorConstants.Shipped;
        var limit = baseLimit + chosen.MoreForBursts + DetectorConstants.Cold(Busiest.Total)
            + chosen.LimitPerAlarm * DetectorConstants.Faded(Alarms, hour - Last);
        return new(true, Busiest.Quantile(DetectorConstants.UsualShare), Busiest.Quantile(DetectorConstants.LargeShare), limit, isCount);
    }

    bool IsOpen(long hour) => Last > 0 && hour - Last <= SeasonalDetector.QuietHours;

    /// <summary>As <see cref="BurstOutlook.RankOf"/>; 0 where it was told.</summary>
    public int RankOf(in BurstOutlook outlook, long hour, double value, double factor)
    {
        var rank = outlook.RankOf(value, factor);
        return rank > 0 && IsOpen(hour) && rank <= Rank ? 0 : rank;
    }

    public void Take(long hour, double value, int told)
    {
        if (told > 0)
        {
            // Only what begins makes the next one harder; growing worse does not.
            Alarms = DetectorConstants.Faded(Alarms, hour - Last) + (IsOpen(hour) ? 0 : 1);
            (Last, Rank) = (hour, told);
        }
        // What the next ones are compared with is no more than twice of what was usual.
        if (value > 0)
            Busiest.Add(Busiest.Total < LeastHours ? value : Math.Min(value, 2 * Busiest.Quantile(DetectorConstants.LargeShare)));
    }

    public BurstWatch Copy() => new() { Busiest = Busiest.Copy(), Last = Last, Rank = Rank, Alarms = Alarms };
}
