// Everything that is wrong with a JSON body, not only what its reader met first: what was found is left out, and the rest is read again.
using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Purser.Core;

namespace Purser.Api;

static class WrongMembers
{
    /// <summary>More than so many are not looked for.</summary>
    const int Most = 20;

    /// <summary>A body that is larger is read once.</summary>
    const int LargestReadAgain = 64 * 1024;

    /// <summary>A step of a path: from a value to one of its members, or to one of its items.</summary>
    readonly record struct Step(string? Name, int Index);

    /// <summary>What is wrong, in the order of the reader; the first is what <paramref name="first"/> says.</summary>
    public static IReadOnlyList<Outcome> Of<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, JsonException first)
    {
        var found = new List<Outcome> { Problems.Of(first) };
        if (json.Length > LargestReadAgain || found[0].Field is null) return found;
        var (wrong, rest) = (first, json.ToArray());
        while (found.Count < Most && Path(wrong.Path) is { Count: > 0 } path)
        {
            var shorter = Without(rest, path, onlyRepeated: wrong.Message.StartsWith("Duplicate", StringComparison.Ordinal));
            if (shorter is null || shorter.Length >= rest.Length) break;
            rest = shorter;
            try
            {
                _ = JsonSerializer.Deserialize(rest, type);
                break;
            }
            catch (JsonException another)
            {
                wrong = another;
                var outcome = Problems.Of(another);
                if (outcome.Field is null) break;
                found.Add(outcome);
            }
        }
        return found;
    }

    /// <summary>A member that is given twice, or half of a surrogate pair, in JSON that is read without a type; null where there is
    /// none.</summary>
    public static Outcome? Unsound(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var names = new Stack<HashSet<string>?>();
        var path = new List<string>();
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        names.Push(reader.TokenType == JsonTokenType.StartObject ? new(StringComparer.Ordinal) : null);
                        path.Add("");
                        break;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        names.Pop();
                        path.RemoveAt(path.Count - 1);
                        break;
                    case JsonTokenType.PropertyName:
                        var name = reader.GetString()!;
                        path[^1] = name;
                        if (!names.Peek()!.Add(name)) return new(OutcomeStatus.Invalid, null, Field(path), "is given twice");
                        break;
                    case JsonTokenType.String:
                        _ = reader.GetString();
                        break;
                }
            }
        }
        catch (InvalidOperationException)
        {
            return new(OutcomeStatus.Invalid, null, Field(path), "is not valid Unicode: it has half of a surrogate pair");
        }
        catch (JsonException)
        {
            // Not JSON at all: its reader says where.
        }
        return null;
    }

    static string? Field(List<string> path) => string.Join('.', path.Where(name => name.Length > 0)) is { Length: > 0 } field
        ? field : null;

    /// <summary>The steps of a path such as `$.limits[0].amount` or `$['a b']`; null where it can not be taken apart.</summary>
    static List<Step>? Path(string? text)
    {
        if (text is null || !text.StartsWith('$')) return null;
        var steps = new List<Step>();
        for (var at = 1; at < text.Length;)
        {
            if (text[at] == '.')
            {
                var end = text.AsSpan(at + 1).IndexOfAny('.', '[') is var length and >= 0 ? at + 1 + length : text.Length;
                steps.Add(new(text[(at + 1)..end], 0));
                at = end;
            }
            else if (text.AsSpan(at).StartsWith("['") && text.IndexOf("']", at + 2, StringComparison.Ordinal) is var quoted and > 0)
            {
                steps.Add(new(text[(at + 2)..quoted], 0));
                at = quoted + 2;
            }
            else if (text[at] == '[' && text.IndexOf(']', at) is var close and > 0
                && int.TryParse(text.AsSpan(at + 1, close - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                steps.Add(new(null, index));
                at = close + 1;
            }
            else return null;
        }
        return steps;
    }

    static byte[]? Without(byte[] json, List<Step> path, bool onlyRepeated)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var to = new ArrayBufferWriter<byte>(json.Length);
            using (var writer = new Utf8JsonWriter(to)) Copy(document.RootElement, writer, path, 0, onlyRepeated);
            return to.WrittenSpan.ToArray();
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Copies all but what the path leads to.</summary>
    static void Copy(JsonElement from, Utf8JsonWriter to, List<Step> path, int depth, bool onlyRepeated)
    {
        var last = depth == path.Count - 1;
        switch (from.ValueKind)
        {
            case JsonValueKind.Object when path[depth].Name is { } name:
                to.WriteStartObject();
                var seen = 0;
                foreach (var member in from.EnumerateObject())
                {
                    var named = member.NameEquals(name);
                    if (named && last && (seen++ > 0 || !onlyRepeated)) continue;
                    to.WritePropertyName(member.Name);
                    if (named && !last) Copy(member.Value, to, path, depth + 1, onlyRepeated);
                    else member.Value.WriteTo(to);
                }
                to.WriteEndObject();
                break;
            case JsonValueKind.Array when path[depth].Name is null:
                to.WriteStartArray();
                var index = 0;
                foreach (var item in from.EnumerateArray())
                {
                    if (index++ != path[depth].Index) item.WriteTo(to);
                    else if (!last) Copy(item, to, path, depth + 1, onlyRepeated);
                }
                to.WriteEndArray();
                break;
            default:
                from.WriteTo(to);
                break;
        }
    }
}
