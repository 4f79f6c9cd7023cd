// Adaptive limits: what of a call can be changed so that it fits. Measures are added in the policy's order until it does.
using System.Text.Json.Serialization;

namespace Purser.Core;

/// <summary>Ways to make a call smaller.</summary>
public enum DegradationMeasure
{
    /// <summary>The largest maximum of output that fits, not below the policy's least.</summary>
    [JsonStringEnumMemberName("reduce_max_tokens")]
    ReduceMaxTokens,

    /// <summary>One of the policy's fallback models; limits are matched anew.</summary>
    [JsonStringEnumMemberName("use_smaller_model")]
    UseSmallerModel,

    /// <summary>Without the tokens of the tool definitions.</summary>
    [JsonStringEnumMemberName("disable_tools")]
    DisableTools,

    /// <summary>Saves nothing by itself: a call that had to be changed anyway is also made less inventive.</summary>
    [JsonStringEnumMemberName("reduce_temperature")]
    ReduceTemperature,
}

/// <summary>How adaptive limits degrade a call; null means "not said here".</summary>
public sealed record AdaptiveSettings(
    IReadOnlyList<DegradationMeasure>? Measures = null, IReadOnlyList<string>? FallbackModels = null, long? MinOutputTokens = null);

/// <summary>What the caller has to change so that the call is the one that was admitted; null where it stays as it was asked for.</summary>
public sealed record CallChanges(
    string? Provider, string? Model, long? MaxOutputTokens, bool DisableTools, decimal? Temperature,
        IReadOnlyList<DegradationMeasure> Measures, string? Saving);

/// <summary>A call as it would be made: its estimate in every unit, the limits that it falls under, and what they say.</summary>
readonly record struct Call(Estimate Asked, ResolvedEstimate Estimate, MatchingLimits Matches)
{
    public Verdict Verdict { get; } = new(Matches, Estimate);

    /// <summary>Also says something about every unit that decides.</summary>
    public bool IsAdmissible => Verdict is { Fits: true, Silence: null };

    /// <summary>Whether the model has room for the prompt; one whose context window is not known is taken to have it.</summary>
    public bool HoldsThePrompt => !(Estimate.OwnInput > Estimate.ContextWindow);

    /// <summary>Whether this call needs less than another of a limit that stands in the other's way, or does not fall under that
    /// limit.</summary>
    public bool Eases(in Call other)
    {
        foreach (ref readonly var blocking in other.Matches.All)
        {
            var missing = blocking.Decides ? blocking.Missing(other.Estimate.Amounts.Of(blocking.Limit.Unit)) : 0;
            if (missing > 0 && Missing(blocking) < missing) return true;
        }
        return false;
    }

    Int128 Missing(in MatchingLimit limit)
    {
        foreach (ref readonly var match in Matches.All)
            if (match.State == limit.State && match.Key == limit.Key) return match.Missing(Estimate.Amounts.Of(match.Limit.Unit));
        return 0;
    }
}

static class DegradationRules
{
    public const long UsualMinOutputTokens = 50;
    public const int MostFallbackModels = 16;

    /// <summary>Above this a temperature is lowered to it: answers stay useful and become steadier.</summary>
    public const decimal LoweredTemperature = 0.3m;

    public static readonly IReadOnlyList<DegradationMeasure> UsualMeasures = [DegradationMeasure.ReduceMaxTokens,
        DegradationMeasure.UseSmallerModel, DegradationMeasure.DisableTools];

