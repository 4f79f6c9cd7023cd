// What a caller expects a call to use, before it is made.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// Either <see cref="Tokens"/>, or <see cref="InputTokens"/> with <see cref="MaxOutputTokens"/>; with provider and model for the money,
/// or <see cref="CostNanos"/> as the caller knows it. <see cref="ToolTokens"/> is the part of the input that tool definitions take.
/// </summary>
public sealed record Estimate
{
    public Dimensions Dimensions { get; init; } = Dimensions.None;
    public long? Tokens { get; init; }
    public long? InputTokens { get; init; }
    public long? MaxOutputTokens { get; init; }

    /// <summary>How many answers the call asks for, null for one. <see cref="MaxOutputTokens"/> is of all of them together; where it is
    /// missing, each may have as many as is usual.</summary>
    public long? Answers { get; init; }
    public long? ToolTokens { get; init; }
    public decimal? Temperature { get; init; }
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }
    public long? CostNanos { get; init; }

    /// <summary>Kinds of tokens inside of what is expected, and units beside it: as many as there can be at most.</summary>
    public UsageParts? Parts { get; init; }

    /// <summary>What other models may use inside of the same call, each at its own price.</summary>
    public IReadOnlyList<UsageLine>? Lines { get; init; }
}

/// <summary>The tokens of an estimate. Plain ones are not told apart into input and output.</summary>
public readonly record struct EstimatedTokens(long InputTokens, long OutputTokens, bool PlainTokens);

/// <summary>An estimate in every unit, and which units it says anything about.</summary>
public sealed record ResolvedEstimate
{
    public required Dimensions Dimensions { get; init; }
    public Amounts Amounts { get; init; }

    /// <summary>Of the amounts what other models may use, which a smaller call does not change.</summary>
    public Amounts OfLines { get; init; }
    public long OwnInput => Amounts.InputTokens - OfLines.InputTokens;
    public long OwnOutput => Amounts.OutputTokens - OfLines.OutputTokens;
    public bool PlainTokens { get; init; }
    public bool InputKnown { get; init; }
    public bool OutputKnown { get; init; }
    public bool CostKnown { get; init; }

    /// <summary>The most tokens that the model takes in, where it is known.</summary>
    public long? ContextWindow { get; init; }

    /// <summary>The model's own name in the price book, where its given name is an alias.</summary>
    public string? CanonicalModel { get; init; }

    /// <summary>What the call would cost with so many output tokens, in nanos; null where the caller gave the cost or there is no
    /// price.</summary>
    public Func<long, long?>? CostOfOutput { get; init; }
    public string? PriceVersion { get; init; }
    public bool Unpriced { get; init; }

    /// <summary>Why the money is not known, for the answer.</summary>
    public string? CostProblem { get; init; }

    public bool Knows(LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => InputKnown && OutputKnown,
        LimitUnit.InputTokens => InputKnown,
        LimitUnit.OutputTokens => OutputKnown,
        LimitUnit.Cost => CostKnown,
        _ => true,
    };

