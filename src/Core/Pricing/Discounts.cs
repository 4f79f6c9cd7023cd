// Discounts of an account: what was negotiated for some models, what many tokens (or much money) in a month bring, what large batches
// bring.
using System.Text.Json.Serialization;

namespace Purser.Core;

public enum VolumeMeasure { Tokens, Cost }

/// <summary>So large a share off the whole amount, where something is more than <see cref="Above"/>.</summary>
public sealed record DiscountTier(decimal Above, decimal Discount);

/// <summary>Tiers by what the account used in its current month, the call itself included.</summary>
public sealed record VolumeDiscount(VolumeMeasure Measure, IReadOnlyList<DiscountTier> Tiers);

/// <summary>Calls that match cost the list price times a factor.</summary>
public sealed record NegotiatedPrice(SortedDictionary<string, string>? Match, decimal Multiplier)
{
    [JsonIgnore]
    internal LimitMatcher Matcher => matcher ??= new(new Limit { Id = "", Match = Match });
    LimitMatcher? matcher;
}

/// <summary>The first negotiated price that matches counts; the discounts are taken off what it leaves. Never below nothing.</summary>
public sealed record Discounts(
    VolumeDiscount? Volume = null, IReadOnlyList<DiscountTier>? Batch = null, IReadOnlyList<NegotiatedPrice>? Negotiated = null)
{
    /// <summary>What is off, and by which rule: `negotiated`, `volume`, `batch`.</summary>
    public readonly record struct Step(string Kind, decimal Share, Exact Amount);

    /// <summary><paramref name="month"/> is what was used before this call.</summary>
    public IReadOnlyList<Step> Of(Exact list, Dimensions call, string? canonicalModel, long tokens, long requests, MonthUsage month)
    {
        var steps = new List<Step>(3);
        var subtotal = list;
        foreach (var negotiated in Negotiated ?? [])
        {
            if (!negotiated.Matcher.Matches(call, canonicalModel)) continue;
            subtotal = list * negotiated.Multiplier;
            if (negotiated.Multiplier != 1) steps.Add(new("negotiated", 1 - negotiated.Multiplier, list - subtotal));
            break;
        }
        var off = Exact.Zero;
        if (Volume is { } volume)
            Take("volume", volume.Tiers, volume.Measure == VolumeMeasure.Tokens ? month.Tokens + (Exact)tokens : month.Cost + subtotal);
        if (Batch is { } batch) Take("batch", batch, requests);
        return steps;

        void Take(string kind, IReadOnlyList<DiscountTier> tiers, Exact measure)
        {
            for (var i = tiers.Count - 1; i >= 0; i--)
            {
                if (measure.CompareTo(tiers[i].Above) <= 0) continue;
                var amount = subtotal * tiers[i].Discount;
                // Several together never take more than there is.
                if ((off + amount).CompareTo(subtotal) > 0) amount = subtotal - off;
                off += amount;
                steps.Add(new(kind, tiers[i].Discount, amount));
                return;
            }
        }
    }
}

/// <summary>What an account used so far in a month of its calendar.</summary>
public sealed class MonthUsage
{
    public static readonly MonthUsage Nothing = new();

    public Span Span { get; init; }
    public Int128 UsedTokens { get; set; }
    public Int128 UsedNanos { get; set; }

    /// <summary>Without what was booked of a call that is rated anew: the call itself is counted by its rating.</summary>
    public MonthUsage Without(Amounts booked) => booked is { Tokens: 0, CostNanos: 0 } ? this
        : new() { Span = Span, UsedTokens = UsedTokens - booked.Tokens, UsedNanos = UsedNanos - booked.CostNanos };

    [JsonIgnore]
    public Exact Tokens => new((System.Numerics.BigInteger)UsedTokens, 0);

    [JsonIgnore]
    public Exact Cost => new((System.Numerics.BigInteger)UsedNanos, 9);
}
