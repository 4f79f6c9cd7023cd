// From a price and a usage to money. One walk over the usage finds what is charged at which rate; what is done with that is up to a
// sink: the sum alone, which takes no memory, or the list of parts.
namespace Purser.Core;

/// <summary>Takes what is charged, one kind after the other; counts and rates of 0 included, if something was counted.</summary>
interface IChargeSink
{
    /// <summary><paramref name="taken"/> is the kind whose rate it is.</summary>
    void Tokens(RateKind kind, RateKind taken, long count, decimal rate);

    void Units(RateKind kind, decimal count, decimal rate);
}

public static class CostRules
{
    const decimal Millionth = 0.000001m;

    /// <summary>What a usage costs; null where it holds something that this price does not cover. Rounded up where a decimal can not hold
    /// it.</summary>
    public static decimal? Cost(this PricePeriod price, Usage usage, in PriceTerms terms) =>
        price.Known(usage, terms, out var missing) is { } cost && missing.IsEmpty ? cost : null;

    /// <summary>What the parts of a usage cost that this price covers; null where it covers nothing of what was counted.</summary>
    public static decimal? Known(this PricePeriod price, Usage usage, in PriceTerms terms, out RateKindSet missing)
    {
        var sum = new Sum { IsExact = true };
        missing = Charge(price, usage, terms, ref sum);
        if (!missing.IsEmpty && !sum.HasCharged) return null;
        if (sum.Total(price, terms) is { } total) return total;
        var list = new ChargeList([]);
        Charge(price, usage, terms, ref list);
        return Charges.Of(list.Items, price, usage.TotalTokens ?? usage.InputTokens, terms).Total.ToDecimal();
    }

    /// <summary>The same without what is free of it.</summary>
    public static decimal? Known(this PricePeriod price, Usage usage, in PriceTerms terms, AllowancesLeft? free, out RateKindSet missing)
    {
        if (free is null) return price.Known(usage, terms, out missing);
        var list = new ChargeList([]);
        missing = Charge(price, usage, terms, ref list);
        return !missing.IsEmpty && list.Items.Count == 0 ? null
            : Charges.Of(free.TakeOff(list.Items), price, usage.TotalTokens ?? usage.InputTokens, terms).Total.ToDecimal();
    }

    /// <summary>The kinds that a usage has and this price does not cover.</summary>
    public static RateKindSet Missing(this PricePeriod price, Usage usage, in PriceTerms terms)
    {
        var sum = new Sum();
        return Charge(price, usage, terms, ref sum);
    }

    /// <summary>The same with its parts, exact at any length. Only for a usage that nothing is missing for.</summary>
    public static Charges Listed(this PricePeriod price, Usage usage, in PriceTerms terms, AllowancesLeft? free = null)
    {
        var list = new ChargeList([]);
        if (Charge(price, usage, terms, ref list) is { IsEmpty: false } missing)
            throw new ArgumentException($"there is no rate for {missing.Kinds.First()}", nameof(usage));
        return Charges.Of(free?.TakeOff(list.Items) ?? list.Items, price, usage.TotalTokens ?? usage.InputTokens, terms);
    }

    /// <summary>
    /// What an estimate costs; null where there is no rate for it. Tokens that are not told apart are priced at the dearer rate, and the
    /// tier is that of all of them. Parts are the most that there can be: tokens of a kind add what they cost more than plain ones.
    /// </summary>
    public static decimal? Cost(this PricePeriod price, in EstimatedTokens estimate, in PriceTerms terms, long requests = 1,
        UsageParts? parts = null)
    {
        var sum = new Sum { IsExact = true };
        if (!Charge(price, estimate, parts, terms, requests, ref sum).IsEmpty) return null;
        if (sum.Total(price, terms) is { } total) return total;
        var list = new ChargeList([]);
        Charge(price, estimate, parts, terms, requests, ref list);
        var (tokens, units) = (Exact.Zero, Exact.Zero);
        foreach (var item in list.Items)
            if (RateKinds.IsTokens(item.Kind)) tokens += item.Cost;
            else units += item.Cost;
        return (tokens * Factor(price, terms) + units).ToDecimal();
    }

    static RateKindSet Charge<T>(PricePeriod price, in EstimatedTokens estimate, UsageParts? parts, in PriceTerms terms, long requests,
        ref T sink) where T : struct, IChargeSink
    {
        var card = price.Card(estimate.InputTokens, terms);
        var missing = default(RateKindSet);
        if (estimate.PlainTokens) Untold(estimate.InputTokens, card, ref sink, ref missing);
        else
        {
            Tokens(RateKind.Input, estimate.InputTokens, card, ref sink, ref missing);
            Tokens(RateKind.Output, estimate.OutputTokens, card, ref sink, ref missing);
        }
        if (parts is not null)
        {
            foreach (var (kind, count) in PartsOf(parts))
                if (RateKinds.IsTokens(kind)) Dearer(kind, Inside(estimate, kind, count), card, ref sink);
            Tokens(RateKind.Citation, parts.CitationTokens, card, ref sink, ref missing);
            UnitsOf(parts, card, ref sink, ref missing);
        }
        if (card.TryGet(RateKind.PerRequest, out var fee)) sink.Units(RateKind.PerRequest, requests, fee);
        return missing;
    }

