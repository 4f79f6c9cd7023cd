// Grace: for some minutes after a hard limit is reached, calls may go so many percent beyond it. It begins with the first call that the
// limit alone would refuse, once in a window, and is announced.
using NodaTime;

namespace Purser.Core;

static class GraceRules
{
    /// <summary>What admission allows: the amount, and what grace adds to it while it has not begun or has not ended.</summary>
    public static Int128 Most(Limit limit, Counter? counter, Span window, Int128 allowed, Instant now)
    {
        if (limit.Grace is null) return allowed;
        return UntilIn(counter, window) is { } until && now >= until ? allowed : Most(limit, allowed);
    }

    /// <summary>The same in a window whose grace has not begun.</summary>
    public static Int128 Most(Limit limit, Int128 allowed) =>
        limit.Grace is { } grace ? allowed + (Int128)((decimal)allowed * grace.Percent / 100) : allowed;

    /// <summary>When the grace of a window ends; null where it has not begun.</summary>
    public static Instant? UntilIn(Counter? counter, Span window) =>
        counter?.GraceUntil is { } until && counter.GraceIn == window.Start ? until : null;

    /// <summary>What begins with some events: the grace of each limit that they went beyond.</summary>
    public static IReadOnlyList<BudgetEvent> After(BudgetState state, IReadOnlyList<BudgetEvent> events, Instant now)
    {
        if (!state.Effective.HasGrace) return [];
        List<BudgetEvent>? began = null;
        foreach (var happened in events)
        {
            var touches = happened switch
            {
                Held held => held.Touches,
                HoldExtended extended => extended.Touches,
                _ => [],
            };
            foreach (var touch in touches)
            {
                if (state.LimitNo(touch.No) is not { Limit: { Grace: { } grace, Mode: LimitMode.Enforce } } limit) continue;
                var match = Admission.Look(state, limit, touch.Key, now);
                if (match.Allowed is not { } allowed || match.Settled + match.Held <= allowed
                    || UntilIn(match.Counter, match.Span) is not null) continue;
                (began ??= []).Add(new GraceBegan(limit.No, limit.Limit.Id, touch.Key, match.Span,
                    now + Duration.FromMinutes(grace.Minutes), grace.Percent) { At = now });
            }
        }
        return began ?? [];
    }

    public static void Apply(BudgetState state, GraceBegan began)
    {
        if (state.LimitNo(began.No)?.Find(began.Key) is not { } counter) return;
        (counter.GraceIn, counter.GraceUntil) = (began.Window.Start, began.Until);
    }
}
