// When a call that does not fit now would: what was settled leaves with its window, and what is held is free once its hold runs out.
using NodaTime;

namespace Purser.Core;

static class RetryTime
{
    /// <summary>Of more holds than these only the next to run out are looked at: a refusal must not cost more the more are open.</summary>
    const int MostHolds = 256;

    /// <summary>Held in a slot of the counter until a hold runs out.</summary>
    readonly record struct Freed(Instant At, int Slot, long Amount);

    /// <summary>The first moment at which the amount fits if nobody else takes or settles anything; null where waiting can not
    /// help.</summary>
    public static Instant? FitsAt(BudgetState state, in MatchingLimit match, long requested, Instant now)
    {
        if (match.Counter is not { } counter || (requested > match.Allowed && state.Overrides.Count == 0)) return null;
        var freed = FreedIn(state, match, counter);
        var freedOf = new Int128[counter.Slots.Count];
        var next = 0;
        foreach (var moment in counter.Slots.Select(slot => slot.Span.End).Concat(freed.Select(one => one.At))
            .Where(at => at > now && at < Span.Always.End).Order())
        {
            for (; next < freed.Count && freed[next].At <= moment; next++) freedOf[freed[next].Slot] += freed[next].Amount;
            Int128 used = requested;
            for (var i = 0; i < freedOf.Length; i++)
                if (counter.Slots[i] is var slot && slot.Span.Contains(moment)) used += slot.Settled + slot.Held - freedOf[i];
            if (used <= OverrideRules.Allowed(state, match.Limit, match.Key, moment)) return moment;
        }
        return null;
    }

    /// <summary>What runs out next, in order. A hold that is charged then frees nothing.</summary>
    static List<Freed> FreedIn(BudgetState state, in MatchingLimit match, Counter counter)
    {
        var freed = new List<Freed>();
        var looked = 0;
        foreach (var (expiresAt, id) in state.Deadlines)
        {
            if (++looked > MostHolds) break;
            var hold = state.Holds[id];
            if (hold.OnExpiry != ExpiryRule.Release) continue;
            foreach (var layer in hold.Layers)
                for (var i = 0; i < layer.Touches.Count; i++)
                    if (layer.Touches[i] is var touch && touch.No == match.State.No && touch.Key == match.Key
                        && counter.Slots.FindIndex(slot => slot.Span.Start == touch.Span.Start) is >= 0 and var at)
                        freed.Add(new(expiresAt, at, layer.Left.Of(match.Limit.Unit)));
        }
        return freed;
    }
}
