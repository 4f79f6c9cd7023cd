// What a usage costs, part by part, and what it would have cost without a cache.
namespace Purser.Core;

/// <summary>One kind of a usage: so many, at this rate (the one of <see cref="Taken"/>); the cost is with multipliers.</summary>
public sealed record Charged(RateKind Kind, RateKind Taken, decimal Count, decimal Rate, Exact Cost);

/// <summary>
/// The parts and their total, to the last digit. <see cref="Multipliers"/> apply to the tokens. <see cref="CacheSaving"/>: how much less
/// it is than without a cache, each kind at the rate of its own that is not cached; negative where writing to the cache cost more than
/// reading saved, null where nothing was cached or such a rate is not known.
/// </summary>
public sealed record Charges(IReadOnlyList<Charged> Parts, IReadOnlyList<Multiplier> Multipliers, Exact TokenCost, Exact UnitCost,
    Exact? CacheSaving)
{
    public Exact Total => TokenCost + UnitCost;

    internal static Charges Of(IReadOnlyList<Charged> parts, PricePeriod price, long inputTokens, in PriceTerms terms)
    {
        var factor = CostRules.Factor(price, terms);
        var (tokens, units, saving) = (Exact.Zero, Exact.Zero, (Exact?)null);
        var (card, comparable) = (price.Card(inputTokens, terms), true);
        var applied = new List<Multiplier>();
        foreach (var multiplier in price.Multipliers)
            if (multiplier.Applies(terms)) applied.Add(multiplier);
        foreach (var part in parts)
        {
            if (!RateKinds.IsTokens(part.Kind)) units += part.Cost;
            else tokens += part.Cost;
            if (Uncached(part.Kind) is not { } kind) continue;
            comparable &= card.TryResolve(ref kind, out var plain);
            saving = (saving ?? Exact.Zero) + (((Exact)part.Count * plain).Shifted(6) - part.Cost);
        }
        var shown = factor == 1
            ? parts : [.. parts.Select(part => RateKinds.IsTokens(part.Kind) ? part with { Cost = (part.Cost * factor).Shortest() }
                : part)];
        return new(shown, applied, (tokens * factor).Shortest(), units.Shortest(), comparable && saving is { } saved
            ? (saved * factor).Shortest() : null);
    }

    /// <summary>What tokens would have been without a cache; null for those that never were in one.</summary>
    static RateKind? Uncached(RateKind kind) => kind switch
    {
        RateKind.CachedInput or RateKind.CacheWrite5m or RateKind.CacheWrite1h => RateKind.Input,
        RateKind.CachedAudioInput => RateKind.AudioInput,
        RateKind.CachedImageInput => RateKind.ImageInput,
        _ => null,
    };
}
