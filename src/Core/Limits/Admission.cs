// Whether an amount fits every limit that matches it, in one look at all of them; and what could be done where it does not.
using NodaTime;

namespace Purser.Core;

/// <summary>What the limits say about a call, in one look at all of them.</summary>
readonly struct Verdict
{
    public Verdict(MatchingLimits matches, ResolvedEstimate estimate)
    {
        Fits = CanBeDegraded = true;
        foreach (ref readonly var match in matches.All)
        {
            var bearing = match.Bearing;
            if (bearing == Bearing.None) continue;
            var (decides, unit) = (bearing == Bearing.Decides, match.Limit.Unit);
            if (decides && Silence is null && !estimate.Knows(unit)) Silence = Admission.Silence(match.Limit, estimate);
            if (match.Missing(estimate.Amounts.Of(unit)) == 0) continue;
            Fits &= !decides;
            CanBeDegraded &= !decides || match.Limit.Enforcement != Enforcement.Hard;
            IsShadowed |= bearing == Bearing.Shadows;
            IsWarned |= bearing == Bearing.Warns;
        }
    }

    public bool Fits { get; }

    /// <summary>Whether only adaptive limits stand in its way; a hard one refuses, whatever could be changed.</summary>
    public bool CanBeDegraded { get; }

    /// <summary>Whether a limit that never refuses would have refused it.</summary>
    public bool IsShadowed { get; }

    /// <summary>Whether it goes beyond a soft limit.</summary>
    public bool IsWarned { get; }

    /// <summary>A limit must decide, but the estimate says nothing about its unit.</summary>
    public Outcome? Silence { get; }
}

static class Admission
{
    public static string KeyOf(LimitState limit, Dimensions call, string? canonicalModel) =>
        limit.Limit.Window.Kind == WindowKind.Session ? call.Session ?? "" : limit.Matcher.Key(call, canonicalModel);

    public static MatchingLimit Look(BudgetState state, LimitState limit, string key, Instant now)
    {
        var counter = limit.Find(key);
        // A session goes on from its first call as long as the next one comes in time.
        var span = limit.Limit.Window.Kind == WindowKind.Session
            ? new(counter?.Running(now)?.Span.Start ?? now, now + Calendar.SessionIdle) : SpanAt(state, limit, now);
        var allowed = OverrideRules.Allowed(state, limit.Limit, key, now);
        var match = new MatchingLimit(limit, key, span, allowed, counter)
        {
            Most = allowed is { } amount ? GraceRules.Most(limit.Limit, counter, span, amount, now) : 0,
        };
        match.Read(now);
        return match;
    }

    /// <summary>The window of an instant, for all windows but those of sessions.</summary>
    public static Span SpanAt(BudgetState state, LimitState limit, Instant at)
    {
        if (limit.CurrentHolds(at)) return limit.Current;
        return limit.Current = state.Effective.Calendar.Bounds(limit.Limit.Window, at);
    }

    public static Outcome Silence(Limit limit, ResolvedEstimate estimate)
    {
        if (limit.Unit == LimitUnit.Cost)
            return Outcome.Unprocessable(estimate.Dimensions.Model is null
                ? "cost" : "model", $"limit '{limit.Id}': {estimate.CostProblem}");
        var field = limit.Unit == LimitUnit.InputTokens || !estimate.InputKnown ? "inputTokens" : "maxOutputTokens";
        return Outcome.Unprocessable(field,
            $"limit '{limit.Id}' counts {Names.Of(limit.Unit)} and matches this call: give `tokens`, or `inputTokens` with "
                + $"`maxOutputTokens`");
    }

