// Exchange rates as somebody gave them, each from a date on. None is built in, and none is guessed.
using NodaTime;

namespace Purser.Core;

/// <summary>From an instant on, one unit of the base is so many of this currency.</summary>
public sealed record ExchangeRate(string Currency, decimal Rate, Instant EffectiveFrom);

public sealed record ExchangeRates(string Base, IReadOnlyList<ExchangeRate> Rates)
{
    public static readonly ExchangeRates None = new("USD", []);

    const int Decimals = 18;

    /// <summary>How much of <paramref name="to"/> one unit of <paramref name="from"/> is at an instant, as a fraction; null where no rate
    /// is known for then.</summary>
    public Conversion? Between(string from, string to, Instant at)
    {
        if (from == to) return new(1, 1);
        return RateOf(from, at) is { } below && RateOf(to, at) is { } above ? new(above, below) : null;
    }

    decimal? RateOf(string currency, Instant at)
    {
        if (currency == Base) return 1;
        ExchangeRate? latest = null;
        foreach (var rate in Rates)
            if (rate.Currency == currency && rate.EffectiveFrom <= at && !(latest?.EffectiveFrom > rate.EffectiveFrom))
                latest = rate;
        return latest?.Rate;
    }

    /// <summary>A rate as it is kept and shown; the amounts themselves are computed with the fraction.</summary>
    public readonly record struct Conversion(decimal Above, decimal Below)
    {
        public decimal Rate => Below == 1 ? Above : Math.Round(Above / Below, Decimals);

        /// <summary>Rounded up to nanos, once, where the division does not end.</summary>
        public Exact Of(Exact amount) => Below == 1 ? amount * Above : (amount * Above).DividedCeiling(Below, Decimals);
    }
}

/// <summary>What of exchange rates a change took away, or brought: there may be some thousand, so the newest, and how many more.</summary>
public sealed record ChangedRates(string Base, IReadOnlyList<ExchangeRate> Rates, int More)
{
    const int Most = 10;

    /// <summary>Those that are not among the others.</summary>
    public static ChangedRates Of(ExchangeRates rates, ExchangeRates? others)
    {
        var known = others is null || others.Base != rates.Base ? [] : others.Rates.ToHashSet();
        ExchangeRate[] own = [.. rates.Rates.Where(rate => !known.Contains(rate)).OrderByDescending(rate => rate.EffectiveFrom)];
        return new(rates.Base, [.. own.Take(Most)], Math.Max(0, own.Length - Most));
    }
}
