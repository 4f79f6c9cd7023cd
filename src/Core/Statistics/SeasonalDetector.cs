// The detector that is on by default. An hour is compared with the last hours, with the same hour of the last days and of the last weeks.
// How rare each of the three differences is, is read off how large such differences usually are in this very series; the middle one counts.
// Rare hours in a row add up, and every alarm raises the limit for a while: a series that often is strange has to be stranger.
using System.Text.Json.Serialization;

namespace Purser.Core.Statistics;

/// <summary>Values of past hours by their number (hours since 1970); NaN where nothing is known.</summary>
public delegate double HourlyPast(long hour);

/// <summary>What is known of an hour before it has happened: what each comparison expects, and how large its misses usually are.</summary>
public readonly record struct Outlook(
    long Hour, Comparison Recent, Comparison Daily, Comparison Weekly, double Peak, double Size, Ladder Ladder = default)
{
    /// <summary>The middle one of what the comparisons expect; null before there is any.</summary>
    public double? Expected
    {
        get
        {
            Span<double> known = stackalloc double[3];
            var count = 0;
            foreach (var comparison in (ReadOnlySpan<Comparison>)[Recent, Daily, Weekly])
                if (comparison.IsKnown) known[count++] = comparison.Expected;
            return count == 0 ? null : Middle.Of(known[..count]);
        }
    }
}

/// <summary><see cref="Usual"/> and <see cref="Large"/> are misses that 15 % and 1 % of the hours exceed; 0 while too few are
/// known.</summary>
public readonly record struct Comparison(bool IsKnown, double Expected, double Floor, double Usual, double Large);

/// <summary>
/// <see cref="Grade"/> is the evidence: 2 is one hour in a hundred, 3 one in a thousand. <see cref="Limit"/> is what an alarm needed.
/// <see cref="Rank"/> is how severe it is: 0 nothing, then medium, high, critical, and one more for every step of the ladder that the
/// hour has climbed. <see cref="IsBeyond"/>: part of an event, told or not.
/// </summary>
public readonly record struct SeasonalVerdict(
    double Grade, double Limit, bool IsAlarm, double? Expected, int Rank = 0, int Step = 0, bool IsBeyond = false, bool IsDrop = false,
    double UsualPeak = 0)
{
    public bool IsRare => Grade >= Limit;

    public Severity Severity => (Severity)Math.Clamp(Rank, 1, 3);
}

/// <summary>What is abnormal for some hours in one direction. Told once, and again only where it grows worse.</summary>
public sealed class UsageEvent
{
    /// <summary>The hour it began in, and the last one that belonged to it; 0: none yet.</summary>
    public long Since { get; set; }
    public long Last { get; set; }

    /// <summary>The worst that it has been, as <see cref="SeasonalVerdict.Rank"/>.</summary>
    public int Rank { get; set; }

    /// <summary>The hours that were told of.</summary>
    public List<long> Told { get; set; } = [];

    /// <summary>What the ladder stood on when it began: a level that rises for days does not become usual while it is being told
    /// of.</summary>
    public double LadderFoot { get; set; }

    public bool IsOpen(long hour, int quietHours) => Last > 0 && hour - Last <= quietHours;

    public UsageEvent Copy() => new() { Since = Since, Last = Last, Rank = Rank, Told = [.. Told], LadderFoot = LadderFoot };
}

public sealed class SeasonalDetector
{
    /// <summary>Evidence that makes an alarm where a policy says nothing else.</summary>
    public const double BaseLimit = 2.25;
    /// <summary>After so many usual hours an event is over, and the next one is another.</summary>
    public const int QuietHours = 6;

    /// <summary>What lasts for a week is not held against what was usual before it.</summary>
    const int HoursToBecomeUsual = 168;
    const int LeastMisses = 24, HoursToKnowSeverity = 144;
    const double RelativeFloor = 0.02, SizeFloor = 0.01;

    const int RecentHours = 3, RecentWithin = 24, Days = 7, Weeks = 5, LeastAlike = 2;

    /// <summary>The furthest back that a comparison looks.</summary>
    public const int HoursOfPast = Weeks * 168;

    /// <summary>No state.</summary>
    [JsonIgnore]
    public DetectorConstants Constants { get; init; } = DetectorConstants.Shipped;

    /// <summary>Whether values are counts, which scatter by their root even when nothing happens.</summary>
    public bool IsCount { get; set; }

    /// <summary>Sizes of the hours, and of the misses of the three comparisons.</summary>
    public TailSketch Sizes { get; set; } = new();
    public TailSketch RecentMisses { get; set; } = new();
    public TailSketch DailyMisses { get; set; } = new();
    public TailSketch WeeklyMisses { get; set; } = new();

    /// <summary>What rare hours in a row have added up to, above and below the usual apart.</summary>
    public double Pressure { get; set; }
    public double DropPressure { get; set; }

