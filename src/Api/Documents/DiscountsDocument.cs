// What an account pays less than the list: negotiated prices, and tiers by the month's volume or by the size of a batch.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class DiscountsDocument
{
    /// <summary>By what the account used in its month.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VolumeDocument? Volume { get; set; }

    /// <summary>By the `requests` of one usage.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DiscountTierDocument>? Batch { get; set; }

    /// <summary>The first that matches counts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<NegotiatedDocument>? Negotiated { get; set; }

    internal Discounts ToDiscounts() => new(
        Volume?.ToVolume(), Batch?.Select((tier, i) => DiscountTierDocument.ToTier(tier, $"discounts.batch[{i}]")).ToArray(),
        Negotiated?.Select((price, i) => NegotiatedDocument.ToNegotiated(price, $"discounts.negotiated[{i}]")).ToArray());

    internal static DiscountsDocument? Of(Discounts? discounts) => discounts is null ? null : new()
    {
        Volume = discounts.Volume is { } volume ? new() { Measure = volume.Measure == VolumeMeasure.Cost
            ? "cost" : "tokens", Tiers = DiscountTierDocument.Of(volume.Tiers) } : null,
        Batch = discounts.Batch is { } batch ? DiscountTierDocument.Of(batch) : null,
        Negotiated = discounts.Negotiated?.Select(price => new NegotiatedDocument { Match = price.Match, Multiplier = price.Multiplier })
            .ToArray(),
    };
}

/// <summary>Tiers by what the account used in its current month, the call itself included: `tokens` (the default) or `cost`.</summary>
public sealed class VolumeDocument
{
    /// <summary>What is added up in the month: tokens or cost.</summary>
    [AllowedValues("tokens", "cost")]
    public string? Measure { get; set; }

    /// <summary>The tiers; the highest one that is reached holds.</summary>
    public IReadOnlyList<DiscountTierDocument>? Tiers { get; set; }

    internal VolumeDiscount ToVolume() => new(
        Measure switch
        {
            null or "tokens" => VolumeMeasure.Tokens,
            "cost" => VolumeMeasure.Cost,
            _ => throw RequestRefusedException.Invalid("discounts.volume.measure", "must be tokens or cost"),
        },
        (Tiers ?? throw RequestRefusedException.Invalid("discounts.volume.tiers", "is required"))
            .Select((tier, i) => DiscountTierDocument.ToTier(tier, $"discounts.volume.tiers[{i}]")).ToArray());
}

/// <summary>A share off the whole amount (0.05 is 5%) where there is more than `above`.</summary>
public sealed class DiscountTierDocument
{
    /// <summary>The tier holds where there is more than this.</summary>
    public decimal? Above { get; set; }

    /// <summary>The share off, such as 0.05 for 5 %.</summary>
    public decimal? Discount { get; set; }

    internal static DiscountTier ToTier(DiscountTierDocument? sent, string at) => new(
        sent?.Above ?? throw RequestRefusedException.Invalid($"{at}.above", "is required"),
        sent.Discount ?? throw RequestRefusedException.Invalid($"{at}.discount", "is required: a share, such as 0.05 for 5%"));

    internal static DiscountTierDocument[] Of(IReadOnlyList<DiscountTier> tiers) =>
        [.. tiers.Select(tier => new DiscountTierDocument { Above = tier.Above, Discount = tier.Discount })];
}

/// <summary>Calls that match cost the list price times `multiplier`.</summary>
public sealed class NegotiatedDocument
{
    /// <summary>Only calls that match: dimension to a value or a glob.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Match { get; set; }

    /// <summary>What the list price is multiplied by.</summary>
    public decimal? Multiplier { get; set; }

    internal static NegotiatedPrice ToNegotiated(NegotiatedDocument? sent, string at)
    {
        foreach (var (dimension, pattern) in sent?.Match ?? [])
            if (pattern is null)
                throw RequestRefusedException.Invalid($"{at}.match.{dimension}", "must be a string");
        return new(sent?.Match is { Count: > 0 } match ? match : null, sent?.Multiplier ?? throw RequestRefusedException.Invalid(
            $"{at}.multiplier", "is required"));
    }
}
