// Reads counts out of a provider's usage report. It remembers the first thing that is wrong, what contradicts itself, and which members
// were looked at, so that counts nobody reads can be named.
using System.Text.Json;

namespace Purser.Core;

/// <summary>
/// An object inside a report and the way to it, as problems name it. An object that is absent or null holds nothing. Client libraries
/// write a provider's names in the manner of their language: where <see cref="AnyManner"/> is set, `promptTokens` and `PromptTokens` are
/// `prompt_tokens`.
/// </summary>
readonly record struct ReportObject(JsonElement Element, string Path, bool AnyManner = false)
{
    public bool Exists => Element.ValueKind == JsonValueKind.Object;

    public bool Has(string name) => TryFind(name, out _, out _);

    public bool HasAny(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Has(name))
                return true;
        return false;
    }

    /// <summary>What kind of value a member has; none where there is no such member.</summary>
    public JsonValueKind KindOf(string name) => TryFind(name, out var value, out _) ? value.ValueKind : JsonValueKind.Undefined;

    /// <summary>A member, and the way to it under the name that it has in the report.</summary>
    public bool TryFind(string name, out JsonElement value, out string path)
    {
        (value, path) = (default, "");
        if (!Exists) return false;
        if (Element.TryGetProperty(name, out value))
        {
            path = $"{Path}.{name}";
            return true;
        }
        if (!AnyManner) return false;
        foreach (var member in Element.EnumerateObject())
        {
            if (!IsSame(member.Name, name)) continue;
            (value, path) = (member.Value, $"{Path}.{member.Name}");
            return true;
        }
        return false;
    }

    /// <summary>Whether two names are the same words, however they are joined.</summary>
    static bool IsSame(string one, string other)
    {
        var (i, j) = (0, 0);
        while (true)
        {
            while (i < one.Length && !char.IsLetterOrDigit(one[i])) i++;
            while (j < other.Length && !char.IsLetterOrDigit(other[j])) j++;
            if (i == one.Length || j == other.Length) return i == one.Length && j == other.Length;
            if (char.ToUpperInvariant(one[i++]) != char.ToUpperInvariant(other[j++])) return false;
        }
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
            if (Value(at, name, out var path) is { } value)
            {
                read.Add(path);
                return Whole(value, path);
            }
        return null;
    }

    public long Count(in ReportObject at, params ReadOnlySpan<string> names) => Find(at, names) ?? 0;

    /// <summary>A number that may have a fraction: seconds, pages.</summary>
    public decimal Number(in ReportObject at, string name)
    {
        if (Value(at, name, out var path) is not { } value) return 0;
        read.Add(path);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number is >= 0 and <= Validity.LargestUnits)
            return number;
        Refuse(path, $"must be a number from 0 to {Validity.LargestUnits}");
        return 0;
    }

    /// <summary>An amount of money that the provider says it charged; null where it says none, or nothing that is one.</summary>
    public decimal? Money(in ReportObject at, string name)
    {
        if (Value(at, name, out var path) is not { ValueKind: JsonValueKind.Number } value) return null;
        read.Add(path);
        return value.TryGetDecimal(out var amount) && amount is >= 0 and <= Core.Money.Largest ? amount : null;
    }

    /// <summary>Counts that say nothing more: a part of a total that is priced as the total, or a count of what costs nothing.</summary>
    public void Known(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (at.TryFind(name, out _, out var path))
                read.Add(path);
    }

    public ReportObject Inner(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Value(at, name, out var path) is not { } value) continue;
            if (value.ValueKind != JsonValueKind.Object) Refuse(path, "must be an object");
            return new(value, path, at.AnyManner);
        }
        return default;
    }

    public IEnumerable<ReportObject> List(ReportObject at, params string[] names)
    {
        foreach (var name in names)
        {
            if (Value(at, name, out var path) is not { } value) continue;
            var i = 0;
            if (value.ValueKind != JsonValueKind.Array) Refuse(path, "must be an array");
            else
                foreach (var item in value.EnumerateArray())
                {
                    if (item.ValueKind != JsonValueKind.Object) Refuse($"{path}[{i}]", "must be an object");
                    yield return new(item, $"{path}[{i++}]", at.AnyManner);
                }
            yield break;
        }
    }

    public static string? Text(in ReportObject at, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Value(at, name, out _) is { ValueKind: JsonValueKind.String } value)
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

    static JsonElement? Value(in ReportObject at, string name, out string path) =>
        at.TryFind(name, out var value, out path) && value.ValueKind != JsonValueKind.Null ? value : null;

    long Whole(in JsonElement value, string field)
    {
        // 12.0 and 1.2e1 are whole numbers too; some providers count in their language's floating point.
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number == decimal.Truncate(number)
            && number is >= 0 and <= Amounts.LargestTokens) return (long)number;
        Refuse(field, $"must be a whole number from 0 to {Amounts.LargestTokens}");
        return 0;
    }
}