    /// <summary>Alarms so far, fading; as of <see cref="LastAlarm"/>.</summary>
    public double Alarms { get; set; }
    public long LastAlarm { get; set; }

    /// <summary>What goes on above, and below, the usual: a drop never silences a rise.</summary>
    public UsageEvent Rise { get; set; } = new();
    public UsageEvent Drop { get; set; } = new();

    public UsualPeak Peaks { get; set; } = new();

    public SeasonalDetector Copy() => new()
    {
        Constants = Constants, IsCount = IsCount, Sizes = Sizes.Copy(), RecentMisses = RecentMisses.Copy(),
            DailyMisses = DailyMisses.Copy(),
        WeeklyMisses = WeeklyMisses.Copy(), Pressure = Pressure, DropPressure = DropPressure, Alarms = Alarms, LastAlarm = LastAlarm,
            Rise = Rise.Copy(),
        Drop = Drop.Copy(), Peaks = Peaks.Copy(),
    };

    public Outlook Look(long hour, HourlyPast past)
    {
        var full = Sizes.Total > LeastMisses;
        var size = Math.Max(1e-9, Math.Max(Sizes.Quantile(0.5), 0.5 * Sizes.Quantile(0.95)));
        Span<double> alike = stackalloc double[Days];

        var count = 0;
        for (var back = 1; back <= RecentWithin && count < RecentHours; back++)
            if (past(hour - back) is var value && !double.IsNaN(value)) alike[count++] = value;
        var recent = Compare(alike[..count], RecentHours, RecentMisses, size);

        count = 0;
        for (var day = 1; day <= Days; day++)
            if (past(hour - 24 * day) is var value && !double.IsNaN(value)) alike[count++] = value;
        var daily = Compare(alike[..count], LeastAlike, DailyMisses, size);

        count = 0;
        for (var week = 1; week <= Weeks; week++)
            if (past(hour - 168 * week) is var value && !double.IsNaN(value)) alike[count++] = value;
        return new(hour, recent, daily, Compare(alike[..count], LeastAlike, WeeklyMisses, size), full ? Sizes.Quantile(0.9) : 0, size,
            Peaks.Ladder(hour, IsCount, Rise.IsOpen(hour, QuietHours) && hour - Rise.Since <= HoursToBecomeUsual ? Rise.LadderFoot : 0));
    }

    Comparison Compare(Span<double> alike, int least, TailSketch misses, double size)
    {
        if (alike.Length < least) return default;
        var expected = Middle.Of(alike);
        // Nothing is so regular that a difference of two hundredths, or of the root of a count, would mean anything.
        var floor = Math.Max(RelativeFloor * Math.Abs(expected), SizeFloor * size);
        if (IsCount) floor = Math.Max(floor, Math.Sqrt(Math.Abs(expected) + 1));
        if (misses.Total < LeastMisses) return new(true, expected, floor, 0, 0);
        var usual = Math.Max(misses.Quantile(DetectorConstants.UsualShare), 0.5 * floor);
        return new(true, expected, floor, usual, Math.Max(misses.Quantile(DetectorConstants.LargeShare), Math.Max(floor, 1.3 * usual)));
    }

    /// <summary>
    /// How rare a value would be: minus the decimal logarithm of the share of hours that miss by as much. Beyond what was seen, the tail
    /// goes on as the power law through the two known points, so that no grade is out of reach.
    /// </summary>
    public double Grade(in Outlook outlook, double value)
    {
        Span<double> grades = stackalloc double[3];
        var count = 0;
        foreach (var comparison in (ReadOnlySpan<Comparison>)[outlook.Recent, outlook.Daily, outlook.Weekly])
            if (comparison.IsKnown && comparison.Large > 0)
                grades[count++] = DetectorConstants.Evidence(comparison.Usual, comparison.Large, Math.Abs(value - comparison.Expected));
        var grade = count == 0 ? 0 : Middle.Of(grades[..count]);
        // Far above everything that is usual, at this hour too, needs no rarity; a few of something that is counted are never far above.
        var peak = Math.Max(outlook.Peak, Math.Max(outlook.Daily.Expected, outlook.Weekly.Expected));
        var height = outlook.Peak > 0 ? (value - (IsCount ? 3 : 0)) / (Constants.PeakFactor * peak) : 0;
        return height > 1 ? Math.Max(grade, 2 + 2 * Math.Log10(height)) : grade;
    }

    /// <summary>The limit now, without what an event in progress silences.</summary>
    public double LimitAt(long hour, double baseLimit = BaseLimit) =>
        baseLimit + DetectorConstants.Cold(Sizes.Total) + Constants.LimitPerAlarm * DetectorConstants.Faded(Alarms, hour - LastAlarm);

