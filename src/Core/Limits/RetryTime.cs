// When a call that does not fit now would: what was settled leaves with its window, what is held is free once its hold runs out, and
// overrides begin and end.
using NodaTime;

namespace Purser.Core;

static class RetryTime
{
    /// <summary>Of more holds than these only the next to run out are looked at: a refusal must not cost more the more are open.</summary>
    const int MostHolds = 256;

    /// <summary>Held in a slot of the counter until a hold runs out. <see cref="ToLender"/>: what pays for the call gets it back then, and
    /// has it for the call.</summary>
    readonly record struct Freed(Instant At, int Slot, long Amount, bool ToLender);

    /// <summary>The first moment at which the amount fits if nobody else takes or settles anything; null where waiting can not
    /// help.</summary>
    public static Instant? FitsAt(BudgetState state, in MatchingLimit match, long requested, Instant now, Hold? lender)
    {
        if (match.Allowed is not { } allowed) return null;
        var slots = match.Counter?.Slots ?? [];
        if (state.Overrides.Count == 0 && (slots.Count == 0 || requested > GraceRules.Most(match.Limit, allowed))) return null;
        var freed = FreedIn(state, match, slots, lender);
        var freedOf = new Int128[slots.Count];
        // The hold that pays pays for no more than the call needs.
        Int128 unpaid = requested;
        for (var i = 0; i < freedOf.Length; i++) unpaid -= freedOf[i] = match.CreditIn(slots[i].Span.Start);
        var next = 0;
        foreach (var moment in slots.Select(slot => slot.Span.End).Concat(freed.Select(one => one.At))
            .Concat(OverrideRules.Turns(state, match.Limit, match.Key)).Where(at => at > now && at < Span.Always.End).Order())
        {
            for (; next < freed.Count && freed[next].At <= moment; next++)
            {
                var part = freed[next].ToLender ? Int128.Min(freed[next].Amount, unpaid) : freed[next].Amount;
                freedOf[freed[next].Slot] += part;
                if (freed[next].ToLender) unpaid -= part;
            }
            Int128 used = requested;
            for (var i = 0; i < freedOf.Length; i++)
                if (slots[i] is var slot && slot.Span.Contains(moment)) used += slot.Settled + slot.Held - freedOf[i];
            if (used <= MostAt(state, match, moment)) return moment;
        }
        return null;
    }

    /// <summary>What the limit allows at a moment: with the overrides of that time, and with the grace of its window.</summary>
    static Int128? MostAt(BudgetState state, in MatchingLimit match, Instant moment)
    {
        var amount = OverrideRules.Allowed(state, match.Limit, match.Key, moment);
        if (amount is not { } allowed || match.Limit.Grace is null) return amount;
        var window = match.Limit.Window.Kind == WindowKind.Session ? match.Counter?.Running(moment)?.Span ?? new(moment, moment)
            : state.Effective.Calendar.Bounds(match.Limit.Window, moment);
        return GraceRules.Most(match.Limit, match.Counter, window, allowed, moment);
    }

    /// <summary>What runs out next, in order. A hold that is charged then frees nothing.</summary>
    static List<Freed> FreedIn(BudgetState state, in MatchingLimit match, List<Slot> slots, Hold? lender)
    {
        var freed = new List<Freed>();
        var looked = 0;
        foreach (var (_, id) in state.Deadlines)
        {
            if (++looked > MostHolds) break;
            var hold = state.Holds[id];
            if (hold.OnExpiry != ExpiryRule.Release) continue;
            var back = LendingRules.LenderOf(state, hold) is { } itsLender ? LendingRules.Back(itsLender, hold, hold.Booked) : default;
            var returned = ReturnedAt(state, hold, lender);
            foreach (var layer in hold.Layers)
            {
                var part = Amounts.Min(layer.Left, back);
                back -= part;
                for (var i = 0; i < layer.Touches.Count; i++)
                    if (layer.Touches[i] is var touch && touch.No == match.State.No && touch.Key == match.Key
                        && slots.FindIndex(slot => slot.Span.Start == touch.Span.Start) is >= 0 and var at)
                    {
                        freed.Add(new(hold.ExpiresAt, at, (layer.Left - part).Of(match.Limit.Unit), false));
                        if (returned is var (when, toLender)) freed.Add(new(when, at, part.Of(match.Limit.Unit), toLender));
                    }
            }
        }
        freed.Sort((a, b) => a.At.CompareTo(b.At));
        return freed;
    }

    /// <summary>When what returns from a hold to the one that lent it is free, or comes to the one that pays for the call; null where it is
    /// charged before.</summary>
    static (Instant At, bool ToLender)? ReturnedAt(BudgetState state, Hold hold, Hold? lender)
    {
        while (hold.OnExpiry == ExpiryRule.Release)
        {
            if (LendingRules.LenderOf(state, hold) is not { } next || next.ExpiresAt <= hold.ExpiresAt) return (hold.ExpiresAt, false);
            if (next == lender) return (hold.ExpiresAt, true);
            hold = next;
        }
        return null;
    }
}
