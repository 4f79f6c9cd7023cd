// A call that is paid out of another hold: what was lent to an agent pays for the agent's calls. The call is a hold like any other, under
// its own limits and in the windows of its own time; what it takes leaves the lending hold, and what it does not use returns there.
using NodaTime;

namespace Purser.Core;

static class LendingRules
{
    /// <summary>The call that a command holds for; what it does not say of itself is as the lending hold says.</summary>
    public static Dimensions CallOf(BudgetState state, Reserve command) =>
        command.From is { } from && state.Holds.TryGetValue(from, out var lender)
            ? lender.Dimensions.With(command.Estimate.Dimensions) : command.Estimate.Dimensions;

    /// <summary>The hold that is to pay; otherwise why there is none that can.</summary>
    public static (Hold? Lender, Outcome? Problem) Find(BudgetState state, string from)
    {
        if (!state.Holds.TryGetValue(from, out var lender))
            return (null, new(OutcomeStatus.NotFound, null, "from", $"there is no reservation '{from}' in this account"));
        return lender.State == ReservationState.Active ? (lender, null) : (null, new(OutcomeStatus.Refused,
            new Decision(false, ViewRules.View(state, lender), [], [], [], []), "from",
            $"reservation '{from}' was to pay for this call and is {ReservationRules.Word(lender.State)}: nothing is left of it"));
    }

    /// <summary>What the call takes out of the hold that pays. What that does not have of a unit is taken out of the limits.</summary>
    public static Amounts Taken(Hold lender, Amounts needed) => Amounts.Min(lender.Left, As(lender, needed));

    /// <summary>Plain tokens are held whole as input and as output.</summary>
    static Amounts As(Hold lender, Amounts amounts) =>
        lender.PlainTokens ? amounts with { InputTokens = amounts.Tokens, OutputTokens = amounts.Tokens } : amounts;

    /// <summary>The limits of a call as they would be, had the hold that pays given back before what the call takes out of it.</summary>
    public static MatchingLimits Freed(MatchingLimits matches, Hold? lender, Amounts needed, Instant now) =>
        lender is null ? matches : matches.Without(lender, Parts(lender, Taken(lender, needed)), now);

    static IEnumerable<(Amounts Part, IReadOnlyList<Touch> Touches)> Parts(Hold lender, Amounts taken)
    {
        foreach (var layer in lender.Layers)
        {
            var part = Amounts.Min(layer.Left, taken);
            if (part == default) continue;
            taken -= part;
            yield return (part, layer.Touches);
        }
    }

    /// <summary>Why the hold can not pay for so much; null where it can. Of a unit that it never held it says nothing.</summary>
    public static string? WhyNot(Hold lender, ResolvedEstimate estimate)
    {
        var (left, reserved, needed) = (lender.Left, lender.Reserved, estimate.Amounts);
        var running = lender.Lent.Tokens > 0 ? $", and {lender.Lent.Tokens} are held for its calls that run" : "";
        if (reserved.Tokens > 0 && needed.Tokens > left.Tokens)
            return $"reservation '{lender.Id}' pays for this call and has {left.Tokens} of {reserved.Tokens} tokens left{running}; "
                + $"{needed.Tokens} are needed";
        return reserved.CostNanos > 0 && needed.CostNanos > left.CostNanos
            ? $"reservation '{lender.Id}' pays for this call and has {Money.Format(left.CostNanos)} of {Money.Format(reserved.CostNanos)} "
                + $"{lender.Currency} left; {Money.Format(needed.CostNanos)} are needed" : null;
    }

    /// <summary>The largest maximum of output, below the one that was asked for, for which the hold could pay; null where there is
    /// none.</summary>
    public static long? MostOutput(Hold lender, ResolvedEstimate estimate)
    {
        if (estimate.PlainTokens) return null;
        Int128 most = estimate.OwnOutput - 1;
        if (lender.Reserved.Tokens > 0) most = Int128.Min(most, lender.Left.Tokens - (estimate.Amounts.Tokens - estimate.OwnOutput));
        if (lender.Reserved.CostNanos > 0 && estimate.Amounts.CostNanos > lender.Left.CostNanos)
            most = estimate.CostOfOutput is { } costOf ? Admission.LargestWithin(lender.Left.CostNanos, costOf, most) : 0;
        return most >= 1 ? (long)most : null;
    }

    /// <summary>Moves what a call takes from the lending hold to the call's own; the call's own counts by itself.</summary>
    public static void Take(BudgetState state, Hold call, Amounts taken)
    {
        if (taken == default || LenderOf(state, call) is not { } lender) return;
        ReservationRules.GiveBack(state, lender, taken);
        lender.Lent += taken;
        call.Taken += taken;
    }

    /// <summary>
    /// A call is over: what it took and did not use returns to the hold that it came from, where it stands in the call's windows; what
    /// it used beyond that is paid from the rest there. A hold that has ended meanwhile gets nothing: all is given back to the limits.
    /// </summary>
    public static void Return(BudgetState state, Hold call, Amounts used)
    {
        if (call.From is null || LenderOf(state, call) is not { } lender) return;
        used = As(lender, used);
        var (back, beyond) = (Back(lender, call, used), NotBelowZero(used - call.Taken));
        lender.Lent -= call.Taken;
        lender.Booked = Amounts.Min(lender.Booked + used, Amounts.Most);
        lender.RequestBooked |= call.Taken.Requests > 0 && used.Requests > 0;
        call.Taken = default;
        ReservationRules.GiveBack(state, lender, beyond with { Requests = 0 });
        foreach (var layer in call.Layers)
        {
            var part = Amounts.Min(layer.Left, back);
            if (part == default) continue;
            layer.Left -= part;
            back -= part;
            Put(lender, part, layer, call);
        }
        lender.Layers.RemoveAll(layer => layer.Left == default);
    }

    /// <summary>What returns to the lending hold where the call is over and has used so much; the rest goes to the limits.</summary>
    public static Amounts Back(Hold lender, Hold call, Amounts used) => NotBelowZero(call.Taken - As(lender, used));

    /// <summary>Into the layer that counts in the same places, where there is one.</summary>
    static void Put(Hold lender, Amounts part, HoldLayer from, Hold call)
    {
        var dimensions = from.Dimensions ?? call.Dimensions;
        foreach (var known in lender.Layers)
            if ((known.Dimensions ?? lender.Dimensions) == dimensions && known.Touches.SequenceEqual(from.Touches))
            {
                known.Left += part;
                return;
            }
        lender.Layers.Add(new() { At = from.At ?? call.CreatedAt, Dimensions = dimensions, Left = part, Touches = from.Touches });
    }

    public static Hold? LenderOf(BudgetState state, Hold call) =>
        call.From is { } from && state.Holds.TryGetValue(from, out var lender) && lender.State == ReservationState.Active ? lender : null;

    static Amounts NotBelowZero(Amounts amounts) => amounts - Amounts.Min(amounts, default);
}
