// How high the use of an account usually gets, and the ladder above it: ten times as much is critical whatever the season, a hundred times
// more so. For a young account the first step is higher, because little is known.
namespace Purser.Core.Statistics;

/// <summary><see cref="Foot"/> is the value that the first step begins at; 0 where nothing is known. Each step is ten times the one
/// before.</summary>
public readonly record struct Ladder(double Foot, double Usual)
{
    public int StepOf(double value)
    {
        if (Foot <= 0) return 0;
        var step = 0;
        for (var next = Foot; value >= next; next *= 10) step++;
        return step;
    }
}

public sealed class UsualPeak
{
    /// <summary>Days with use that are remembered. Days without are none: a pause changes nothing of what is usual.</summary>
    const int MostDays = 35;

    /// <summary>What was reached on three days of these or more is usual; a single wild day is not.</summary>
    const int DaysToBeUsual = 5;

    const double FirstStep = 10;

    /// <summary>Until so many hours were used the first step is higher: by how many times fewer they are.</summary>
    const double HoursToBeKnown = 120;

    /// <summary>A few of something that is counted are never far above.</summary>
    const double AFew = 3;

    /// <summary>The highest hour of each of the last days with use, in turn.</summary>
    public List<double> Days { get; set; } = [];
    public long LastDay { get; set; }
    public int Next { get; set; }
    public long UsedHours { get; set; }

    public void Add(long hour, double value)
    {
        if (!(value > 0)) return;
        UsedHours++;
        var day = hour / 24;
        if (day == LastDay && Days.Count > 0)
        {
            var now = (Next + Days.Count - 1) % Days.Count;
            if (value <= Days[now]) return;
            Days[now] = value;
        }
        else
        {
            LastDay = day;
            if (Days.Count < MostDays)
            {
                Days.Add(value);
            }
            else
            {
                Days[Next] = value;
                Next = (Next + 1) % MostDays;
            }
        }
    }

    /// <summary>The third highest of the days before; of fewer days the highest, and on the first day the highest hour so far.</summary>
    double Usual(long hour)
    {
        var today = Days.Count > 0 && LastDay == hour / 24 ? (Next + Days.Count - 1) % Days.Count : -1;
        if (today == 0 && Days.Count == 1) return Days[0];
        var (first, second, third, count) = (0.0, 0.0, 0.0, 0);
        for (var i = 0; i < Days.Count; i++)
        {
            if (i == today) continue;
            var day = Days[i];
            count++;
            if (day > first) (first, second, third) = (day, first, second);
            else if (day > second) (second, third) = (day, second);
            else if (day > third) third = day;
        }
        return count < DaysToBeUsual ? first : third;
    }

    /// <summary>While an event lasts, the ladder stays where it stood when that began.</summary>
    public Ladder Ladder(long hour, bool isCount, double standing)
    {
        if (UsedHours == 0) return default;
        var usual = Usual(hour);
        var foot = FirstStep * Math.Max(1, HoursToBeKnown / UsedHours) * (usual + (isCount ? AFew : 0));
        return new(standing > 0 ? Math.Min(standing, foot) : foot, usual);
    }

    public UsualPeak Copy() => new() { Days = [.. Days], LastDay = LastDay, Next = Next, UsedHours = UsedHours };
}
