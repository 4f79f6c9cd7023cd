// What a model costs during one period: rates, and what changes them for long contexts, service tiers, hours, regions and speeds.
using NodaTime;

namespace Purser.Core;

/// <summary>The rates that change for a whole request with more than so many input tokens.</summary>
public sealed record ContextTier(long AboveInputTokens, Rates Rates);

/// <summary>What changes for requests of a service tier: `batch`, `flex`, `priority`.</summary>
public sealed record ServiceTier(string Name, Rates Rates, IReadOnlyList<ContextTier> Tiers);

/// <summary>Cheaper hours.</summary>
public sealed record HourRates(string? Label, IReadOnlyList<HourWindow> Windows, Rates Rates);

/// <summary>Seconds of the day in UTC, half-open, on some days of the week; bit 1 is Monday.</summary>
public readonly record struct HourWindow(int Days, int FromSecond, int ToSecond)
{
    public bool Contains(Instant at)
    {
        var seconds = at.ToUnixTimeSeconds();
        var day = Math.DivRem(seconds, 86400, out var second);
        if (second < 0) (day, second) = (day - 1, second + 86400);
        // The epoch began on a Thursday.
        var weekday = (int)((((day + 3) % 7) + 7) % 7) + 1;
        return (Days & (1 << weekday)) != 0 && second >= FromSecond && second < ToSecond;
    }
}

/// <summary>A factor on the token part: `region.us`, `speed.fast`.</summary>
public sealed record Multiplier(string Dimension, string Value, decimal Factor)
{
    public string Name => $"{Dimension}.{Value}";

    public bool Applies(in PriceTerms terms) =>
        Value.Equals(Dimension == "region" ? terms.Region : terms.Speed, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Under which conditions a call is made. Without a time no hours are cheaper ones.</summary>
public readonly record struct PriceTerms(Instant? At, string? ServiceTier = null, string? Region = null, string? Speed = null)
{
    /// <summary>The same with a service tier by any of its names.</summary>
    public static PriceTerms Of(Instant? at, string? serviceTier, string? region, string? speed) =>
        new(at, serviceTier is not null && ServiceTiers.TryParse(serviceTier, out var tier) ? tier : serviceTier, region, speed);
}

public sealed class PricePeriod
{
    /// <summary>Inclusive; null where no beginning is known.</summary>
    public Instant? From { get; init; }

    /// <summary>Exclusive; null where no end is known.</summary>
    public Instant? Until { get; init; }
    public required Rates Rates { get; init; }
    public IReadOnlyList<ContextTier> Tiers { get; init; } = [];
    public IReadOnlyList<ServiceTier> ServiceTiers { get; init; } = [];
    public IReadOnlyList<HourRates> TimeOfDay { get; init; } = [];
    public IReadOnlyList<Multiplier> Multipliers { get; init; } = [];
    public IReadOnlyList<Minimum> Minimums { get; init; } = [];
    public IReadOnlyList<Allowance> Allowances { get; init; } = [];
    public string Currency { get; init; } = "USD";

    /// <summary>Which list it is from; null where the price book as a whole says so.</summary>
    public string? Version { get; init; }

    public bool Contains(Instant at) => !(at < From) && !(at >= Until);

    /// <summary>The tier whose rates hold for a call: the one it names where this price has it, else the standard one.</summary>
    public string TierOf(in PriceTerms terms)
    {
        if (terms.ServiceTier is { } asked)
            foreach (var tier in ServiceTiers)
                if (tier.Name.Equals(asked, StringComparison.OrdinalIgnoreCase))
                    return tier.Name;
        return Core.ServiceTiers.Standard;
    }

    /// <summary>The rates that hold for one request, layer over layer.</summary>
    public RateCard Card(long inputTokens, in PriceTerms terms)
    {
        ServiceTier? service = null;
        if (terms.ServiceTier is { } asked)
            for (var i = 0; i < ServiceTiers.Count && service is null; i++)
                if (ServiceTiers[i].Name.Equals(asked, StringComparison.OrdinalIgnoreCase))
                    service = ServiceTiers[i];
        Rates? hours = null;
        if (terms.At is { } at)
            for (var i = 0; i < TimeOfDay.Count && hours is null; i++)
                for (var j = 0; j < TimeOfDay[i].Windows.Count && hours is null; j++)
                    if (TimeOfDay[i].Windows[j].Contains(at))
                        hours = TimeOfDay[i].Rates;
        return new(service is null ? null : Applying(service.Tiers, inputTokens), Applying(Tiers, inputTokens), service?.Rates, hours,
            Rates, Minimums);
    }

    /// <summary>The highest tier whose limit is exceeded holds for the whole request.</summary>
    static Rates? Applying(IReadOnlyList<ContextTier> tiers, long inputTokens)
    {
        for (var i = tiers.Count - 1; i >= 0; i--)
            if (inputTokens > tiers[i].AboveInputTokens)
                return tiers[i].Rates;
        return null;
    }
}

/// <summary>The rates of one request: the first layer that has a kind decides, and a kind that none has takes the one it falls back
/// to.</summary>
public readonly struct RateCard(Rates? serviceTier, Rates? tier, Rates? service, Rates? hours, Rates rates, IReadOnlyList<Minimum> minimums)
{
    /// <summary>How many units of a kind a request is charged for that used so many.</summary>
    public decimal Charged(RateKind kind, decimal count)
    {
        for (var i = 0; i < minimums.Count; i++)
            if (minimums[i].Kind == kind && count < minimums[i].Least)
                return minimums[i].Least;
        return count;
    }

    public bool TryGet(RateKind kind, out decimal rate) =>
        (serviceTier is not null && serviceTier.TryGet(kind, out rate))
        || (tier is not null && tier.TryGet(kind, out rate))
        || (service is not null && service.TryGet(kind, out rate))
        || (hours is not null && hours.TryGet(kind, out rate))
        || rates.TryGet(kind, out rate);

    /// <summary><paramref name="kind"/> becomes the kind whose rate was taken.</summary>
    public bool TryResolve(ref RateKind kind, out decimal rate)
    {
        while (!TryGet(kind, out rate))
        {
            if (RateKinds.FallbackOf(kind) is not { } next)
            {
                // A model that puts out images only has no rate for text: its output is images.
                if (kind != RateKind.Output || !TryGet(RateKind.ImageOutput, out rate)) return false;
                kind = RateKind.ImageOutput;
                return true;
            }
            kind = next;
        }
        return true;
    }

    /// <summary>A search with a context of a size without a rate costs what the dearest of the other sizes costs.</summary>
    public bool TryGetUnit(RateKind kind, out decimal rate)
    {
        if (TryGet(kind, out rate)) return true;
        if (kind is not (RateKind.PerWebSearchLow or RateKind.PerWebSearchMedium or RateKind.PerWebSearchHigh)) return false;
        return TryGet(RateKind.PerWebSearchHigh, out rate) || TryGet(RateKind.PerWebSearchMedium, out rate)
            || TryGet(RateKind.PerWebSearchLow, out rate);
    }
}
