// What a usage would cost: the question, and the answer with its parts.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>The counts of a usage: totals, parts and units, and nothing of who made the call.</summary>
public sealed class QuoteUsageDocument : PartsDocument
{
    public long? InputTokens { get; set; }
    public long? OutputTokens { get; set; }
    public long? Requests { get; set; }

    internal Usage ToUsage(string? provider, string? model, string? serviceTier, string? region, string? speed)
    {
        if (ToDimensions() != Dimensions.None)
            throw RequestRefusedException.Invalid("usage", "holds counts only; `provider` and `model` stand beside it");
        return new()
        {
            Dimensions = new() { Provider = provider, Model = model },
            InputTokens = InputTokens ?? 0,
            OutputTokens = OutputTokens ?? 0,
            Parts = ToParts(),
            Requests = Requests ?? 1,
            ServiceTier = serviceTier,
            Region = region,
            Speed = speed,
        };
    }
}

/// <summary>Without `at` it is the price given as today's, at the hours when it is dearest.</summary>
public class QuoteRequestDocument
{
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public QuoteUsageDocument? Usage { get; set; }
    public string? ServiceTier { get; set; }
    public Instant? At { get; set; }
    public string? Region { get; set; }
    public string? Speed { get; set; }

    /// <summary>Also tells the cost in this currency, at the rate of that time.</summary>
    public string? Currency { get; set; }

    /// <summary>Also tells what this account would be charged: in its currency, with its discounts as they stand.</summary>
    public string? Account { get; set; }

    internal Usage ToUsage(string? provider, string? model) =>
        (Usage ?? throw RequestRefusedException.Invalid(
            "usage", "is required: the counts, such as {\"inputTokens\":1000,\"outputTokens\":200}"))
        .ToUsage(provider, model, ServiceTier, Region, Speed);
}

/// <summary>So many of a kind at a rate. `rateOf` is the kind whose rate it is, where it has none of its own.</summary>
public sealed class QuotePartDocument
{
    internal QuotePartDocument(Charged part)
    {
        Kind = RateKinds.NameOf(part.Kind);
        Count = part.Count;
        Rate = ((Exact)part.Rate).ToString();
        Per = RateKinds.IsTokens(part.Kind) ? 1_000_000 : 1;
        RateOf = part.Taken == part.Kind ? null : RateKinds.NameOf(part.Taken);
        Cost = part.Cost.ToString();
    }

    public string Kind { get; }
    public decimal Count { get; }
    public string Rate { get; }
    public long Per { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RateOf { get; }

    public string Cost { get; }
}

public sealed record MultiplierDocument(string Name, string Factor);

/// <summary>A share off, by `negotiated`, `volume` or `batch`.</summary>
public sealed record DiscountStepDocument(string Kind, decimal Share, string Amount);

/// <summary>The same cost in another currency, or as an account is charged. `cost` is after the discounts and before the rounding of
/// bookings.</summary>
public sealed record ChargedDocument(
    string Cost, string Currency, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ExchangeRate,
        IReadOnlyList<DiscountStepDocument> Discounts);

/// <summary>Exact: nothing is rounded, and the parts add up to the cost.</summary>
public class QuoteDocument
{
    internal QuoteDocument(Quote quote)
    {
        var (model, period, charges) = (quote.Model!, quote.Period!, quote.Charges!);
        Provider = model.Provider;
        Model = model.Model;
        Cost = charges.Total.ToString();
        Currency = period.Currency;
        PriceVersion = quote.PriceVersion!;
        Parts = [.. charges.Parts.Select(part => new QuotePartDocument(part))];
        Multipliers =
            [.. charges.Multipliers.Select(multiplier => new MultiplierDocument(multiplier.Name, ((Exact)multiplier.Factor).ToString()))];
        CacheSaving = charges.CacheSaving?.ToString();
        EffectiveFrom = period.From;
        EffectiveUntil = period.Until;
    }

    public string Provider { get; }
    public string Model { get; }
    public string Cost { get; }
    public string Currency { get; }
    public string PriceVersion { get; }
    public IReadOnlyList<QuotePartDocument> Parts { get; }

    /// <summary>Factors that are in the costs of the parts that are tokens.</summary>
    public IReadOnlyList<MultiplierDocument> Multipliers { get; }

    /// <summary>How much less it is than without a cache; negative where writing to it cost more than reading saved.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CacheSaving { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChargedDocument? Converted { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChargedDocument? Charged { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? EffectiveFrom { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? EffectiveUntil { get; }
}