    /// <summary>The kinds of tokens that may be dearer than plain ones.</summary>
    static (RateKind Kind, long Count)[] PartsOf(UsageParts parts) =>
    [
        (RateKind.CacheWrite5m, parts.CacheWrite5mTokens), (RateKind.CacheWrite1h, parts.CacheWrite1hTokens),
        (RateKind.AudioInput, parts.AudioInputTokens), (RateKind.ImageInput, parts.ImageInputTokens),
        (RateKind.VideoInput, parts.VideoInputTokens), (RateKind.ReasoningOutput, parts.ReasoningTokens),
        (RateKind.AudioOutput, parts.AudioOutputTokens), (RateKind.ImageOutput, parts.ImageOutputTokens),
        (RateKind.VideoOutput, parts.VideoOutputTokens),
    ];

    /// <summary>Of an input and an output that are told no more than there is can be of a kind.</summary>
    static long Inside(in EstimatedTokens estimate, RateKind kind, long count) => estimate is { InputTokens: 0, OutputTokens: 0 } ? count
        : Math.Min(count, RateKinds.IsInput(kind) ? estimate.InputTokens : estimate.OutputTokens);

    static void Dearer<T>(RateKind kind, long count, in RateCard card, ref T sink) where T : struct, IChargeSink
    {
        var plain = RateKinds.IsInput(kind) ? RateKind.Input : RateKind.Output;
        var taken = kind;
        if (count == 0 || !card.TryResolve(ref taken, out var rate)) return;
        card.TryResolve(ref plain, out var usual);
        if (rate > usual) sink.Tokens(kind, taken, count, rate - usual);
    }

    internal static decimal Factor(PricePeriod price, in PriceTerms terms)
    {
        var factor = 1m;
        for (var i = 0; i < price.Multipliers.Count; i++)
            if (price.Multipliers[i].Applies(terms))
                factor *= price.Multipliers[i].Factor;
        return factor;
    }

    /// <summary>Tells the sink of everything that is charged. The answer is the kinds without a rate.</summary>
    static RateKindSet Charge<T>(PricePeriod price, Usage usage, in PriceTerms terms, ref T sink) where T : struct, IChargeSink
    {
        var card = price.Card(usage.TotalTokens ?? usage.InputTokens, terms);
        var missing = default(RateKindSet);
        if (usage.TotalTokens is { } all) Untold(all, card, ref sink, ref missing);
        if (usage.Parts is { } parts)
        {
            Tokens(RateKind.Input, usage.InputTokens - parts.CachedInputTokens - parts.CacheWrite5mTokens - parts.CacheWrite1hTokens
                - parts.AudioInputTokens - parts.ImageInputTokens - parts.VideoInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.CachedInput, parts.CachedInputTokens - parts.CachedAudioInputTokens - parts.CachedImageInputTokens, card,
                ref sink, ref missing);
            Tokens(RateKind.CachedAudioInput, parts.CachedAudioInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.CachedImageInput, parts.CachedImageInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.CacheWrite5m, parts.CacheWrite5mTokens, card, ref sink, ref missing);
            Tokens(RateKind.CacheWrite1h, parts.CacheWrite1hTokens, card, ref sink, ref missing);
            Tokens(RateKind.AudioInput, parts.AudioInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.ImageInput, parts.ImageInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.VideoInput, parts.VideoInputTokens, card, ref sink, ref missing);
            Tokens(RateKind.Output, usage.OutputTokens - parts.ReasoningTokens - parts.AudioOutputTokens - parts.ImageOutputTokens
                - parts.VideoOutputTokens, card, ref sink, ref missing);
            Tokens(RateKind.ReasoningOutput, parts.ReasoningTokens, card, ref sink, ref missing);
            Tokens(RateKind.AudioOutput, parts.AudioOutputTokens, card, ref sink, ref missing);
            Tokens(RateKind.ImageOutput, parts.ImageOutputTokens, card, ref sink, ref missing);
            Tokens(RateKind.VideoOutput, parts.VideoOutputTokens, card, ref sink, ref missing);
            Tokens(RateKind.Citation, parts.CitationTokens, card, ref sink, ref missing);
            UnitsOf(parts, card, ref sink, ref missing);
        }
        else
        {
            Tokens(RateKind.Input, usage.InputTokens, card, ref sink, ref missing);
            Tokens(RateKind.Output, usage.OutputTokens, card, ref sink, ref missing);
        }
        // Most models have no fee per request, and every call is one.
        if (usage.Requests != 0 && card.TryGet(RateKind.PerRequest, out var fee)) sink.Units(RateKind.PerRequest, usage.Requests, fee);
        return missing;
    }

