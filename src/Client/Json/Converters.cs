// How values travel whose .NET type is not their JSON type: money, durations, words, thresholds, the items of many usages.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Money and rates: decimal strings, because JSON numbers lose digits on their way.</summary>
sealed class MoneyConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetDecimal() : Parse(ref reader);

    public static decimal Parse(ref Utf8JsonReader reader) =>
        decimal.TryParse(reader.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var money)
            ? money : throw new JsonException("is not a decimal");

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
}

/// <summary>A number of seconds. What is sent is whole: time is asked for rather longer than shorter.</summary>
sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromSeconds((double)reader.GetDecimal());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue((long)Math.Ceiling(value.TotalSeconds));
}

/// <summary>A number of milliseconds; whole when sent.</summary>
sealed class MillisecondsConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TimeSpan.FromMilliseconds((double)reader.GetDecimal());

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue((long)Math.Ceiling(value.TotalMilliseconds));
}

/// <summary>A time that was measured, as a number of some unit: as fine as it was told.</summary>
abstract class MeasuredConverter(long ticksOfOne) : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new((long)(reader.GetDecimal() * ticksOfOne));

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteNumberValue((decimal)value.Ticks / ticksOfOne);
}

sealed class MeasuredSecondsConverter() : MeasuredConverter(TimeSpan.TicksPerSecond);

sealed class MeasuredMillisecondsConverter() : MeasuredConverter(TimeSpan.TicksPerMillisecond);

/// <summary>
/// Words in camelCase. One that this version of the client does not know is read as the first of its type, `Unknown`: a newer service
/// breaks nobody.
/// </summary>
sealed class WordConverter<T> : JsonConverter<T> where T : struct, Enum
{
    static readonly (T Value, string Word)[] words =
        [.. Enum.GetValues<T>().Select(value => (value, JsonNamingPolicy.CamelCase.ConvertName(value.ToString())))];

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var read = reader.GetString();
        foreach (var (value, word) in words)
            if (string.Equals(word, read, StringComparison.OrdinalIgnoreCase)) return value;
        return default;
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Array.Find(words, known => known.Value.Equals(value)).Word);
}

/// <summary>The word `unknown` is one of the kinds of records.</summary>
sealed class RecordKindConverter : JsonConverter<RecordKind>
{
    static readonly WordConverter<RecordKind> words = new();

    public override RecordKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.ValueTextEquals("unknown"u8) ? RecordKind.Doubtful : words.Read(ref reader, typeToConvert, options);

    public override void Write(Utf8JsonWriter writer, RecordKind value, JsonSerializerOptions options)
    {
        if (value == RecordKind.Doubtful) writer.WriteStringValue("unknown"u8);
        else words.Write(writer, value, options);
    }
}

sealed class ThresholdConverter : JsonConverter<Threshold>
{
    public override Threshold Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number) return new(reader.GetDecimal());
        using var read = JsonDocument.ParseValue(ref reader);
        // Members outlast the document that they were read from.
        var whole = read.RootElement.Clone();
        JsonProperty[] others = [.. whole.EnumerateObject().Where(member => member.Name is not ("ratio" or "level"))];
        return new(whole.GetProperty("ratio").GetDecimal(), whole.TryGetProperty("level", out var level) ? level.GetString() : null)
        {
            Others = others.Length > 0 ? others : null,
        };
    }

    public override void Write(Utf8JsonWriter writer, Threshold value, JsonSerializerOptions options)
    {
        if (value is { Level: null, Others: null })
        {
            writer.WriteNumberValue(value.Ratio);
            return;
        }
        writer.WriteStartObject();
        writer.WriteNumber("ratio", value.Ratio);
        if (value.Level is not null) writer.WriteString("level", value.Level);
        foreach (var other in value.Others ?? []) other.WriteTo(writer);
        writer.WriteEndObject();
    }
}

/// <summary>An item is a settlement, or a problem, which has a type.</summary>
sealed class UsageResultConverter : JsonConverter<UsageResult>
{
    public override UsageResult Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var read = JsonDocument.ParseValue(ref reader);
        return read.RootElement.TryGetProperty("type", out _)
            ? new() { Problem = read.RootElement.Deserialize(PurserJson.Default.Problem) }
            : new() { Settlement = read.RootElement.Deserialize(PurserJson.Default.Settlement) };
    }

    public override void Write(Utf8JsonWriter writer, UsageResult value, JsonSerializerOptions options)
    {
        if (value.Settlement is { } settlement) JsonSerializer.Serialize(writer, settlement, PurserJson.Default.Settlement);
        else JsonSerializer.Serialize(writer, value.Problem!, PurserJson.Default.Problem);
    }
}
