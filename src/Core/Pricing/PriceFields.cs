// The members of one JSON object of prices, read one by one. Whatever does not fit is refused with its place.
using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core;

/// <summary><paramref name="entry"/> and <paramref name="path"/> (empty, or ending in a dot) say where the object stands.</summary>
readonly struct PriceFields(string? entry, string path, JsonElement json)
{
    /// <summary>More digits a decimal does not hold.</summary>
    const int LongestNumber = 29;
    const int LongestText = 2000;
    static readonly SearchValues<char> digits = SearchValues.Create(".0123456789");

    readonly JsonElement json = json.ValueKind == JsonValueKind.Object
        ? json : throw new PriceRefusedException(entry, path.Length == 0 ? "$" : path.TrimEnd('.'), "must be a JSON object");

    public PriceRefusedException Wrong(string field, string detail) => new(entry, path + field, detail);

    /// <summary>Refuses members that have no meaning here. Nothing is null: what is unknown is left out.</summary>
    public void Only(FrozenSet<string> known)
    {
        foreach (var member in json.EnumerateObject())
        {
            var name = member.Name;
            if (!known.Contains(name)) throw Wrong(name.Length <= 60 ? name : name[..60] + "…", "is not a field of a price");
            if (member.Value.ValueKind == JsonValueKind.Null) throw Wrong(name, "must not be null; leave out what is unknown");
        }
    }

    public bool Has(string field) => json.TryGetProperty(field, out _);

    public PriceFields? Object(string field, bool required = false)
    {
        if (json.TryGetProperty(field, out var value)) return new(entry, $"{path}{field}.", value);
        return required ? throw Wrong(field, "is required") : null;
    }

    public JsonElement.ObjectEnumerator Members => json.EnumerateObject();

    public IEnumerable<JsonElement> Items(string field, bool required = false)
    {
        if (!json.TryGetProperty(field, out var value)) return required ? throw Wrong(field, "is required") : [];
        return value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Wrong(field, "must be an array");
    }

    public PriceFields Item(string field, int index, JsonElement item) => new(entry, $"{path}{field}[{index}].", item);

    public string? Text(string field, bool required = false, bool mayBeEmpty = false)
    {
        if (!json.TryGetProperty(field, out var value)) return required ? throw Wrong(field, "is required") : null;
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: <= LongestText } text
            && (text.Length > 0 || mayBeEmpty) && !text.AsSpan().ContainsAnyInRange('\0', '\x1f')
            ? text : throw Wrong(field, $"must be a string of 1 to {LongestText} characters without control characters");
    }

    public IReadOnlyList<string> Texts(string field, bool required = false)
    {
        var texts = new List<string>();
        foreach (var item in Items(field, required))
            texts.Add(item.ValueKind == JsonValueKind.String && item.GetString() is { Length: > 0 and <= LongestText } text
                ? text : throw Wrong($"{field}[{texts.Count}]", "must be a string"));
        return texts.Count == 0 ? [] : texts;
    }

    public long? Whole(string field)
    {
        if (!json.TryGetProperty(field, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) && whole >= 0
            ? whole : throw Wrong(field, "must be a whole number, not below 0");
    }

    public bool Flag(string field) => json.TryGetProperty(field, out var value)
        && (value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : throw Wrong(field, "must be true or false"));

    public string? Date(string field, bool required = false) => Text(field, required) is not { } text ? null
        : LocalDatePattern.Iso.Parse(text).Success ? text : throw Wrong(field, "must be a date such as 2026-10-04");

    public Instant? Time(string field) => Text(field) is not { } text ? null
        : OffsetDateTimePattern.Rfc3339.Parse(text) is { Success: true, Value: var time } ? time.ToInstant()
        : throw Wrong(field, "must be an RFC 3339 time with its offset, such as 2026-03-01T00:00:00Z");

    public decimal Number(string field) => Number(entry, path + field, json.GetProperty(field));

    public decimal Number(JsonProperty member) => Number(entry, path + member.Name, member.Value);

    /// <summary>A decimal string without sign and exponent. A JSON number would be a binary fraction to most who write one.</summary>
    static decimal Number(string? entry, string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new PriceRefusedException(entry, field, "must be a decimal string such as \"0.15\", not a JSON number");
        var text = value.GetString()!;
        if (text.Length is > 0 and <= LongestNumber && !text.AsSpan().ContainsAnyExcept(digits) && text[0] != '.' && text[^1] != '.'
            && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return number;
        throw new PriceRefusedException(entry, field, text.StartsWith('-') ? "must not be negative"
            : "must be a decimal string such as \"0.15\": digits and one point, no exponent, no sign");
    }
}
