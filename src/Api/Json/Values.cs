// The leaf values of the HTTP documents whose JSON form is more than a type: amounts, money, free JSON. Nothing here rounds.
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Json;

/// <summary>
/// An amount in the unit of its limit: tokens and requests are JSON whole numbers, money a decimal string, null is unlimited. Which of
/// them was sent is kept, because the unit stands elsewhere in the document.
/// </summary>
[JsonConverter(typeof(AmountConverter))]
public readonly record struct Amount
{
    public enum Form { Absent, Unlimited, Whole, Money }

    public Form Is { get; private init; }

    /// <summary>The number as it stands, or the money in nanos.</summary>
    public Int128 Value { get; private init; }

    public static readonly Amount Unlimited = new() { Is = Form.Unlimited };

    public static Amount Whole(Int128 count) => new() { Is = Form.Whole, Value = count };

    public static Amount Money(Int128 nanos) => new() { Is = Form.Money, Value = nanos };

    public static Amount Of(Quantity quantity) => quantity.Unit == LimitUnit.Cost ? Money(quantity.Value) : Whole(quantity.Value);

    public static Amount Of(Quantity? quantity) => quantity is { } known ? Of(known) : Unlimited;

    public static Amount Of(LimitUnit unit, Int128? value) => value is { } known ? Of(new Quantity(unit, known)) : Unlimited;

    /// <summary>Whether the form is the one that a unit is written in.</summary>
    public bool Fits(LimitUnit unit) => Is == Form.Unlimited || Is == (unit == LimitUnit.Cost ? Form.Money : Form.Whole);

    public static string Wanted(LimitUnit unit) => unit == LimitUnit.Cost
        ? "counts money: give a decimal string such as \"12.50\", not a number" : "counts whole units: give a whole number, not a string";
}

/// <summary>Money given by a caller: a decimal string with at most nine decimals.</summary>
[JsonConverter(typeof(CostConverter))]
public readonly record struct Cost(long Nanos);

/// <summary>A JSON object of the caller that is kept as its text.</summary>
[JsonConverter(typeof(FreeObjectConverter))]
public readonly record struct FreeObject(string Json);

/// <summary>A value of a request that can not be read. The message is the answer; the serializer adds the path.</summary>
public sealed class BadValueException(string message) : JsonException(message);

sealed class AmountConverter : JsonConverter<Amount>
{
    const string Wrong =
        "must be a whole number, or for money a decimal string such as \"12.50\" (at most nine decimals and a billion units)";

    public override bool HandleNull => true;

    public override Amount Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Null => Amount.Unlimited,
        JsonTokenType.Number => Amount.Whole(WholeNumberConverter.Read(ref reader, Wrong)),
        JsonTokenType.String when Core.Money.TryParse(TextConverter.Read(ref reader), out var nanos) => Amount.Money(nanos),
        _ => throw new BadValueException(Wrong),
    };

    public override void Write(Utf8JsonWriter writer, Amount value, JsonSerializerOptions options) => Write(writer, value);

    public static void Write(Utf8JsonWriter writer, Amount value)
    {
        switch (value.Is)
        {
            case Amount.Form.Money:
                writer.WriteStringValue(Core.Money.Format(value.Value));
                break;
            case Amount.Form.Whole when value.Value >= long.MinValue && value.Value <= long.MaxValue:
                writer.WriteNumberValue((long)value.Value);
                break;
            case Amount.Form.Whole:
                writer.WriteRawValue(value.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }
}

sealed class CostConverter : JsonConverter<Cost>
{
    public override Cost Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
            throw new BadValueException("must be a decimal string such as \"0.0125\": JSON numbers lose digits of money on their way");
        return reader.TokenType == JsonTokenType.String && Core.Money.TryParse(TextConverter.Read(ref reader), out var nanos)
            ? new(nanos)
            : throw new BadValueException(
                "must be a decimal string such as \"0.0125\" with at most nine decimals, at most a billion units");
    }

    public override void Write(Utf8JsonWriter writer, Cost value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Core.Money.Format(value.Nanos));
}

sealed class FreeObjectConverter : JsonConverter<FreeObject>
{
    // As deep as the bodies themselves may be: what was kept can always be sent again.
    static readonly JsonDocumentOptions strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public override FreeObject Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new BadValueException("must be a JSON object");
        using var parsed = JsonDocument.ParseValue(ref reader);
        var text = parsed.RootElement.GetRawText();
        if (!IsSound(text)) throw new BadValueException("holds a member twice, a NUL character or half of a surrogate pair");
        return new(text);
    }

    /// <summary>Escapes are checked here because they are kept as they came; everything else was read already.</summary>
    public static bool IsSound(string text)
    {
        try
        {
            using var again = JsonDocument.Parse(text, strict);
            return !text.Contains("\\u", StringComparison.Ordinal) || IsSound(again.RootElement);
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    static bool IsSound(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(member => !member.Name.Contains('\0') && IsSound(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsSound),
        JsonValueKind.String => !element.GetString()!.Contains('\0'),
        _ => true,
    };

    public override void Write(Utf8JsonWriter writer, FreeObject value, JsonSerializerOptions options) => writer.WriteRawValue(value.Json);
}