    /// <summary>
    /// The changed call that fits every limit, and the changes; null where all of the policy's measures together do not make it fit. A
    /// measure that does not ease a limit that blocks is not taken, and the output is only reduced as far as the other measures leave it
    /// necessary.
    /// </summary>
    public static (Call Call, CallChanges Changes)? Fit(in Call asked, EffectivePolicy policy, Func<Estimate, Call> look)
    {
        if (!asked.Verdict.CanBeDegraded) return null;
        var estimate = asked.Asked;
        var (reduce, smaller) = (false, false);
        foreach (var measure in policy.Measures)
        {
            switch (measure)
            {
                case DegradationMeasure.ReduceMaxTokens: reduce = true; break;
                case DegradationMeasure.UseSmallerModel: smaller = true; break;
                case DegradationMeasure.DisableTools when WithoutTools(asked, estimate, look) is { } without: estimate = without; break;
                default: continue;
            }
            var same = look(Repriced(asked, estimate, look));
            if (smaller)
                foreach (var model in policy.FallbackModels)
                    if (Fallback(estimate, model, look) is var other && other.Eases(same) && other.HoldsThePrompt
                        && Reduced(asked, other, reduce, policy, look) is { } fallback)
                        return fallback;
            if (Reduced(asked, same, reduce, policy, look) is { } fitting) return fitting;
        }
        return null;
    }

    static Estimate? WithoutTools(in Call asked, Estimate estimate, Func<Estimate, Call> look)
    {
        if (estimate.ToolTokens is not > 0) return null;
        var without = estimate with
        {
            Tokens = estimate.Tokens - estimate.ToolTokens, InputTokens = estimate.InputTokens - estimate.ToolTokens, ToolTokens = null,
            Lines = null,
        };
        return look(Repriced(asked, without, look)).Eases(look(Repriced(asked, estimate, look))) ? without : null;
    }

    static (Call, CallChanges)? Reduced(in Call asked, Call call, bool reduce, EffectivePolicy policy, Func<Estimate, Call> look)
    {
        if (call.IsAdmissible) return (call, Changes(asked, call, policy));
        if (!reduce || Admission.LargestOutputThatFits(call.Matches, call.Estimate) is not { } output || output < policy.MinOutputTokens)
            return null;
        call = look(call.Asked with { MaxOutputTokens = output });
        return call.IsAdmissible ? (call, Changes(asked, call, policy)) : null;
    }

    /// <summary>The same call of a fallback model, which is named as `provider/model` or as a model alone.</summary>
    public static Call Fallback(Estimate estimate, string model, Func<Estimate, Call> look)
    {
        var call = look(estimate with { Dimensions = estimate.Dimensions with { Provider = null, Model = model }, CostNanos = null });
        return call.Estimate.CanonicalModel is { } canonical && canonical != model
            ? look(call.Asked with { Dimensions = call.Estimate.Dimensions with { Model = canonical } }) : call;
    }

    /// <summary>
    /// A cost that the caller gave was that of the call as it was asked for: the price book says what the changed one costs; where it does
    /// not know the model, a smaller call of it costs at most the same.
    /// </summary>
    static Estimate Repriced(in Call asked, Estimate estimate, Func<Estimate, Call> look)
    {
        if (estimate.CostNanos is null) return estimate;
        var priced = estimate with { CostNanos = null };
        return look(priced).Estimate is { CostKnown: true, Unpriced: false } known
            && known.Amounts.CostNanos <= asked.Estimate.Amounts.CostNanos ? priced : estimate;
    }

    static CallChanges Changes(in Call asked, in Call call, EffectivePolicy policy)
    {
        var (before, after) = (asked.Estimate, call.Estimate);
        var switched = call.Asked.Dimensions.Model != asked.Asked.Dimensions.Model;
        var reduced = !before.PlainTokens && after.OwnOutput != before.OwnOutput;
        var disabled = call.Asked.ToolTokens != asked.Asked.ToolTokens;
        var lowered = policy.Measures.Contains(DegradationMeasure.ReduceTemperature) && asked.Asked.Temperature > LoweredTemperature;
        return new(
            switched ? after.Dimensions.Provider : null,
            switched ? after.Dimensions.Model : null,
            reduced ? after.OwnOutput : null,
            disabled,
            lowered ? LoweredTemperature : null,
            policy.Measures.Where(measure => measure switch
            {
                DegradationMeasure.ReduceMaxTokens => reduced,
                DegradationMeasure.UseSmallerModel => switched,
                DegradationMeasure.DisableTools => disabled,
                _ => lowered,
            }).ToArray(),
            before.CostKnown && after.CostKnown ? Money.Format(before.Amounts.CostNanos - after.Amounts.CostNanos) : null);
    }
}
