// What a usage costs, part by part, and what it would have cost without a cache.
namespace Purser.Core;

/// <summary>One kind of a usage: so many, at this rate (the one of <see cref="Taken"/>); the cost is with multipliers.</summary>
public sealed record Charged(RateKind Kind, RateKind Taken, decimal Count, decimal Rate, Exact Cost);

/// <summary>
/// The parts and their total, to the last digit. <see cref="Multipliers"/> apply to the tokens. <see cref="CacheSaving"/>: how much less
/// it is than at the rate of plain input; negative where writing to the cache cost more than reading saved.
/// </summary>
public sealed record Charges(IReadOnlyList<Charged> Parts, IReadOnlyList<Multiplier> Multipliers, Exact TokenCost, Exact UnitCost, Exact? CacheSaving)
{
    public Exact Total => TokenCost + UnitCost;

    internal static Charges Of(IReadOnlyList<Charged> parts, PricePeriod price, long inputTokens, in PriceTerms terms)
    {
        var factor = Costing.Factor(price, terms);
        var (tokens, units, saving, cached) = (Exact.Zero, Exact.Zero, Exact.Zero, false);
        var applied = new List<Multiplier>();
        foreach (var multiplier in price.Multipliers)
            if (multiplier.Applies(terms)) applied.Add(multiplier);
        var input = RateKind.Input;
        var comparable = price.Card(inputTokens, terms).TryResolve(ref input, out var plain);
        foreach (var part in parts)
        {
            if (!RateKinds.IsTokens(part.Kind)) units += part.Cost;
            else tokens += part.Cost;
            if (part.Kind is not (RateKind.CachedInput or RateKind.CacheWrite5m or RateKind.CacheWrite1h)) continue;
            cached = true;
            saving += ((Exact)part.Count * plain).Shifted(6) - part.Cost;
        }
        var shown = factor == 1 ? parts : [.. parts.Select(part => RateKinds.IsTokens(part.Kind) ? part with { Cost = (part.Cost * factor).Shortest() } : part)];
        return new(shown, applied, (tokens * factor).Shortest(), units.Shortest(), cached && comparable ? (saving * factor).Shortest() : null);
    }
}