    /// <summary>
    /// Plain tokens count whole against input and output limits. A missing maximum of output is the policy's default, else the model's own,
    /// for each answer.
    /// A cost given by the caller is taken as it is; otherwise the model's price at <paramref name="at"/> decides, or the policy's fallback
    /// price.
    /// </summary>
    public static ResolvedEstimate Of(Estimate estimate, BudgetState state, Settings settings, Instant at, long requests = 1)
    {
        var (policy, prices, dimensions) = (state.Effective, settings.Prices, estimate.Dimensions);
        var terms = PriceTerms.Of(at, estimate.ServiceTier, estimate.Region, estimate.Speed);
        var own = prices.Find(dimensions.Provider, dimensions.Model);
        var listed = own?.At(at);

        var plain = estimate.Tokens is not null;
        var input = estimate.Tokens ?? estimate.InputTokens;
        var output = estimate.Tokens
            ?? estimate.MaxOutputTokens
            ?? (estimate.InputTokens is null ? null : Times(estimate.Answers, policy.DefaultMaxOutputTokens ?? own?.MostOutput));
        Rated? rated = null;
        var (beyond, unpriced) = (false, listed is null);
        PricePeriod? price = null;
        // An estimate of pictures, seconds or searches alone says nothing of tokens, and all of the money.
        var priceable = (input is not null && output is not null) || (estimate.Parts is not null && input is null && output is null);
        if (priceable)
        {
            rated = Rate(listed, output ?? 0);
            // No rate for text at all (a model that is priced by the image), or none into the account's currency.
            unpriced = rated is null;
            if (rated is not null) price = listed;
            else if (policy.UnpricedRule == UnpricedRule.Fallback && prices.Find(null, policy.FallbackModel)?.At(at) is { } fallback
                && (rated = Rate(fallback, output ?? 0)) is not null)
                price = fallback;
        }
        var (lines, unlisted) = LinesOf(estimate, state, settings, at);
        unpriced |= unlisted is not null;
        var cost = estimate.CostNanos ?? (unlisted is null ? rated?.Nanos + lines.CostNanos : null);

        Rated? Rate(PricePeriod? by, long outputTokens)
        {
            if (by is null) return null;
            var exact = by.Cost(new EstimatedTokens(input ?? 0, outputTokens, plain), terms, requests, estimate.Parts);
            beyond |= exact > Money.Largest;
            var used = plain ? input!.Value : (input ?? 0) + outputTokens;
            return new Ratable(state, settings, dimensions, own?.Canonical, at, used, requests).Rate(by, exact);
        }

        return new()
        {
            Dimensions = own is null || dimensions.Provider is not null ? dimensions : dimensions with { Provider = own.Provider },
            CanonicalModel = own?.Canonical,
            ContextWindow = own?.ContextWindow,
            Amounts = new Amounts(estimate.Tokens ?? (input ?? 0) + (output ?? 0), input ?? 0, output ?? 0, 0, requests)
                + lines with { CostNanos = cost ?? 0 },
            OfLines = lines,
            PlainTokens = plain,
            InputKnown = input is not null,
            OutputKnown = output is not null,
            CostKnown = cost is not null,
            CostOfOutput = estimate.CostNanos is null && price is not null ? tokens => Rate(price, tokens)?.Nanos + lines.CostNanos : null,
            PriceVersion = estimate.CostNanos is null ? rated?.Version : null,
            Unpriced = unpriced && estimate.CostNanos is null,
            CostProblem = cost is not null ? null : Problem(
                unlisted is null ? dimensions : dimensions with { Model = unlisted }, unlisted is null ? own : null, listed, policy,
                !priceable, beyond,
                price is null && priceable && listed is not null && estimate.Parts is { } parts ? Unrated(listed, parts, terms) : null),
        };
    }

    /// <summary>What other models may use, and the first of them that has no price.</summary>
    static (Amounts Sum, string? Unlisted) LinesOf(Estimate estimate, BudgetState state, Settings settings, Instant at)
    {
        var (sum, unlisted) = (default(Amounts), default(string));
        foreach (var line in estimate.Lines ?? [])
        {
            var used = line.Within(estimate.Dimensions, estimate.ServiceTier, estimate.Region, estimate.Speed);
            var cost = Pricing.Of(state, used, settings, at).Cost;
            if (cost is null) unlisted ??= line.Model;
            sum = Amounts.Min(sum + new Amounts(line.InputTokens + line.OutputTokens, line.InputTokens, line.OutputTokens, cost ?? 0, 0),
                Amounts.Most);
        }
        return (sum, unlisted);
    }

    /// <summary>As many tokens for each of some answers.</summary>
    static long? Times(long? answers, long? tokens) => answers is not { } count || tokens is not { } each ? tokens
        : Math.Min(each, Amounts.LargestTokens / count) * count;

    /// <summary>The first unit that a price has no rate for.</summary>
    static string? Unrated(PricePeriod price, UsageParts parts, in PriceTerms terms)
    {
        var units = parts with
        {
            CachedInputTokens = 0, CachedAudioInputTokens = 0, CachedImageInputTokens = 0, CacheWrite5mTokens = 0, CacheWrite1hTokens = 0,
            AudioInputTokens = 0, ImageInputTokens = 0, VideoInputTokens = 0, ReasoningTokens = 0, AudioOutputTokens = 0,
            ImageOutputTokens = 0, VideoOutputTokens = 0,
        };
        var missing = price.Missing(new() { Parts = units }, terms);
        return missing.IsEmpty ? null : UsageNames.Of(missing)[0];
    }

    static string Problem(Dimensions dimensions, ModelPrice? own, PricePeriod? listed, EffectivePolicy policy, bool silent, bool beyond,
        string? unrated) =>
        beyond ? "the estimate costs more than any one call can"
        : dimensions.Model is null ? "a cost limit matches this call: name `model` (and `provider`), or give `cost`"
        : own is null
            ? $"there is no price for model '{dimensions.Model}'; give `cost`, add a price, or set the policy's `unpriced` rule to a "
                + $"fallback model"
        : listed is null ? $"there is no price for model '{dimensions.Model}' at this time; give `cost`, or add a price"
        : listed.Currency != policy.Currency
            ? $"the price of '{dimensions.Model}' is in {listed.Currency} and the account is in {policy.Currency}: there is no exchange "
                + $"rate for this time; give one, or `cost`"
        : unrated is not null ? $"the price of '{dimensions.Model}' has no rate for `{unrated}`: add one, or give `cost`"
        : silent ? "a cost limit matches this call: give `inputTokens` and `maxOutputTokens`, or `tokens`, or `cost`"
        : "the cost of this call is not known; give `cost`";
}