    static void UnitsOf<T>(UsageParts parts, in RateCard card, ref T sink, ref RateKindSet missing) where T : struct, IChargeSink
    {
        Units(RateKind.PerQuery, parts.Queries, card, ref sink, ref missing);
        Units(RateKind.PerSession, parts.Sessions, card, ref sink, ref missing);
        Units(RateKind.PerImageInput, parts.ImagesIn, card, ref sink, ref missing);
        Units(RateKind.PerImageOutput, parts.ImagesOut, card, ref sink, ref missing);
        Units(RateKind.PerCharacterInput, parts.CharactersIn, card, ref sink, ref missing);
        Units(RateKind.PerCharacterOutput, parts.CharactersOut, card, ref sink, ref missing);
        Units(RateKind.PerAudioSecondInput, parts.AudioSecondsIn, card, ref sink, ref missing);
        Units(RateKind.PerAudioSecondOutput, parts.AudioSecondsOut, card, ref sink, ref missing);
        Units(RateKind.PerVideoSecondInput, parts.VideoSecondsIn, card, ref sink, ref missing);
        Units(RateKind.PerVideoSecondOutput, parts.VideoSecondsOut, card, ref sink, ref missing);
        Units(RateKind.PerPage, parts.Pages, card, ref sink, ref missing);
        Units(RateKind.PerAnnotatedPage, parts.AnnotatedPages, card, ref sink, ref missing);
        Units(SearchOf(parts.WebSearchContext), parts.WebSearches, card, ref sink, ref missing);
    }

    /// <summary>Tokens that are not told apart cost what the dearer of input and output costs.</summary>
    static void Untold<T>(long count, in RateCard card, ref T sink, ref RateKindSet missing) where T : struct, IChargeSink
    {
        if (count == 0) return;
        var (input, output) = (RateKind.Input, RateKind.Output);
        var (hasInput, hasOutput) = (card.TryResolve(ref input, out var inputRate), card.TryResolve(ref output, out var outputRate));
        if (!hasInput && !hasOutput) missing = missing.With(RateKind.Input);
        else if (hasOutput && (!hasInput || outputRate >= inputRate)) sink.Tokens(RateKind.Output, output, count, outputRate);
        else sink.Tokens(RateKind.Input, input, count, inputRate);
    }

    static RateKind SearchOf(string? context) => context switch
    {
        "low" => RateKind.PerWebSearchLow,
        "high" => RateKind.PerWebSearchHigh,
        _ => RateKind.PerWebSearchMedium,
    };

    static void Tokens<T>(RateKind kind, long count, in RateCard card, ref T sink, ref RateKindSet missing) where T : struct, IChargeSink
    {
        if (count == 0) return;
        var taken = kind;
        if (card.TryResolve(ref taken, out var rate)) sink.Tokens(kind, taken, count, rate);
        else missing = missing.With(kind);
    }

    static void Units<T>(RateKind kind, decimal count, in RateCard card, ref T sink, ref RateKindSet missing) where T : struct, IChargeSink
    {
        if (count == 0) return;
        if (card.TryGetUnit(kind, out var rate)) sink.Units(kind, card.Charged(kind, count), rate);
        else missing = missing.With(kind);
    }

    /// <summary>
    /// Adds up in decimals, and notices where one had to round: an exact product has the scales of both factors, an exact sum the larger
    /// of both.
    /// </summary>
    struct Sum : IChargeSink
    {
        decimal tokens;
        decimal units;

        public bool IsExact { get; set; }

        /// <summary>Whether anything was charged, though it were at a rate of 0.</summary>
        public bool HasCharged { get; private set; }

        public void Tokens(RateKind kind, RateKind taken, long count, decimal rate)
        {
            tokens = Add(tokens, Multiply(count, rate));
            HasCharged = true;
        }

        public void Units(RateKind kind, decimal count, decimal rate)
        {
            units = Add(units, Multiply(count, rate));
            HasCharged = true;
        }

        public decimal? Total(PricePeriod price, in PriceTerms terms)
        {
            var total = Multiply(tokens, Millionth);
            if (price.Multipliers.Count > 0) total = Multiply(total, Factor(price, terms));
            total = Add(total, units);
            return IsExact ? total : null;
        }

        decimal Multiply(decimal a, decimal b)
        {
            if (a == 0 || b == 0) return 0;
            var product = a * b;
            IsExact &= product.Scale == a.Scale + b.Scale;
            return product;
        }

        decimal Add(decimal a, decimal b)
        {
            if (a == 0) return b;
            if (b == 0) return a;
            var sum = a + b;
            IsExact &= sum.Scale == Math.Max(a.Scale, b.Scale);
            return sum;
        }
    }

    struct ChargeList(List<Charged> items) : IChargeSink
    {
        public readonly List<Charged> Items => items;

        public readonly void Tokens(RateKind kind, RateKind taken, long count, decimal rate) =>
            items.Add(new(kind, taken, count, rate, ((Exact)count * rate).Shifted(6)));

        public readonly void Units(RateKind kind, decimal count, decimal rate) =>
            items.Add(new(kind, kind, count, rate, (Exact)count * rate));
    }
}
