// How answers are read: members by name, amounts as decimals whether they were written as numbers or as money.
using System.Globalization;
using System.Text.Json;

namespace Purser.Dashboard;

static class Reading
{
    public static JsonElement At(this JsonElement element, string name)
    {
        foreach (var part in name.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(part, out var next)) return default;
            element = next;
        }
        return element;
    }

    /// <summary>The text of a member; numbers and truths as they were written; null where there is none.</summary>
    public static string? TextOf(this JsonElement element, string name) => element.At(name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False } other => other.GetRawText(),
        _ => null,
    };

    public static decimal? AmountOf(this JsonElement element, string name) => element.TextOf(name) is { } text
        && decimal.TryParse(text, NumberStyles.Number | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var amount)
        ? amount : null;

    public static bool Is(this JsonElement element, string name) => element.At(name).ValueKind == JsonValueKind.True;

    public static IEnumerable<JsonElement> ItemsOf(this JsonElement element, string name) =>
        element.At(name) is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : [];

    public static IEnumerable<string> TextsOf(this JsonElement element, string name) =>
        element.ItemsOf(name).Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText());

    public static DateTimeOffset? TimeOf(this JsonElement element, string name) => element.TextOf(name) is { } text
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
