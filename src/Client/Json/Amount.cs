// An amount in the unit of its limit: tokens and requests are whole numbers, money is a decimal string.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>
/// Tokens, requests or money. A whole number turns into tokens by itself (`Amount = 100_000`), a decimal into money
/// (`Amount = 12.50m`): the unit stands beside it, and the service refuses the wrong form. A null amount of a limit is unlimited.
/// </summary>
[JsonConverter(typeof(AmountConverter))]
public readonly record struct Amount : IComparable<Amount>
{
    Amount(decimal value, bool isMoney) => (Value, IsMoney) = (value, isMoney);

    public decimal Value { get; }

    /// <summary>Whether it goes over the wire as a decimal string.</summary>
    public bool IsMoney { get; }

    public static Amount Whole(decimal count) => new(count, isMoney: false);

    public static Amount Money(decimal units) => new(units, isMoney: true);

    public static implicit operator Amount(long count) => Whole(count);

    public static implicit operator Amount(decimal units) => Money(units);

    public static implicit operator decimal(Amount amount) => amount.Value;

    public static bool operator <(Amount left, Amount right) => left.Value < right.Value;

    public static bool operator >(Amount left, Amount right) => left.Value > right.Value;

    public static bool operator <=(Amount left, Amount right) => left.Value <= right.Value;

    public static bool operator >=(Amount left, Amount right) => left.Value >= right.Value;

    public static Amount FromInt64(long count) => count;

    public static Amount FromDecimal(decimal units) => units;

    public decimal ToDecimal() => Value;

    public int CompareTo(Amount other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

sealed class AmountConverter : JsonConverter<Amount>
{
    public override Amount Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? Amount.Money(MoneyConverter.Parse(ref reader)) : Amount.Whole(reader.GetDecimal());

    public override void Write(Utf8JsonWriter writer, Amount value, JsonSerializerOptions options)
    {
        if (value.IsMoney) writer.WriteStringValue(value.ToString());
        else writer.WriteNumberValue(value.Value);
    }
}
