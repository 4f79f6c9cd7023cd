// The one JSON form of commands, events, outcomes and state, for storage and between nodes. Instants are whole milliseconds since 1970.
// A member whose own default is not the zero of its type is always written (`Condition = Never`): what is left out reads as zero.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true,
    Converters = [typeof(InstantMillisConverter)])]
[JsonSerializable(typeof(BudgetEvent[]))]
[JsonSerializable(typeof(BudgetCommand))]
[JsonSerializable(typeof(Outcome))]
[JsonSerializable(typeof(BudgetState))]
[JsonSerializable(typeof(Hold))]
[JsonSerializable(typeof(Counter))]
[JsonSerializable(typeof(UsageRecord))]
[JsonSerializable(typeof(SettingsBody))]
[JsonSerializable(typeof(SettingsEdit))]
[JsonSerializable(typeof(ExchangeRates))]
[JsonSerializable(typeof(ChangedRates))]
[JsonSerializable(typeof(CatalogueName))]
[JsonSerializable(typeof(Tenant))]
[JsonSerializable(typeof(IReadOnlyList<FirstDays>))]
public sealed partial class CoreJson : JsonSerializerContext;

public sealed class InstantMillisConverter : JsonConverter<Instant>
{
    public override Instant Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Instant.FromUnixTimeMilliseconds(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, Instant value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.ToUnixTimeMilliseconds());
}

public sealed class WindowConverter : JsonConverter<Window>
{
    public override Window Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Window.TryParse(reader.GetString(), out var window) ? window : throw new JsonException($"unknown window '{reader.GetString()}'");

    public override void Write(Utf8JsonWriter writer, Window value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>Touches are in nearly every event: [limit number, key, start, end].</summary>
sealed class TouchConverter : JsonConverter<Touch>
{
    public override Touch Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Read();
        var no = reader.GetInt32();
        reader.Read();
        var key = reader.GetString()!;
        reader.Read();
        var start = Instant.FromUnixTimeMilliseconds(reader.GetInt64());
        reader.Read();
        var end = Instant.FromUnixTimeMilliseconds(reader.GetInt64());
        reader.Read();
        return new(no, key, new(start, end));
    }

    public override void Write(Utf8JsonWriter writer, Touch value, JsonSerializerOptions options) => Write(writer, value);

    public static void Write(Utf8JsonWriter writer, in Touch value)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.No);
        writer.WriteStringValue(value.Key);
        writer.WriteNumberValue(value.Span.Start.ToUnixTimeMilliseconds());
        writer.WriteNumberValue(value.Span.End.ToUnixTimeMilliseconds());
        writer.WriteEndArray();
    }
}

/// <summary>[unit, smallest units]: between nodes nothing is rounded or formatted.</summary>
sealed class QuantityConverter : JsonConverter<Quantity>
{
    public override Quantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Read();
        var unit = (LimitUnit)reader.GetInt32();
        reader.Read();
        var value = Int128.Parse(reader.GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        reader.Read();
        return new(unit, value);
    }

    public override void Write(Utf8JsonWriter writer, Quantity value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue((int)value.Unit);
        writer.WriteStringValue(value.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteEndArray();
    }
}
