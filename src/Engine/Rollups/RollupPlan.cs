// Which parts of a range are read from rollups of which level, and which from records.
namespace Purser.Engine;

/// <summary>
/// How far a ledger's rollups are. Hours, days and weeks are complete before these instants, and there are none of them after; likewise
/// those that add up over all accounts.
/// </summary>
public readonly record struct RollupState(long HoursBefore, long DaysBefore, long AllHoursBefore, long AllDaysBefore, long WeeksBefore)
{
    public static readonly RollupState Nothing =
        new(RollupPlan.Earliest, RollupPlan.Earliest, RollupPlan.Earliest, RollupPlan.Earliest, RollupPlan.Earliest);

    /// <summary>Where the rows of a level end.</summary>
    public long Before(RollupLevel level)
    {
        if (level.Span == RollupSpan.Week) return level.View.HasWeeks ? WeeksBefore : RollupPlan.Earliest;
        if (level.Span == RollupSpan.Day) return level.View.IsOfAll ? AllDaysBefore : DaysBefore;
        if (level.Span == RollupSpan.Quarter)
        {
            if (level.View == RollupView.Full) return RollupPlan.Latest;
            // Those of others are made together with their hours.
            if (!level.View.HasQuarters) return RollupPlan.Earliest;
        }
        return level.View.IsOfAll ? AllHoursBefore : HoursBefore;
    }

    /// <summary>Takes back what adds up over all accounts, from an instant on.</summary>
    public RollupState WithoutAllFrom(long millis)
    {
        var day = RollupPlan.Floor(millis, RollupPlan.DayMillis);
        return this with { AllHoursBefore = Math.Min(AllHoursBefore, day), AllDaysBefore = Math.Min(AllDaysBefore, day) };
    }
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
public sealed record RollupPlan(IReadOnlyList<(RollupLevel Level, MillisRange Range)> Rollups, MillisRange Folded,
    IReadOnlyList<MillisRange> Edges)
{
    public const long MinuteMillis = 60_000;
    public const long QuarterMillis = 15 * MinuteMillis;
    public const long HourMillis = 60 * MinuteMillis;
    public const long DayMillis = 24 * HourMillis;
    public const long WeekMillis = 7 * DayMillis;

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

    public static long MillisOf(RollupSpan span) => span switch
    {
        RollupSpan.Quarter => QuarterMillis,
        RollupSpan.Hour => HourMillis,
        RollupSpan.Day => DayMillis,
        _ => WeekMillis,
    };

    public static MillisRange RangeOf(UsageFilter filter) => new(
        filter.From is { } from ? Math.Max(Earliest, UsageCursor.CeilingMillis(from)) : Earliest,
        filter.To is { } to ? Math.Min(Latest, UsageCursor.CeilingMillis(to)) : Latest);

    /// <summary>
    /// The range until whole quarters of an hour, on the sides where no record lies between: most reports end now, and nothing comes after
    /// that.
    /// Records before <paramref name="keptSince"/> may be gone, so that nobody knows. <paramref name="isEmpty"/> is asked for at most two
    /// ranges.
    /// </summary>
    public static MillisRange Widened(UsageFilter filter, long? keptSince, Func<MillisRange, bool> isEmpty)
    {
        var range = RangeOf(filter);
        var known = keptSince ?? Earliest;
        MillisRange before = new(Floor(range.From, QuarterMillis), range.From), after = new(range.To, Ceiling(range.To, QuarterMillis));
        if (!before.IsEmpty && before.From >= known && isEmpty(before)) range = range with { From = before.From };
        if (!after.IsEmpty && after.From >= known && isEmpty(after)) range = range with { To = after.To };
        return range;
    }

    public static RollupPlan For(UsageFilter filter, MillisRange range, IReadOnlyList<UsageKey> by, UsageStep step, RollupState state,
        bool withParts = false)
    {
        var inside = new MillisRange(Ceiling(range.From, QuarterMillis), Floor(range.To, QuarterMillis));
        if (withParts || step == UsageStep.Minute || ReadsRecords(filter) || by.Any(NeedsRecords) || inside.IsEmpty)
            return new([], default, [range]);

        var views = RollupView.With(by.Aggregate(NeededBy(filter), (needed, key) => needed | DimensionOf(key)));
        var rollups = new List<(RollupLevel, MillisRange)>();
        Divide(step switch
        {
            UsageStep.Whole => RollupSpan.Week, UsageStep.Day => RollupSpan.Day, UsageStep.Hour => RollupSpan.Hour, _ => RollupSpan.Quarter,
        }, inside);
        return new(
            rollups, inside,
                [.. new[] { new MillisRange(range.From, inside.From), new(inside.To, range.To) }.Where(edge => !edge.IsEmpty)]);

        void Divide(RollupSpan span, MillisRange part)
        {
            if (part.IsEmpty) return;
            var unit = MillisOf(span);
            // Weeks are read where the smallest view has them: days of a smaller view are fewer rows than weeks of a larger one.
            var bound = span == RollupSpan.Week ? views[0] : RollupView.Full;
            var middle = new MillisRange(Ceiling(part.From, unit), Math.Min(Floor(part.To, unit), state.Before(new(bound, span))));
            if (middle.IsEmpty)
            {
                Divide(span - 1, part);
                return;
            }
            if (span > RollupSpan.Quarter) Divide(span - 1, new(part.From, middle.From));
            foreach (var view in views)
            {
                var taken = new MillisRange(middle.From, Math.Min(middle.To, state.Before(new(view, span))));
                if (taken.IsEmpty) continue;
                rollups.Add((new(view, span), taken));
                middle = middle with { From = taken.To };
            }
            if (span > RollupSpan.Quarter) Divide(span - 1, new(middle.To, part.To));
        }
    }

    /// <summary>Whether rollups can not answer it, so that it is told only as far as records are kept.</summary>
    public static bool ReadsRecords(UsageFilter filter) =>
        (filter.Session ?? filter.RequestId ?? filter.ReservationId ?? filter.Id) is not null || filter.Unpriced is not null
            || filter.Unread is not null || filter.Disputed is not null
            || filter.Tags is { Count: > 0 };

    static bool NeedsRecords(UsageKey key) => key == UsageKey.Session || key.IsInTags;

    static RollupDimensions NeededBy(UsageFilter filter) =>
        (filter.Account is null && filter.Accounts is null ? 0 : RollupDimensions.Account) | (filter.Orchestrator is null
            ? 0 : RollupDimensions.Orchestrator)
        | (filter.User is null ? 0 : RollupDimensions.User) | (filter.Tenant is null ? 0 : RollupDimensions.Tenant)
        | ((filter.Provider ?? filter.Model) is null ? 0 : RollupDimensions.Model) | (filter.Tool is null ? 0 : RollupDimensions.Tool);

    static RollupDimensions DimensionOf(UsageKey key) => key.Name switch
    {
        "account" => RollupDimensions.Account,
        "orchestrator" => RollupDimensions.Orchestrator,
        "user" => RollupDimensions.User,
        "tenant" => RollupDimensions.Tenant,
        "provider" or "model" => RollupDimensions.Model,
        "tool" => RollupDimensions.Tool,
        _ => RollupDimensions.None,
    };
}
