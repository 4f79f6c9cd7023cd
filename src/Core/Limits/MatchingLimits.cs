// The limits that a call falls under, found once for each command: what decides, what events touch and what is answered are all made of
// them.
using NodaTime;

namespace Purser.Core;

/// <summary>What a limit does about a call that does not fit: it decides, it would have decided were it not in shadow mode, or it
/// warns.</summary>
enum Bearing { None, Decides, Shadows, Warns }

/// <summary>A limit that matches a call, with the counter it falls on and what is allowed and used there now.</summary>
struct MatchingLimit(LimitState limit, string key, Span span, Int128? allowed, Counter? counter)
{
    public readonly LimitState State => limit;
    public readonly Limit Limit => limit.Limit;
    public readonly string Key => key;
    public readonly Span Span => span;
    public readonly Int128? Allowed => allowed;
    public readonly Counter? Counter => counter;

    /// <summary>What may be used and held: the amount, with what grace adds to it.</summary>
    public Int128 Most { get; init; }
    public Int128 Settled { get; private set; }
    public Int128 Held { get; private set; }

    public readonly bool Decides => limit.Limit is { Mode: LimitMode.Enforce, Enforcement: not Enforcement.Soft } && allowed is not null;
    public readonly bool Shadows => limit.Limit is { Mode: LimitMode.Shadow, Enforcement: not Enforcement.Soft } && allowed is not null;

    public readonly bool Warns => limit.Limit is { Mode: LimitMode.Enforce, Enforcement: Enforcement.Soft } && allowed is not null;

    /// <summary>What the limit does about a call that does not fit.</summary>
    public readonly Bearing Bearing => Decides ? Bearing.Decides : Shadows ? Bearing.Shadows : Warns ? Bearing.Warns : Bearing.None;

    /// <summary>How much is missing for <paramref name="requested"/>; 0 where it fits. An exact fit is admitted, and nothing always
    /// fits.</summary>
    public readonly Int128 Missing(long requested) =>
        requested == 0 || allowed is null ? 0 : Int128.Max(0, Settled + Held + requested - Most);

    /// <summary>A window of one request looks at each call alone: nothing is counted.</summary>
    public readonly bool Counts => limit.Limit.Window.Kind != WindowKind.Request;

    public readonly Touch Touch => new(limit.No, key, span);

    /// <summary>What is held here by another and given to this call: it is not in its way.</summary>
    public void Credit(Instant slot, long amount)
    {
        Held -= amount;
        (credits ??= []).Add((slot, amount));
    }

    List<(Instant Slot, long Amount)>? credits;

    /// <summary>What of a slot is given to this call.</summary>
    public readonly Int128 CreditIn(Instant slot)
    {
        Int128 sum = 0;
        foreach (var (start, amount) in credits ?? [])
            if (start == slot) sum += amount;
        return sum;
    }

    /// <summary>Takes over what the counter says now; it may only just have been made.</summary>
    public void Read(Instant now)
    {
        if ((counter ??= limit.Find(key)) is { } known) (Settled, Held) = known.At(now);
    }
}

/// <summary>Matches in one piece, in place: they are large, and looked at several times for each call.</summary>
sealed class MatchingLimits
{
    static readonly MatchingLimits none = new([]);

    MatchingLimit[] all;
    int count;

    MatchingLimits(MatchingLimit[] all) => this.all = all;

    public ReadOnlySpan<MatchingLimit> All => all.AsSpan(0, count);

    public int Count => count;

    /// <summary>Every limit that a call with these dimensions falls under, as used <paramref name="now"/>.</summary>
    public static MatchingLimits Of(BudgetState state, Dimensions call, string? canonicalModel, Instant now)
    {
        if (state.Limits.Count == 0) return none;
        // Policies with very many limits have most of them for others than any one call.
        var matches = new MatchingLimits(new MatchingLimit[Math.Min(state.Limits.Count, UsualCount)]);
        foreach (var limit in state.Limits)
        {
            if (limit.Limit.Mode == LimitMode.Off || !limit.Matcher.Matches(call, canonicalModel)) continue;
            if (matches.count == matches.all.Length) Array.Resize(ref matches.all, 2 * matches.count);
            matches.all[matches.count++] = Admission.Look(state, limit, Admission.KeyOf(limit, call, canonicalModel), now);
        }
        return matches;
    }

    const int UsualCount = 10;

    /// <summary>The hold that pays for the call; null where none does.</summary>
    public Hold? Lender { get; private set; }

    /// <summary>As if the parts of the hold that pays were given back before the call is looked at.</summary>
    public MatchingLimits Without(Hold lender, IEnumerable<(Amounts Part, IReadOnlyList<Touch> Touches)> parts, Instant now)
    {
        Lender = lender;
        foreach (var (part, touches) in parts)
            foreach (ref var match in all.AsSpan(0, count))
                for (var i = 0; i < touches.Count; i++)
                    if (touches[i].No == match.State.No && touches[i].Key == match.Key && match.Counts
                        && IsWithin(touches[i].Span, match, now))
                        match.Credit(touches[i].Span.Start, part.Of(match.Limit.Unit));
        return this;
    }

    /// <summary>A rolling window counts whatever was held in it, in whichever of its steps.</summary>
    static bool IsWithin(Span touched, in MatchingLimit match, Instant now) => match.Limit.Window.Kind == WindowKind.Rolling
        ? touched.Contains(now) : touched.Start == match.Span.Start;

    /// <summary>The same matches once the command's own events have counted.</summary>
    public MatchingLimits Again(Instant now)
    {
        foreach (ref var match in all.AsSpan(0, count)) match.Read(now);
        return this;
    }
}
