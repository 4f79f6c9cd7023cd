// Whether an amount fits every limit that matches it, in one look at all of them; and what could be done where it does not.
using NodaTime;

namespace Purser.Core;

/// <summary>A limit that matches a call, with the counter it falls on and what is allowed and used there now.</summary>
readonly record struct Match(LimitState Limit, string Key, Span Span, Int128? Allowed, Int128 Settled, Int128 Held, Counter? Counter)
{
    public bool Decides => Limit.Limit is { Mode: LimitMode.Enforce, Enforcement: not Enforcement.Soft } && Allowed is not null;
    public bool Shadows => Limit.Limit is { Mode: LimitMode.Shadow, Enforcement: not Enforcement.Soft } && Allowed is not null;

    /// <summary>How much is missing for <paramref name="requested"/>; 0 where it fits. An exact fit is admitted, and nothing always fits.</summary>
    public Int128 Missing(long requested) =>
        requested == 0 || Allowed is not { } allowed ? 0 : Int128.Max(0, Settled + Held + requested - allowed);

    public Touch Touch => new(Limit.No, Key, Span);
}

static class Admission
{
    /// <summary>Every limit that a call with these dimensions falls under, in the windows of <paramref name="at"/>, as used <paramref name="now"/>.</summary>
    public static List<Match> Matches(BudgetState state, Dimensions call, string? canonicalModel, Instant at, Instant now)
    {
        if (state.Limits.Count == 0) return none;
        var matches = new List<Match>(state.Limits.Count);
        foreach (var limit in state.Limits)
        {
            if (limit.Limit.Mode == LimitMode.Off || !limit.Matcher.Matches(call, canonicalModel)) continue;
            if (limit.Limit.Window.Kind == WindowKind.Session && call.Session is null) continue;
            matches.Add(Look(state, limit, KeyOf(limit, call, canonicalModel), at, now));
        }
        return matches;
    }

    static readonly List<Match> none = [];

    public static string KeyOf(LimitState limit, Dimensions call, string? canonicalModel) =>
        limit.Limit.Window.Kind == WindowKind.Session ? call.Session ?? "" : limit.Matcher.Key(call, canonicalModel);

    public static Match Look(BudgetState state, LimitState limit, string key, Instant at, Instant now)
    {
        var counter = limit.Counters.GetValueOrDefault(key);
        var (settled, held) = counter?.At(now) ?? (0, 0);
        return new(limit, key, SpanOf(state, limit, counter, at), Allowed(state, limit.Limit, key, now), settled, held, counter);
    }

    static Span SpanOf(BudgetState state, LimitState limit, Counter? counter, Instant at)
    {
        if (limit.Limit.Window.Kind == WindowKind.Session)
        {
            // A session goes on from its first call as long as the next one comes in time.
            return new(counter?.Running(at)?.Span.Start ?? at, at + Calendar.SessionIdle);
        }
        if (limit.Limit.Window.Kind == WindowKind.Rolling) return state.Effective.Calendar.Bounds(limit.Limit.Window, at);
        if (!limit.Current.Contains(at)) limit.Current = state.Effective.Calendar.Bounds(limit.Limit.Window, at);
        return limit.Current;
    }

    /// <summary>The limit's amount with the overrides in force for this key; null is unlimited. Cuts end at nothing.</summary>
    public static Int128? Allowed(BudgetState state, Limit limit, string key, Instant now)
    {
        if (limit.Amount is not { } amount) return null;
        foreach (var granted in state.Overrides)
            if (Overriding.Covers(granted.Terms, limit) && (granted.Terms.Key is null || granted.Terms.Key == key) && Overriding.InForce(granted, now))
                amount += granted.Terms.Additional;
        return Int128.Max(0, amount);
    }

    /// <summary>A limit that must decide but about whose unit the estimate says nothing.</summary>
    public static Outcome? Silence(List<Match> matches, ResolvedEstimate estimate)
    {
        foreach (var match in matches)
        {
            var unit = match.Limit.Limit.Unit;
            if (!match.Decides || estimate.Knows(unit)) continue;
            if (unit == LimitUnit.Cost)
                return Outcome.Unprocessable(estimate.Dimensions.Model is null ? "cost" : "model", $"limit '{match.Limit.Limit.Id}': {estimate.CostProblem}");
            var field = unit == LimitUnit.InputTokens || !estimate.InputKnown ? "inputTokens" : "maxOutputTokens";
            return Outcome.Unprocessable(field,
                $"limit '{match.Limit.Limit.Id}' counts {Names.Of(unit)} and matches this call: give `tokens`, or `inputTokens` with `maxOutputTokens`");
        }
        return null;
    }

