// What a usage would cost: the question, and the answer with its parts.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>The counts of a usage: totals, parts and units, and nothing of who made the call.</summary>
public sealed class QuoteUsageDocument : PartsDocument
{
    /// <summary>Tokens of the prompt, cached ones included.</summary>
    public long? InputTokens { get; set; }

    /// <summary>Tokens of the answer, reasoning included.</summary>
    public long? OutputTokens { get; set; }

    /// <summary>How many requests it stands for; 1 where it is not said.</summary>
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
    /// <summary>The provider, by its name.</summary>
    public string? Provider { get; set; }

    /// <summary>The model, by its name.</summary>
    public string? Model { get; set; }

    /// <summary>What is used.</summary>
    [Required]
    public QuoteUsageDocument? Usage { get; set; }

    /// <summary>The tier of the provider's service: standard, batch, flex or priority.</summary>
    public string? ServiceTier { get; set; }

    /// <summary>The time whose price is asked for.</summary>
    public Instant? At { get; set; }

    /// <summary>Where the provider computes, if that has a price of its own.</summary>
    public string? Region { get; set; }

    /// <summary>How fast the provider computes, if that has a price of its own.</summary>
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

    /// <summary>The kind of tokens or units.</summary>
    public string Kind { get; }

    /// <summary>How many there are.</summary>
    public decimal Count { get; }

    /// <summary>What they cost.</summary>
    [DataType("decimal")]
    public string Rate { get; }

    /// <summary>For how many of them that is.</summary>
    public long Per { get; }

    /// <summary>The kind whose rate it is, where it has none of its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RateOf { get; }

    /// <summary>What these cost.</summary>
    [DataType("decimal")]
    public string Cost { get; }
}

/// <param name="Name">What it is for.</param>
/// <param name="Factor">What costs are multiplied by.</param>
public sealed record MultiplierDocument(string Name, [property: DataType("decimal")] string Factor);

/// <summary>A share off, by `negotiated`, `volume` or `batch`.</summary>
/// <param name="Kind">Which discount it is.</param>
/// <param name="Share">The share off.</param>
/// <param name="Amount">The money off.</param>
public sealed record DiscountStepDocument(string Kind, decimal Share, [property: DataType("decimal")] string Amount);

/// <summary>The same cost in another currency, or as an account is charged. `cost` is after the discounts and before the rounding of
/// bookings.</summary>
/// <param name="Cost">What it is after discounts.</param>
/// <param name="Currency">The currency of the money beside it: three letters.</param>
/// <param name="ExchangeRate">How much of this currency one unit of the price's is.</param>
/// <param name="Discounts">The discounts, in their order.</param>
public sealed record ChargedDocument(
    [property: DataType("decimal")] string Cost, string Currency, [property: DataType("decimal")] [
        property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ExchangeRate,
        IReadOnlyList<DiscountStepDocument> Discounts)
{
    /// <summary>What of it would be free by an allowance of the price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AllowanceUseDocument>? Allowances { get; init; }
}

/// <summary>Exact: nothing is rounded, and the parts add up to the cost.</summary>
public class QuoteDocument
{
    internal QuoteDocument(Quote quote)
    {
        var (model, period, charges) = (quote.Model!, quote.Period!, quote.Charges!);
        Provider = model.Provider;
        Model = model.Model;
        Exactly = charges.Total;
        Cost = Exactly.ToString();
        Currency = period.Currency;
        PriceVersion = quote.PriceVersion!;
        Parts = [.. charges.Parts.Select(part => new QuotePartDocument(part))];
        Multipliers =
            [.. charges.Multipliers.Select(multiplier => new MultiplierDocument(multiplier.Name, ((Exact)multiplier.Factor).ToString()))];
        CacheSaving = charges.CacheSaving?.ToString();
        EffectiveFrom = period.From;
        EffectiveUntil = period.Until;
    }

    /// <summary>The provider, by its name.</summary>
    public string Provider { get; }

    /// <summary>The model, by its name.</summary>
    public string Model { get; }

    /// <summary>What it costs, exactly.</summary>
    [DataType("decimal")]
    public string Cost { get; }

    internal Exact Exactly { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>The version of the price that it was rated with; null where there was no price.</summary>
    public string PriceVersion { get; }

    /// <summary>What the cost is made of.</summary>
    public IReadOnlyList<QuotePartDocument> Parts { get; }

    /// <summary>Factors that are in the costs of the parts that are tokens.</summary>
    public IReadOnlyList<MultiplierDocument> Multipliers { get; }

    /// <summary>How much less it is than without a cache; negative where writing to it cost more than reading saved.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("decimal")]
    public string? CacheSaving { get; }

    /// <summary>The same in the currency that was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChargedDocument? Converted { get; init; }

    /// <summary>What the account that was named would be charged.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ChargedDocument? Charged { get; init; }

    /// <summary>From when on the price holds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? EffectiveFrom { get; }

    /// <summary>Until when it holds; null is on and on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? EffectiveUntil { get; }
}

/// <param name="Quote">The quote; null where there is none.</param>
/// <param name="Problem">Why there is none; null where there is one.</param>
public sealed record QuotedDocument(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] QuoteDocument? Quote,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ProblemDocument? Problem);

/// <param name="Currency">The currency of the money beside it: three letters.</param>
/// <param name="Cost">What the quotes in it come to, exactly.</param>
public sealed record QuoteTotalDocument(string Currency, [property: DataType("decimal")] string Cost);

/// <param name="Items">What became of each, in their order: a quote or a problem.</param>
/// <param name="Totals">The sum of the quotes, for each currency of a price.</param>
public sealed record QuotesDocument(IReadOnlyList<QuotedDocument> Items, IReadOnlyList<QuoteTotalDocument> Totals);
