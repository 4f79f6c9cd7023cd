// What happens within minutes and vanishes in the sum of an hour: the busiest five minutes of an hour against those of the hours before.
namespace Purser.Core.Statistics;

public sealed class BurstWatch
{
    /// <summary>All but one of so many hours were calmer.</summary>
    const double UsualShare = 0.99;

    const int LeastHours = 48;

    /// <summary>A few of something that is counted are no burst.</summary>
    const double AFew = 3;

    public TailSketch Busiest { get; set; } = new();

    /// <summary>The last hour that was told of, and its rank; 0: none yet.</summary>
    public long Last { get; set; }
    public int Rank { get; set; }

    public double Usual(bool isCount) => Busiest.Total < LeastHours ? 0 : Busiest.Quantile(UsualShare) + (isCount ? AFew : 0);

    /// <summary>From the factor on medium, from twice of it on high, from four times on critical; 0 where it is none, or was
    /// told.</summary>
    public int RankOf(long hour, double value, double factor, bool isCount)
    {
        if (Busiest.Total < LeastHours || value <= 0) return 0;
        var times = value / (factor * Math.Max(Usual(isCount), 1));
        var rank = times < 1 ? 0 : times < 2 ? 1 : times < 4 ? 2 : 3;
        return Last > 0 && hour - Last <= SeasonalDetector.QuietHours && rank <= Rank ? 0 : rank;
    }

    public void Take(long hour, double value, int told)
    {
        if (told > 0) (Last, Rank) = (hour, told);
        // What the next ones are compared with is no more than twice of what was usual.
        if (value > 0) Busiest.Add(Busiest.Total < LeastHours ? value : Math.Min(value, 2 * Math.Max(1, Usual(false))));
    }

    public BurstWatch Copy() => new() { Busiest = Busiest.Copy(), Last = Last, Rank = Rank };
}