    public static List<Blocker> Blockers(BudgetState state, List<Match> matches, Amounts requested, Instant now, bool shadow = false)
    {
        List<Blocker>? blockers = null;
        foreach (var match in matches)
        {
            if (!(shadow ? match.Shadows : match.Decides)) continue;
            var amount = requested.Of(match.Limit.Limit.Unit);
            if (match.Missing(amount) == 0) continue;
            var fits = FitsAt(match, amount, now);
            (blockers ??= []).Add(new(
                Viewing.View(state, match, now), new(match.Limit.Limit.Unit, amount), fits is { } at ? CeilingSeconds(at - now) : null, fits));
        }
        return blockers ?? [];
    }

    /// <summary>When enough has left the window for the amount to fit, if nobody else takes it; null where waiting can not help.</summary>
    static Instant? FitsAt(Match match, long requested, Instant now)
    {
        if (requested > match.Allowed || match.Counter is not { } counter) return null;
        foreach (var end in counter.Slots.Select(slot => slot.Span.End).Where(end => end > now && end < Span.Always.End).Order())
        {
            var (settled, held) = counter.At(end);
            if (settled + held + requested <= match.Allowed) return end;
        }
        return null;
    }

    public static long CeilingSeconds(Duration duration) => (duration.TotalMilliseconds() + 999) / 1000;

    /// <summary>What the caller could do about a refusal: ask for less output, for another model, wait, or have a limit raised.</summary>
    public static List<Suggestion> Suggestions(in Call call, List<Blocker> blockers, EffectivePolicy policy, Func<Estimate, Call> look, Instant now)
    {
        var suggestions = new List<Suggestion>();
        if (LargestOutputThatFits(call.Matches, call.Estimate) is { } output) suggestions.Add(new("reduceMaxOutputTokens") { MaxOutputTokens = output });
        foreach (var model in policy.FallbackModels)
        {
            var other = Degrading.Fallback(call.Asked, model, look);
            if (!other.IsAdmissible) continue;
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
        foreach (var match in call.Matches)
        {
            var missing = match.Decides ? match.Missing(call.Estimate.Amounts.Of(match.Limit.Limit.Unit)) : 0;
            if (missing > 0)
                suggestions.Add(new("requestOverride") { LimitId = match.Limit.Limit.Id, Additional = new(match.Limit.Limit.Unit, missing) });
        }
        return suggestions;
    }

    /// <summary>The largest maximum of output, below the one that was asked for, with which the call would fit everything; null where none would.</summary>
    public static long? LargestOutputThatFits(List<Match> matches, ResolvedEstimate estimate)
    {
        if (estimate.PlainTokens || estimate.Amounts.OutputTokens <= 1) return null;
        Int128 most = estimate.Amounts.OutputTokens - 1;
        foreach (var match in matches)
        {
            if (!match.Decides) continue;
            var left = match.Allowed!.Value - match.Settled - match.Held;
            var requested = estimate.Amounts.Of(match.Limit.Limit.Unit);
            if (requested == 0) continue;
            switch (match.Limit.Limit.Unit)
            {
                case LimitUnit.Tokens: most = Int128.Min(most, left - estimate.Amounts.InputTokens); break;
                case LimitUnit.OutputTokens: most = Int128.Min(most, left); break;
                case LimitUnit.Cost when estimate.CostOfOutput is { } costOf && requested > left: most = LargestWithin(left, costOf, most); break;
                default:
                    if (requested > left) return null;
                    break;
            }
        }
        return most >= 1 ? (long)most : null;
    }

    /// <summary>More output never costs less, so halving finds the most of it that costs no more than is left.</summary>
    static Int128 LargestWithin(Int128 left, Func<long, long?> costOf, Int128 most)
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

/// <summary>The names of enums as they are written in JSON.</summary>
public static class Names
{
    public static string Of(LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => "tokens",
        LimitUnit.InputTokens => "inputTokens",
        LimitUnit.OutputTokens => "outputTokens",
        LimitUnit.Cost => "cost",
        _ => "requests",
    };
}