    /// <summary>The limits of one bearing that the call does not fit. Waiting does not help beyond <paramref name="until"/>.</summary>
    public static Blocker[] Blockers(BudgetState state, MatchingLimits matches, Amounts requested, Instant now, Bearing bearing,
        Instant? until = null)
    {
        var blockers = new List<Blocker>();
        foreach (ref readonly var match in matches.All)
        {
            if (match.Bearing != bearing) continue;
            var amount = requested.Of(match.Limit.Unit);
            if (match.Missing(amount) == 0) continue;
            var fits = RetryTime.FitsAt(state, match, amount, now, matches.Lender);
            if (fits >= until) fits = null;
            blockers.Add(new(
                ViewRules.View(state, match, now), new(match.Limit.Unit, amount), fits is { } at ? CeilingSeconds(at - now) : null, fits));
        }
        return [.. blockers];
    }

    public static long CeilingSeconds(Duration duration) => (duration.TotalMilliseconds() + 999) / 1000;

    /// <summary>What the caller could do about a refusal: ask for less output, for another model, wait, or have a limit raised.</summary>
    public static List<Suggestion> Suggestions(in Call call, Blocker[] blockers, EffectivePolicy policy, Func<Estimate, Call> look,
        Instant now)
    {
        var suggestions = new List<Suggestion>();
        if (LargestOutputThatFits(call.Matches, call.Estimate) is { } output
            && look(call.Asked with { MaxOutputTokens = output }).IsAdmissible)
            suggestions.Add(new("reduceMaxOutputTokens") { MaxOutputTokens = output });
        foreach (var model in policy.FallbackModels)
        {
            var other = DegradationRules.Fallback(call.Asked, model, look);
            if (!other.IsAdmissible || !other.HoldsThePrompt) continue;
            suggestions.Add(new("useModel")
            {
                Provider = other.Estimate.Dimensions.Provider,
                Model = other.Estimate.Dimensions.Model,
                Cost = other.Estimate.CostKnown ? Money.Format(other.Estimate.Amounts.CostNanos) : null,
            });
        }
        if (blockers.All(blocker => blocker.FitsAt is not null))
        {
            var until = blockers.Max(blocker => blocker.FitsAt!.Value);
            suggestions.Add(new("wait") { Seconds = CeilingSeconds(until - now), Until = until });
        }
        foreach (ref readonly var match in call.Matches.All)
        {
            var missing = match.Decides ? match.Missing(call.Estimate.Amounts.Of(match.Limit.Unit)) : 0;
            if (missing > 0)
                suggestions.Add(new("requestOverride") { LimitId = match.Limit.Id, Additional = new(match.Limit.Unit, missing) });
        }
        return suggestions;
    }

    /// <summary>The largest maximum of output, below the one that was asked for, with which the call would fit everything; null where none
    /// would.</summary>
    public static long? LargestOutputThatFits(MatchingLimits matches, ResolvedEstimate estimate)
    {
        if (estimate.PlainTokens || estimate.OwnOutput <= 1) return null;
        Int128 most = estimate.OwnOutput - 1;
        foreach (ref readonly var match in matches.All)
        {
            if (!match.Decides) continue;
            var left = match.Most - match.Settled - match.Held;
            var requested = estimate.Amounts.Of(match.Limit.Unit);
            if (requested == 0) continue;
            switch (match.Limit.Unit)
            {
                case LimitUnit.Tokens: most = Int128.Min(most, left - (estimate.Amounts.Tokens - estimate.OwnOutput)); break;
                case LimitUnit.OutputTokens: most = Int128.Min(most, left - estimate.OfLines.OutputTokens); break;
                case LimitUnit.Cost when estimate.CostOfOutput is { } costOf && requested > left: most = LargestWithin(
                    left, costOf, most); break;
                default:
                    if (requested > left) return null;
                    break;
            }
        }
        return most >= 1 ? (long)most : null;
    }

    /// <summary>More output never costs less, so halving finds the most of it that costs no more than is left.</summary>
    internal static Int128 LargestWithin(Int128 left, Func<long, long?> costOf, Int128 most)
    {
        var (fits, beyond) = (0L, (long)Int128.Max(0, most) + 1);
        while (beyond - fits > 1)
        {
            var middle = fits + (beyond - fits) / 2;
            if (costOf(middle) <= left) fits = middle;
            else beyond = middle;
        }
        return fits;
    }
}
