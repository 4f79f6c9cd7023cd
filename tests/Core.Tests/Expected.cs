// Compares what a case expects with what it gave. Money and numbers are compared by value: "1.00" is "1".
using System.Globalization;
using System.Text.Json;

namespace Purser.Core.Tests;

static class Expected
{
    /// <summary><paramref name="within"/> is for sums of binary fractions. Where a value does not end, the case says how close it must
    /// be.</summary>
    public static bool Same(JsonElement expected, object? actual, decimal within = 0) => expected.ValueKind switch
    {
        JsonValueKind.Null => actual is null,
        JsonValueKind.True or JsonValueKind.False => actual is bool flag && flag == expected.GetBoolean(),
        JsonValueKind.Number => actual is not string && Near(expected.GetDecimal(), actual, within),
        JsonValueKind.String => (actual is string text && text == expected.GetString())
            || (Value(expected.GetString()) is { } number && Near(number, actual, within)),
        JsonValueKind.Array => actual is object?[] items && items.Length == expected.GetArrayLength()
            && expected.EnumerateArray().Zip(items, (one, other) => Same(one, other, within)).All(same => same),
        JsonValueKind.Object when expected.TryGetProperty("approx", out var near) =>
            Near(near.GetDecimal(), actual, decimal.Parse(expected.GetProperty("tolerance").GetRawText(), NumberStyles.Float,
                CultureInfo.InvariantCulture)),
        JsonValueKind.Object => actual is IReadOnlyDictionary<string, object?> members
            && expected.EnumerateObject().All(member => members.TryGetValue(member.Name, out var value)
                && Same(member.Value, value, within)),
        _ => false,
    };

    static bool Near(decimal expected, object? actual, decimal within) => Value(actual) is { } value
        && Math.Abs(value - expected) <= within;

    static decimal? Value(object? of) => of switch
    {
        string text => decimal.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null,
        long or int or double or decimal => Convert.ToDecimal(of, CultureInfo.InvariantCulture),
        _ => null,
    };

    public static string Written(object? actual) => actual switch
    {
        object?[] items => $"[{string.Join(", ", items.Select(Written))}]",
        IReadOnlyDictionary<string, object?> members =>
            $"{{{string.Join(", ", members.Select(member => $"{member.Key}: {Written(member.Value)}"))}}}",
        _ => Convert.ToString(actual, CultureInfo.InvariantCulture) ?? "null",
    };
}