    /// <summary>Whether an hour that already has this value, and is not over, will be an alarm whatever comes; changes nothing.</summary>
    public SeasonalVerdict Preview(in Outlook outlook, double value, double baseLimit = BaseLimit)
    {
        // Asked with every record, and nearly always answered by the first look.
        if (outlook.Ladder.StepOf(value) == 0
            && !(Exceeds(outlook.Recent, value) && Exceeds(outlook.Daily, value) && Exceeds(outlook.Weekly, value))) return default;
        // Of a rise that has climbed the ladder, only the next step is told.
        if (Rise.Rank > (int)Severity.Critical && Rise.IsOpen(outlook.Hour, QuietHours)
            && outlook.Ladder.StepOf(value) <= Rise.Rank - (int)Severity.Critical) return default;
        if (outlook.Ladder.StepOf(value) == 0 && (outlook.Expected is not { } expected || value <= expected)) return default;
        var verdict = Judge(outlook, value, Grade(outlook, value), baseLimit);
        return verdict.IsAlarm ? verdict : default;
    }

    static bool Exceeds(in Comparison comparison, double value) => !comparison.IsKnown || value > comparison.Expected;

    double PressureWith(double before, double grade) =>
        Math.Max(0, before * Constants.PressureKept + Math.Min(grade, Constants.MostPerHour) - Constants.PressureNeeds);

    SeasonalVerdict Judge(in Outlook outlook, double value, double ownGrade, double baseLimit)
    {
        var hour = outlook.Hour;
        var step = outlook.Ladder.StepOf(value);
        var drop = step == 0 && outlook.Expected is { } expected && value < expected;
        var grade = Math.Max(ownGrade, PressureWith(drop ? DropPressure : Pressure, ownGrade));
        var limit = LimitAt(hour, baseLimit);
        var beyond = step > 0 || grade >= baseLimit + DetectorConstants.Cold(Sizes.Total);
        var rank = step > 0 ? (int)Severity.Critical + step : grade < limit ? 0
            : (int)(drop ? Deviations.SeverityOfDrop(grade, limit, value) : Deviations.SeverityOf(grade, limit) ?? Severity.Medium);
        var running = drop ? Drop : Rise;
        // While an event lasts it is told again only where it becomes critical, or climbs the ladder; at the start the ladder alone says
        // what is critical.
        var toldAgain = rank > running.Rank && rank >= (int)Severity.Critical && (step > 0 || Sizes.Total >= HoursToKnowSeverity);
        // What falls back after a rise has not dropped; a rise after a drop is a rise.
        var silent = running.IsOpen(hour, QuietHours) || (drop && Rise.IsOpen(hour, QuietHours));
        var alarm = beyond && rank > 0 && (toldAgain || !silent);
        return new(grade, limit, alarm, outlook.Expected, rank, step, beyond, drop, outlook.Ladder.Usual);
    }

    /// <summary>Judges a complete hour and learns from it.</summary>
    public SeasonalVerdict Take(in Outlook outlook, double value, double baseLimit = BaseLimit)
    {
        var hour = outlook.Hour;
        var grade = Grade(outlook, value);
        var verdict = Judge(outlook, value, grade, baseLimit);
        Pressure = PressureWith(Pressure, verdict.IsDrop ? 0 : grade);
        DropPressure = PressureWith(DropPressure, verdict.IsDrop ? grade : 0);
        Follow(verdict, outlook);
        Learn(outlook.Recent, RecentMisses, value);
        Learn(outlook.Daily, DailyMisses, value);
        Learn(outlook.Weekly, WeeklyMisses, value);
        Sizes.Add(outlook.Peak > 0 ? Math.Min(value, 20 * outlook.Peak) : value);
        Peaks.Add(hour, value);
        return verdict;
    }

    void Follow(in SeasonalVerdict verdict, in Outlook outlook)
    {
        var hour = outlook.Hour;
        var running = verdict.IsDrop ? Drop : Rise;
        var open = running.IsOpen(hour, QuietHours);
        if (verdict.IsAlarm && !open)
        {
            // Only what begins makes the next one harder; growing worse does not.
            (Alarms, LastAlarm) = (1 + DetectorConstants.Faded(Alarms, hour - LastAlarm), hour);
            (running.Since, running.Rank, running.Told, running.LadderFoot) = (hour, 0, [], outlook.Ladder.Foot);
        }
        if (verdict.IsAlarm)
        {
            running.Rank = verdict.Rank;
            if (running.Told.Count < MostTold) running.Told.Add(hour);
        }
        if (verdict.IsAlarm || (verdict.IsBeyond && open)) running.Last = hour;
    }

    /// <summary>An event grows worse a few times at most; this is a bound.</summary>
    const int MostTold = 16;

    /// <summary>An anomaly must not hide the next one, so what is learnt of it is clipped.</summary>
    void Learn(in Comparison comparison, TailSketch misses, double value)
    {
        if (!comparison.IsKnown) return;
        var miss = Math.Abs(value - comparison.Expected);
        if (comparison.Large > 0)
            miss = Math.Min(miss, DetectorConstants.SizeOf(comparison.Usual, comparison.Large, Constants.ClippedGrade));
        misses.Add(miss);
    }
}
