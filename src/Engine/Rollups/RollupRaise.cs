// The steps in which rollups are made of each other once their hour, day or week is over: one hour, day or week at a time.
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// Makes <see cref="Made"/> of the rows of <see cref="Parts"/>. Those over all accounts are made apart, behind the others: what changes in
/// one account's past takes them back, and nothing else.
/// </summary>
public sealed class RollupRaise
{
    /// <summary>Every raise, in the order in which they are made.</summary>
    public static readonly IReadOnlyList<RollupRaise> All =
    [
        new(RollupSpan.Hour, ofAll: false), new(RollupSpan.Day, ofAll: false), new(RollupSpan.Hour, ofAll: true),
            new(RollupSpan.Day, ofAll: true), new(RollupSpan.Week, ofAll: false),
    ];

    readonly RollupSpan span;
    readonly bool ofAll;

    RollupRaise(RollupSpan span, bool ofAll)
    {
        (this.span, this.ofAll) = (span, ofAll);
        Made = [.. RollupLevel.All.Where(level => level.View.IsOfAll == ofAll && level.Source is not null
            && (level.Span == span || (span == RollupSpan.Hour && level.Span == RollupSpan.Quarter)))];
        Parts = [.. Made.Select(level => level.Source!.Value).Where(source => !Made.Contains(source)).Distinct()];
    }

    public IReadOnlyList<RollupLevel> Made { get; }

    public IReadOnlyList<RollupLevel> Parts { get; }

    /// <summary>The row of a larger span that a part belongs to, where each part belongs to one only: parts need not be kept until all are
    /// read. Null where several views are made of them.</summary>
    public RollupLevel? Whole(RollupLevel part) => span == RollupSpan.Week ? new RollupLevel(part.View, span) : null;

    /// <summary>Where it has rows, there is something to make.</summary>
    public RollupLevel First => ofAll ? new(RollupView.Account, span) : Parts[0];

    /// <summary>Where the parts lie of hours, days or weeks that are over at <paramref name="now"/> and not made yet; null where there are
    /// none.</summary>
    public MillisRange? Open(RollupState state, Instant now)
    {
        var over = RollupPlan.Floor(now.ToUnixTimeMilliseconds(), RollupPlan.MillisOf(span));
        var range = (span, ofAll) switch
        {
            (RollupSpan.Hour, false) => new MillisRange(state.HoursBefore, over),
            (RollupSpan.Hour, true) => new(state.AllHoursBefore, state.HoursBefore),
            (RollupSpan.Week, _) => new(state.WeeksBefore, Math.Min(over, RollupPlan.Floor(state.DaysBefore, RollupPlan.WeekMillis))),
            (_, false) => new(state.DaysBefore, Math.Min(over, RollupPlan.Floor(state.HoursBefore, RollupPlan.DayMillis))),
            (_, true) => new(state.AllDaysBefore, state.DaysBefore),
        };
        return range.IsEmpty ? null : range;
    }

    /// <summary>The first of these hours, days or weeks, and the state when it is made; <paramref name="first"/> is where the first part
    /// begins, if there is any.</summary>
    public (MillisRange Range, RollupState State) Next(RollupState state, MillisRange open, long? first)
    {
        var unit = RollupPlan.MillisOf(span);
        var start = first is { } part ? RollupPlan.Floor(part, unit) : open.To;
        var range = new MillisRange(start, first is null ? start : start + unit);
        return (range, (span, ofAll) switch
        {
            (RollupSpan.Hour, false) => state with { HoursBefore = range.To },
            (RollupSpan.Hour, true) => state with { AllHoursBefore = range.To },
            (RollupSpan.Week, _) => state with { WeeksBefore = range.To },
            (_, false) => state with { DaysBefore = range.To },
            (_, true) => state with { AllDaysBefore = range.To },
        });
    }
}
