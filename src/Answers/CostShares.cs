// How the money of a model divides into what went in, what came out, and what is counted in units. Records keep their cost whole: what was
// booked is divided as the list price of the model divides the same counts, so that the parts add up to it to the last digit.
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Core;

namespace Purser.Answers;

public sealed record CostShares(Int128 InputNanos, Int128 OutputNanos, Int128 OtherNanos)
{
    /// <summary>Null where the model has no price, or none for something of it.</summary>
    public static CostShares? Of(PriceBook prices, ModelCost model, Instant at)
    {
        if (prices.Find(model.Provider, model.Model) is not { } price || (price.At(at) ?? price.Today(at)) is not { } period) return null;
        // Tiers are for single calls, and hours for moments: the counts here are of many.
        var plain = new PricePeriod { Rates = period.Rates };
        var usage = new Usage
        {
            InputTokens = Whole(model.Tally.InputTokens), OutputTokens = Whole(model.Tally.OutputTokens),
            Requests = Whole(model.Tally.Requests), Parts = PartsOf(model.Tally.PartCounts),
        };
        if (!plain.Missing(usage, default).IsEmpty) return null;
        var (input, output, other) = (Exact.Zero, Exact.Zero, Exact.Zero);
        foreach (var part in plain.Listed(usage, default).Parts)
            if (!RateKinds.IsTokens(part.Kind) || part.Kind == RateKind.Citation) other += part.Cost;
            else if (RateKinds.IsInput(part.Kind)) input += part.Cost;
            else output += part.Cost;
        var all = input + output + other;
        if (all.Digits.IsZero) return null;
        var cost = model.Tally.CostNanos;
        var ofOther = Int128.Min(cost, Share(other));
        var ofInput = output.Digits.IsZero ? cost - ofOther : Int128.Min(cost - ofOther, Share(input));
        return new(ofInput, cost - ofInput - ofOther, ofOther);

        Int128 Share(Exact part) => (Int128)((new Exact((BigInteger)cost, 0) * part).DividedCeiling(all, 0).ToDecimal() ?? 0);
    }

    static long Whole(Int128 count) => (long)Int128.Clamp(count, 0, Amounts.LargestTokens);

    static UsageParts? PartsOf(IReadOnlyDictionary<string, decimal> counts)
    {
        if (counts.Count == 0) return null;
        var json = new JsonObject();
        foreach (var (name, count) in counts) json[name] = count;
        return json.Deserialize(CoreJson.Default.UsageParts);
    }
}
