// What a usage costs, part by part, and over several models.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Without `at` it is the price given as today's, at the hours when it is dearest.</summary>
public sealed record QuoteRequest
{
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public QuoteUsage? Usage { get; init; }
    public string? ServiceTier { get; init; }
    public DateTimeOffset? At { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    /// <summary>Also tells the cost in this currency, at the rate of that time.</summary>
    public string? Currency { get; init; }

    /// <summary>Also tells what this account would be charged: in its currency, with its discounts as they stand.</summary>
    public string? Account { get; init; }
}

/// <summary>The counts of a usage: totals, parts and units, and nothing of who made the call.</summary>
public sealed record QuoteUsage : CallParts
{
    public long? InputTokens { get; init; }
    public long? OutputTokens { get; init; }
    public long? Requests { get; init; }
}

/// <summary>Exact: nothing is rounded, and the parts add up to the cost.</summary>
public record Quote
{
    public string Provider { get; init; } = "";
    public string Model { get; init; } = "";

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";
    public string PriceVersion { get; init; } = "";
    public IReadOnlyList<QuotePart> Parts { get; init; } = [];

    /// <summary>Factors that are in the costs of the parts that are tokens.</summary>
    public IReadOnlyList<QuoteMultiplier> Multipliers { get; init; } = [];

    /// <summary>How much less it is than without a cache; negative where writing to it cost more than reading saved.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? CacheSaving { get; init; }

    public ChargedCost? Converted { get; init; }
    public ChargedCost? Charged { get; init; }
    public DateTimeOffset? EffectiveFrom { get; init; }
    public DateTimeOffset? EffectiveUntil { get; init; }
}

/// <summary>So many of a kind at a rate. `rateOf` is the kind whose rate it is, where it has none of its own.</summary>
public sealed record QuotePart
{
    public string Kind { get; init; } = "";
    public decimal Count { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Rate { get; init; }

    public long Per { get; init; }
    public string? RateOf { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }
}

public sealed record QuoteMultiplier
{
    public string Name { get; init; } = "";

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Factor { get; init; }
}

/// <summary>Quotes for many usages, in their order.</summary>
public sealed record Quotes
{
    public IReadOnlyList<Quoted> Items { get; init; } = [];

    /// <summary>What the quotes come to, for each currency of a price.</summary>
    public IReadOnlyList<QuoteTotal> Totals { get; init; } = [];
}

/// <summary>A quote, or why there is none.</summary>
public sealed record Quoted
{
    public Quote? Quote { get; init; }
    public Problem? Problem { get; init; }
}

public sealed record QuoteTotal
{
    public string Currency { get; init; } = "";

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }
}

/// <summary>An amount in another currency.</summary>
public sealed record Conversion
{
    [JsonConverter(typeof(MoneyConverter))]
    public decimal Amount { get; init; }

    public string From { get; init; } = "";
    public string To { get; init; } = "";
    public DateTimeOffset At { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Converted { get; init; }

    /// <summary>How much of the other currency one unit is.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal Rate { get; init; }
}

/// <summary>The same cost in another currency, or as an account is charged. `cost` is after the discounts and before the rounding of
/// bookings.</summary>
public sealed record ChargedCost
{
    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? ExchangeRate { get; init; }

    public IReadOnlyList<DiscountStep>? Discounts { get; init; }

    /// <summary>What of it would be free by an allowance of the price.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }
}

/// <summary>A share off, by `negotiated`, `volume` or `batch`.</summary>
public sealed record DiscountStep
{
    public string Kind { get; init; } = "";
    public decimal Share { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Amount { get; init; }
}

/// <summary>`models` are ids, or `provider/model`. Savings are measured against `model` (with `provider`), or else the dearest of
/// them.</summary>
public sealed record ComparisonRequest
{
    public IReadOnlyList<string>? Models { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public QuoteUsage? Usage { get; init; }
    public string? ServiceTier { get; init; }
    public DateTimeOffset? At { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    /// <summary>Also tells the cost in this currency, at the rate of that time.</summary>
    public string? Currency { get; init; }

    /// <summary>Also tells what this account would be charged: in its currency, with its discounts as they stand.</summary>
    public string? Account { get; init; }
}

/// <summary>`baseline` is the name that savings are measured against; null where nothing could be priced.</summary>
public sealed record Comparison
{
    public IReadOnlyList<RankedQuote> Items { get; init; } = [];
    public string? Baseline { get; init; }
    public IReadOnlyList<Incomparable> Incomparable { get; init; } = [];
}

/// <summary>`saving` is how much less than the baseline it costs; negative where it costs more.</summary>
public sealed record RankedQuote : Quote
{
    public string Asked { get; init; } = "";
    public long Rank { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Saving { get; init; }

    public decimal SavingPercent { get; init; }
}

/// <summary>A model that could not be compared, and why.</summary>
public sealed record Incomparable
{
    public string Asked { get; init; } = "";
    public string Type { get; init; } = "";
    public string Detail { get; init; } = "";
}
