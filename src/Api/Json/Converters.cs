// How simple values are read and written. They exist for their messages: an answer to a wrong value says what a right one looks like.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using NodaTime.Text;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Api.Json;

sealed class TextConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    public static string Read(ref Utf8JsonReader reader) =>
        reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
            ? Checked(ref reader) : throw new BadValueException("must be a string");

    // NUL is the one character that ledgers can not keep.
    static string Checked(ref Utf8JsonReader reader)
    {
        var text = Sound(ref reader);
        return text.Contains('\0') ? throw new BadValueException("must not contain the NUL character") : text;
    }

    internal static string Sound(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new BadValueException("is not valid Unicode: it has half of a surrogate pair");
        }
    }

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Checked(ref reader);

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value);
}

/// <summary>A text that nothing keeps, with whatever characters it has.</summary>
sealed class UnkeptTextConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String ? TextConverter.Sound(ref reader) : throw new BadValueException("must be a string");

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

sealed class WholeNumberConverter : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, "must be a whole number");

    public static long Read(ref Utf8JsonReader reader, string wrong)
    {
        if (reader.TokenType != JsonTokenType.Number) throw new BadValueException(wrong);
        if (reader.TryGetInt64(out var whole)) return whole;
        // 1000.0 and 1e3 are whole numbers too.
        if (reader.TryGetDecimal(out var number) && number == decimal.Truncate(number) && number is >= long.MinValue and <= long.MaxValue)
            return (long)number;
        throw new BadValueException($"{wrong}, of at most 63 bits");
    }

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}

sealed class NumberConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var number)
            ? number : throw new BadValueException("must be a number of at most 28 digits");

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}

sealed class FlagConverter : JsonConverter<bool>
{
    public override bool Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw new BadValueException("must be true or false"),
    };

    public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) => writer.WriteBooleanValue(value);
}

/// <summary>RFC 3339. Out: UTC, with milliseconds only where there are any. In: any offset, cut to milliseconds.</summary>
sealed class TimeConverter : JsonConverter<Instant>
{
    public const string Wrong = "must be an RFC 3339 time with its offset, such as 2026-03-01T12:00:00Z";

    static readonly Instant earliest = Instant.FromUtc(1, 1, 2, 0, 0);
    static readonly Instant latest = Instant.FromUtc(9999, 12, 31, 0, 0);

    public override Instant Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(TextConverter.Read(ref reader), out var instant)
            ? instant : throw new BadValueException(Wrong);

    public static bool TryParse(string text, out Instant instant)
    {
        instant = default;
        var parsed = OffsetDateTimePattern.Rfc3339.Parse(text);
        if (!parsed.Success) return false;
        instant = Instant.FromUnixTimeMilliseconds(parsed.Value.ToInstant().ToUnixTimeMilliseconds());
        return instant >= earliest && instant <= latest;
    }

    public override void Write(Utf8JsonWriter writer, Instant value, JsonSerializerOptions options) => Write(writer, value);

    public static void Write(Utf8JsonWriter writer, Instant value)
    {
        Span<byte> text = stackalloc byte[32];
        var time = value.ToDateTimeUtc();
        // The seconds in a form that the runtime has a quick way for.
        time.TryFormat(text, out var length, "s", System.Globalization.CultureInfo.InvariantCulture);
        if (time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMillisecond is > 0 and var millis)
        {
            text[length++] = (byte)'.';
            for (var unit = 100; unit > 0; unit /= 10) text[length++] = (byte)('0' + (millis / unit % 10));
        }
        text[length++] = (byte)'Z';
        writer.WriteStringValue(text[..length]);
    }

    public static string Text(Instant value)
    {
        var time = value.ToDateTimeUtc();
        return time.ToString(FormatOf(time), System.Globalization.CultureInfo.InvariantCulture);
    }

    static string FormatOf(DateTime time) => time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMillisecond == 0
        ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.fffZ";
}

sealed class WindowNameConverter : JsonConverter<Window>
{
    public static readonly string Wrong =
        $"must be {string.Join(", ", Window.Names.SkipLast(1))} or rolling:<ISO 8601 duration> of a minute to 400 days, such as "
            + $"rolling:P7D";

    public override Window Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Window.TryParse(TextConverter.Read(ref reader), out var window)
            ? window : throw new BadValueException(Wrong);

    public override void Write(Utf8JsonWriter writer, Window value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>An enum as camelCase words; case is ignored when reading.</summary>
class WordConverter<T> : JsonConverter<T> where T : struct, Enum
{
    public static readonly IReadOnlyList<(string Word, T Value)> Words =
        [.. Enum.GetValues<T>().Select(value => (JsonNamingPolicy.CamelCase.ConvertName(value.ToString()), value))
            .Where(word => word.Item1 != "none")];

    static readonly Dictionary<T, JsonEncodedText> encoded = Words.ToDictionary(word => word.Value, word =>
        JsonEncodedText.Encode(word.Word));

    public static JsonEncodedText Encoded(T value) => encoded[value];

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && TryParse(TextConverter.Read(ref reader), out var value)) return value;
        throw new BadValueException($"must be one of {string.Join(", ", Words.Select(known => known.Word))}");
    }

    public static bool TryParse(string text, out T value)
    {
        foreach (var (word, known) in Words)
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                value = known;
                return true;
            }
        value = default;
        return false;
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(encoded[value]);
}

sealed class UnitConverter : WordConverter<LimitUnit>;

sealed class EnforcementConverter : WordConverter<Enforcement>;

sealed class ModeConverter : WordConverter<LimitMode>;

sealed class UnpricedRuleConverter : WordConverter<UnpricedRule>;

sealed class ExpiryRuleConverter : WordConverter<ExpiryRule>;

sealed class DisputedRuleConverter : WordConverter<DisputedRule>;

sealed class PreferredCostConverter : WordConverter<PreferredCost>;

sealed class UsageRecordingConverter : WordConverter<UsageRecording>;

sealed class WeekdayConverter : WordConverter<IsoDayOfWeek>;

sealed class ReservationStateConverter : WordConverter<ReservationState>;

sealed class RecordKindConverter : WordConverter<RecordKind>;

sealed class AnomalyKindConverter : WordConverter<AnomalyKind>;

sealed class AnomalyUnitConverter : WordConverter<AnomalyUnit>;

sealed class SeverityConverter : WordConverter<Severity>;

sealed class TrendDirectionConverter : WordConverter<TrendDirection>;
