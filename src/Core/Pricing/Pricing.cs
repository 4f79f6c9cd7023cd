// What a usage costs its account: by the price of its model, by what its provider says that it charged, or by what its caller says.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// <see cref="Cost"/> is null where nothing of it has a price. <see cref="Usage"/> has its provider filled in; <see cref="Unpriced"/>: not
/// by a price of its own, or not all of it.
/// </summary>
sealed record Pricing(Usage Usage, long? Cost, Rated? Rated, bool Unpriced)
{
    /// <summary>Counts without a rate, where others have one.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }
    public string? Tier { get; init; }

    /// <summary>What its provider says that it charged, in the account's currency.</summary>
    public long? ReportedNanos { get; private set; }
    public ModelPrice? Own { get; private set; }

    /// <summary>What it took of the allowances of its price.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }

    /// <summary>Something in it has no price, and nobody knows what all of it cost.</summary>
    public bool IsPartial => Unpriced && (Cost is null || UnpricedParts is not null);

    /// <summary>The price version of what was booked as its provider reported it.</summary>
    public const string ReportedVersion = "reported";

    /// <summary><paramref name="beside"/>: what the same booking took of allowances already, or (below 0) gives back; <paramref
    /// name="booked"/>: what is booked of the call already.</summary>
    public static Pricing Of(BudgetState state, Usage usage, Settings settings, Instant at, IReadOnlyList<AllowanceUse>? beside = null,
        Amounts booked = default)
    {
        var own = settings.Prices.Find(usage.Dimensions.Provider, usage.Dimensions.Model);
        if (own is not null && usage.Dimensions.Provider is null)
            usage = usage with { Dimensions = usage.Dimensions with { Provider = own.Provider } };
        var reported = Reported(state, usage, settings, at);
        var pricing = Of(state, usage, settings, at, own, reported, beside, booked);
        (pricing.Own, pricing.ReportedNanos) = (own, reported?.Nanos);
        return pricing;
    }

    static Pricing Of(BudgetState state, Usage usage, Settings settings, Instant at, ModelPrice? own, Rated? reported,
        IReadOnlyList<AllowanceUse>? beside, Amounts booked)
    {
        if (usage.CostNanos is { } given) return new(usage, given, null, false);
        if (reported is not null && state.Effective.PreferredCost == PreferredCost.Reported)
            return new(usage, reported.Nanos, reported, false);
        // A charge without any count: of a picture, of a video.
        var isNothing = usage is { InputTokens: 0, OutputTokens: 0, TotalTokens: null or 0, Parts: null };
        if (isNothing && reported is not null) return new(usage, reported.Nanos, reported, false);
        var terms = usage.Terms(at);
        var missing = default(RateKindSet);
        if (own?.At(at) is { } price && AllowancesLeft.Of(state.Allowances, state.LastAt, price, at, beside) is var free
            && Rate(price, price.Known(usage, terms, free, out missing)) is { } known)
        {
            var priced = new Pricing(usage, known.Nanos, known, !missing.IsEmpty)
            {
                Tier = price.TierOf(terms), Allowances = free?.Taken,
            };
            if (missing.IsEmpty) return priced;
            priced = priced with { UnpricedParts = UsageNames.Of(missing) };
            // The provider charged for all of it; never less than for what is known of it.
            return reported is null ? priced
                : reported.Nanos > known.Nanos ? priced with { Cost = reported.Nanos, Rated = reported, Unpriced = false }
                : priced with { Unpriced = false };
        }
        if (reported is not null) return new(usage, reported.Nanos, reported, false);
        if (isNothing) return new(usage, 0, null, false);
        if (state.Effective.UnpricedRule == UnpricedRule.Fallback
            && settings.Prices.Find(null, state.Effective.FallbackModel)?.At(at) is { } fallback
            && Rate(fallback, fallback.Known(usage, terms, out missing)) is { } guessed)
            return new(usage, guessed.Nanos, guessed, true) { UnpricedParts = missing.IsEmpty ? null : UsageNames.Of(missing) };
        return new(usage, null, null, true);

        Rated? Rate(PricePeriod by, decimal? list) => new Ratable(state, settings, usage.Dimensions, own?.Canonical, at,
            usage.TotalTokens ?? usage.InputTokens + usage.OutputTokens, usage.Requests) { Booked = booked }.Rate(by, list);
    }

    static Rated? Reported(BudgetState state, Usage usage, Settings settings, Instant at)
    {
        const string currency = "USD";
        if (usage.ReportedCost is not { } cost || settings.ExchangeRates.Between(currency, state.Effective.Currency, at)
            is not { } conversion)
            return null;
        if (conversion.Of(cost).ToDecimal() is not { } amount || amount > Money.Largest) return null;
        var foreign = state.Effective.Currency != currency;
        return new(Money.CeilingNanos(amount), ReportedVersion, foreign ? currency : null, foreign ? ((Exact)cost).ToString() : null,
            foreign ? conversion.Rate : null, 0);
    }

    /// <summary>A record with all that is known of its price.</summary>
    public UsageRecord Priced(UsageRecord record) => record with
    {
        Usage = Usage,
        PriceVersion = Rated?.Version,
        PriceCurrency = Rated?.PriceCurrency,
        PriceCost = Rated?.PriceCost,
        ExchangeRate = Rated?.ExchangeRate,
        DiscountNanos = Rated?.DiscountNanos ?? 0,
        Unpriced = Unpriced,
        UnpricedParts = UnpricedParts,
        RatedTier = Tier,
        Allowances = Allowances,
        ReportedNanos = ReportedNanos,
        CanonicalProvider = NamesOf(Own, Usage.Dimensions).Provider,
        CanonicalModel = NamesOf(Own, Usage.Dimensions).Model,
    };

    /// <summary>The names under which prices know a provider and a model, where those that were given are others.</summary>
    public static (string? Provider, string? Model) NamesOf(ModelPrice? own, Dimensions call) => own is null ? (null, null)
        : (own.Provider != call.Provider ? own.Provider : null, own.Canonical != call.Model ? own.Canonical : null);
}
