// Reads counts out of a provider's usage report and remembers the first thing that is wrong with it, by the report's own names.
using System.Text.Json;

namespace Purser.Core;

/// <summary>An object inside a report and the way to it, as problems name it. An object that is absent or null holds nothing.</summary>
readonly record struct ReportObject(JsonElement Element, string Path)
{
    public bool Exists => Element.ValueKind == JsonValueKind.Object;

    public bool Has(string name) => Exists && Element.TryGetProperty(name, out _);

    public bool HasAny(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Has(name))
                return true;
        return false;
    }
}

sealed class ReportReader
{
    /// <summary>What was wrong first; once something is, the numbers that were read mean nothing.</summary>
    public Outcome? Problem { get; private set; }

    public void Refuse(string field, string detail) => Problem ??= Outcome.Invalid(field, detail);

    /// <summary>The count under the first of the names that is there; providers have renamed theirs. Absent and null are null.</summary>
    public long? Find(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Value(at, name) is { } value)
                return Whole(value, $"{at.Path}.{name}");
        return null;
    }

    public long Count(in ReportObject at, params ReadOnlySpan<string> names) => Find(at, names) ?? 0;

    /// <summary>A number that may have a fraction: seconds, pages.</summary>
    public decimal Number(in ReportObject at, string name)
    {
        if (Value(at, name) is not { } value) return 0;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number is >= 0 and <= Validity.LargestUnits)
            return number;
        Refuse($"{at.Path}.{name}", $"must be a number from 0 to {Validity.LargestUnits}");
        return 0;
    }

    public ReportObject Inner(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Value(at, name) is not { } value) continue;
            if (value.ValueKind != JsonValueKind.Object) Refuse($"{at.Path}.{name}", "must be an object");
            return new(value, $"{at.Path}.{name}");
        }
        return default;
    }

    public IEnumerable<ReportObject> List(ReportObject at, params string[] names)
    {
        foreach (var name in names)
        {
            if (Value(at, name) is not { } value) continue;
            var i = 0;
            if (value.ValueKind != JsonValueKind.Array) Refuse($"{at.Path}.{name}", "must be an array");
            else
                foreach (var item in value.EnumerateArray())
                {
                    if (item.ValueKind != JsonValueKind.Object) Refuse($"{at.Path}.{name}[{i}]", "must be an object");
                    yield return new(item, $"{at.Path}.{name}[{i++}]");
                }
            yield break;
        }
    }

    public static string? Text(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Value(at, name) is { ValueKind: JsonValueKind.String } value)
                return value.GetString();
        return null;
    }

    static JsonElement? Value(in ReportObject at, string name) =>
        at.Exists && at.Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    long Whole(in JsonElement value, string field)
    {
        // 12.0 and 1.2e1 are whole numbers too; some providers count in their language's floating point.
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number == decimal.Truncate(number)
            && number is >= 0 and <= Amounts.LargestTokens) return (long)number;
        Refuse(field, $"must be a whole number from 0 to {Amounts.LargestTokens}");
        return 0;
    }
}
