// What a call takes out of a budget, in every unit at once, and the units that limits are written in.
using System.Text.Json.Serialization;

namespace Purser.Core;

public enum LimitUnit { Tokens, InputTokens, OutputTokens, Cost, Requests }

/// <summary>The names of units as they are written in JSON.</summary>
public static class Names
{
    public static string Of(LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => "tokens",
        LimitUnit.InputTokens => "inputTokens",
        LimitUnit.OutputTokens => "outputTokens",
        LimitUnit.Cost => "cost",
        _ => "requests",
    };
}

/// <summary>Tokens, money (nanos) and requests of one call. Adjustments may be negative; everything else is not.</summary>
public readonly record struct Amounts(long Tokens, long InputTokens, long OutputTokens, long CostNanos, long Requests)
{
    /// <summary>The most tokens one call may name: beyond it lies no model, and below it JSON numbers are exact everywhere.</summary>
    public const long LargestTokens = 1_000_000_000_000_000;

    /// <summary>What one hold can come to over all its extensions and parts; sums of two of it still fit 64 bits.</summary>
    public static readonly Amounts Most = new(MostEach, MostEach, MostEach, MostEach, MostEach);
    const long MostEach = 4 * Money.LargestNanos;

    public long Of(LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => Tokens,
        LimitUnit.InputTokens => InputTokens,
        LimitUnit.OutputTokens => OutputTokens,
        LimitUnit.Cost => CostNanos,
        _ => Requests,
    };

    /// <summary>Input and output as sums show them: tokens that are not told apart are put under the input.</summary>
    [JsonIgnore]
    public (long Input, long Output) Told => (Int128)InputTokens + OutputTokens == Tokens ? (InputTokens, OutputTokens) : (Tokens, 0);

    public static Amounts operator +(Amounts a, Amounts b) => new(
        a.Tokens + b.Tokens, a.InputTokens + b.InputTokens, a.OutputTokens + b.OutputTokens, a.CostNanos + b.CostNanos,
            a.Requests + b.Requests);

    public static Amounts operator -(Amounts a, Amounts b) => new(
        a.Tokens - b.Tokens, a.InputTokens - b.InputTokens, a.OutputTokens - b.OutputTokens, a.CostNanos - b.CostNanos,
            a.Requests - b.Requests);

    /// <summary>The smaller of both, unit by unit: what a hold can give towards an actual usage.</summary>
    public static Amounts Min(Amounts a, Amounts b) => new(
        Math.Min(a.Tokens, b.Tokens), Math.Min(a.InputTokens, b.InputTokens), Math.Min(a.OutputTokens, b.OutputTokens),
        Math.Min(a.CostNanos, b.CostNanos), Math.Min(a.Requests, b.Requests));
}

/// <summary>An amount together with its unit: tokens and requests are JSON numbers, money a decimal string.</summary>
[JsonConverter(typeof(QuantityConverter))]
public readonly record struct Quantity(LimitUnit Unit, Int128 Value)
{
    public override string ToString() => Unit == LimitUnit.Cost
        ? Money.Format(Value) : Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
