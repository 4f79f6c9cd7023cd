// Which parts of a range are read from rollups of which level, and which from records.
namespace Purser.Engine;

/// <summary>How far a ledger's rollups are. Hours and days are complete before these instants, and there are none of them after.</summary>
public readonly record struct RollupState(long HoursBefore, long DaysBefore)
{
    public static readonly RollupState Nothing = new(RollupPlan.Earliest, RollupPlan.Earliest);
}

/// <summary>Half-open, in milliseconds.</summary>
public readonly record struct MillisRange(long From, long To)
{
    public bool IsEmpty => From >= To;
}

/// <summary>
/// <see cref="Rollups"/> hold what is folded; records that are not folded yet are read where <see cref="Folded"/> says, all records where
/// <see cref="Edges"/> do.
/// </summary>
public sealed record RollupPlan(bool WholeAccounts, IReadOnlyList<(RollupLevel Level, MillisRange Range)> Rollups, MillisRange Folded, IReadOnlyList<MillisRange> Edges)
{
    public const long MinuteMillis = 60_000;
    public const long QuarterMillis = 15 * MinuteMillis;
    public const long HourMillis = 60 * MinuteMillis;
    public const long DayMillis = 24 * HourMillis;

    /// <summary>Midnight at the beginning of year 1, and of year 10000: nothing is booked outside.</summary>
    public const long Earliest = -62_135_596_800_000;
    public const long Latest = 253_402_300_800_000;

    public static long Floor(long millis, long unit) => millis - ((millis % unit) + unit) % unit;

    static long Ceiling(long millis, long unit) => Floor(millis + unit - 1, unit);

    public static long MillisOf(UsageStep step) => step switch
    {
        UsageStep.Minute => MinuteMillis,
        UsageStep.Quarter => QuarterMillis,
        UsageStep.Hour => HourMillis,
        UsageStep.Day => DayMillis,
        _ => Latest - Earliest,
    };

    public static long MillisOf(RollupLevel level) => level switch
    {
        RollupLevel.Quarter or RollupLevel.AccountQuarter => QuarterMillis,
        RollupLevel.Hour or RollupLevel.AccountHour => HourMillis,
        _ => DayMillis,
    };

    public static MillisRange RangeOf(UsageFilter filter) => new(
        filter.From is { } from ? Math.Max(Earliest, UsageCursor.CeilingMillis(from)) : Earliest,
        filter.To is { } to ? Math.Min(Latest, UsageCursor.CeilingMillis(to)) : Latest);

    public static RollupPlan For(UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step, RollupState state)
    {
        var range = RangeOf(filter);
        var inside = new MillisRange(Ceiling(range.From, QuarterMillis), Floor(range.To, QuarterMillis));
        if (step == UsageStep.Minute || NeedsRecords(filter) || by.Any(NeedsRecords) || inside.IsEmpty) return new(false, [], default, [range]);

        var whole = OfAccounts(filter) && by.All(key => key == UsageKey.Account || key == UsageKey.Outcome);
        var rollups = new List<(RollupLevel, MillisRange)>();
        if (step is UsageStep.Whole or UsageStep.Day) Divide(RollupLevel.Day, inside);
        else if (step == UsageStep.Hour) Divide(RollupLevel.Hour, inside);
        else Divide(RollupLevel.Quarter, inside);
        return new(whole, rollups, inside, [.. new[] { new MillisRange(range.From, inside.From), new(inside.To, range.To) }.Where(edge => !edge.IsEmpty)]);

        void Divide(RollupLevel level, MillisRange part)
        {
            if (part.IsEmpty) return;
            if (level == RollupLevel.Quarter)
            {
                // Those of whole accounts are made together with the hours.
                if (whole) Take(RollupLevel.AccountQuarter, new(part.From, Math.Min(part.To, state.HoursBefore)));
                Take(RollupLevel.Quarter, whole ? new(Math.Max(part.From, state.HoursBefore), part.To) : part);
                return;
            }
            var unit = MillisOf(level);
            var middle = new MillisRange(Ceiling(part.From, unit), Math.Min(Floor(part.To, unit), level == RollupLevel.Day ? state.DaysBefore : state.HoursBefore));
            if (middle.IsEmpty)
            {
                Divide(level - 1, part);
                return;
            }
            Divide(level - 1, new(part.From, middle.From));
            Take(whole ? level + (int)RollupLevel.AccountQuarter : level, middle);
            Divide(level - 1, new(middle.To, part.To));
        }

        void Take(RollupLevel level, MillisRange part)
        {
            if (!part.IsEmpty) rollups.Add((level, part));
        }
    }

    /// <summary>
    /// Where the parts lie of hours (of quarters) or days (of hours) that are over at <paramref name="now"/> and not made yet; null where
    /// there are none.
    /// </summary>
    public static MillisRange? Unraised(RollupLevel parts, RollupState state, NodaTime.Instant now)
    {
        var over = Floor(now.ToUnixTimeMilliseconds(), MillisOf(parts + 1));
        var range = parts == RollupLevel.Quarter
            ? new MillisRange(state.HoursBefore, over) : new(state.DaysBefore, Math.Min(over, Floor(state.HoursBefore, DayMillis)));
        return range.IsEmpty ? null : range;
    }

    /// <summary>The parts of the first of these hours or days, and the state when it is made; <paramref name="first"/> is the first part there is.</summary>
    public static (MillisRange Parts, RollupState State) Raise(RollupLevel parts, RollupState state, MillisRange unraised, long? first)
    {
        var unit = MillisOf(parts + 1);
        var start = first is { } part ? Floor(part, unit) : unraised.To;
        var range = new MillisRange(start, first is null ? start : start + unit);
        return (range, parts == RollupLevel.Quarter ? state with { HoursBefore = range.To } : state with { DaysBefore = range.To });
    }

    static bool NeedsRecords(UsageFilter filter) =>
        (filter.Session ?? filter.RequestId ?? filter.ReservationId ?? filter.Id) is not null || filter.Unpriced is not null || filter.Tags is { Count: > 0 };

    static bool NeedsRecords(UsageKey key) => key == UsageKey.Session || key.IsInTags;

    static bool OfAccounts(UsageFilter filter) =>
        (filter.Orchestrator ?? filter.User ?? filter.Tenant ?? filter.Provider ?? filter.Model ?? filter.Tool) is null;
}
