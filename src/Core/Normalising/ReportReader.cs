// Reads counts out of a provider's usage report. It remembers the first thing that is wrong, what contradicts itself, and which members
// were looked at, so that counts nobody reads can be named.
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
    readonly HashSet<string> read = new(StringComparer.Ordinal);
    readonly List<string> contradictions = [];

    /// <summary>What was wrong first; once something is, the numbers that were read mean nothing.</summary>
    public Outcome? Problem { get; private set; }

    /// <summary>Where the report says two things that can not both be; null where it does not. The larger reading was taken.</summary>
    public string? Disputed => contradictions.Count == 0 ? null : string.Join("; ", contradictions);

    public void Refuse(string field, string detail) => Problem ??= Outcome.Invalid(field, detail);

    public void Dispute(string field, string detail)
    {
        if (contradictions.Count < MostContradictions) contradictions.Add($"`{field["raw.".Length..]}` {detail}");
    }

    const int MostContradictions = 5;

    /// <summary>The count under the first of the names that is there; providers have renamed theirs. Absent and null are null.</summary>
    public long? Find(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Value(at, name) is { } value)
            {
                read.Add($"{at.Path}.{name}");
                return Whole(value, $"{at.Path}.{name}");
            }
        return null;
    }

    public long Count(in ReportObject at, params ReadOnlySpan<string> names) => Find(at, names) ?? 0;

    /// <summary>A number that may have a fraction: seconds, pages.</summary>
    public decimal Number(in ReportObject at, string name)
    {
        if (Value(at, name) is not { } value) return 0;
        read.Add($"{at.Path}.{name}");
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number is >= 0 and <= Validity.LargestUnits)
            return number;
        Refuse($"{at.Path}.{name}", $"must be a number from 0 to {Validity.LargestUnits}");
        return 0;
    }

    /// <summary>An amount of money that the provider says it charged; null where it says none, or nothing that is one.</summary>
    public decimal? Money(in ReportObject at, string name)
    {
        if (Value(at, name) is not { ValueKind: JsonValueKind.Number } value) return null;
        read.Add($"{at.Path}.{name}");
        return value.TryGetDecimal(out var amount) && amount is >= 0 and <= Core.Money.Largest ? amount : null;
    }

    /// <summary>Counts that say nothing more: a part of a total that is priced as the total, or a count of what costs nothing.</summary>
    public void Known(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names) read.Add($"{at.Path}.{name}");
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

    const int MostUnread = 20;
    const int LongestUnread = 200;

    /// <summary>The members that hold a number other than 0 which nobody read and which may be a count; null where there are
    /// none.</summary>
    public IReadOnlyList<string>? Unread(in ReportObject report)
    {
        List<string>? unread = null;
        Walk(report.Element, report.Path, mayCount: true, ref unread);
        return unread;
    }

    void Walk(in JsonElement element, string path, bool mayCount, ref List<string>? unread)
    {
        if (unread?.Count == MostUnread || read.Contains(path)) return;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                    Walk(member.Value, $"{path}.{member.Name}", mayCount && CountNames.MayBeCount(member.Name), ref unread);
                break;
            case JsonValueKind.Array:
                var i = 0;
                foreach (var item in element.EnumerateArray()) Walk(item, $"{path}[{i++}]", mayCount, ref unread);
                break;
            case JsonValueKind.Number when mayCount && !(element.TryGetDecimal(out var number) && number == 0):
                var name = path["raw.".Length..];
                (unread ??= []).Add(name.Length <= LongestUnread ? name : name[..LongestUnread]);
                break;
        }
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
