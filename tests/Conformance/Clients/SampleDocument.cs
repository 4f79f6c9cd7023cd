// Documents as a description allows them: every member is there, and every word and form of a member is in one of some variants.
using System.Text.Json.Nodes;

namespace Purser.Conformance.Clients;

/// <param name="schemas">`components/schemas` of the description.</param>
/// <param name="variant">Which of several words or forms a member has; beyond the last one it begins again.</param>
public sealed class SampleDocument(JsonObject schemas, int variant)
{
    /// <summary>As many as the longest list of words in a description.</summary>
    public const int Variants = 24;

    /// <summary>A document that holds documents of its own kind ends here.</summary>
    const int Deepest = 8;

    public JsonNode? Of(JsonObject schema, string name, int depth = 0)
    {
        if ((string?)schema["$ref"] is { } reference) return Of(schemas[reference.Split('/')[^1]]!.AsObject(), name, depth);
        if (schema["oneOf"] is JsonArray forms)
        {
            JsonObject[] some = [.. forms.Select(form => form!.AsObject()).Where(form => (string?)Scalar(form["type"]) != "null")];
            return Of(some[variant % some.Length], name, depth);
        }
        if (schema["enum"] is JsonArray words)
        {
            JsonNode[] some = [.. words.OfType<JsonNode>()];
            return some[variant % some.Length].DeepClone();
        }
        return (string?)Scalar(schema["type"]) switch
        {
            "boolean" => variant % 2 == 0,
            "integer" => Math.Clamp(7 + variant, (long?)schema["minimum"] ?? 0, (long?)schema["maximum"] ?? long.MaxValue),
            "number" => Math.Min(0.5m + variant, (decimal?)schema["maximum"] ?? decimal.MaxValue),
            "string" => Text(schema, name),
            "array" => depth > Deepest ? new JsonArray() : new JsonArray(Of(schema["items"]?.AsObject() ?? [], name, depth + 1)),
            "object" => Members(schema, depth),
            // Whatever somebody else wrote.
            _ => new JsonObject { ["a"] = new JsonArray(1, "b", null) },
        };
    }

    /// <summary>A type beside null.</summary>
    static JsonNode? Scalar(JsonNode? type) => type is JsonArray several ? several.First(one => (string?)one != "null") : type;

    string Text(JsonObject schema, string name) => ((string?)schema["format"], (string?)schema["pattern"]) switch
    {
        ("date-time", _) => "2026-03-14T15:09:26.535Z",
        ("uri", _) => "https://purser.example/" + name,
        (_, { } pattern) when pattern.Contains("rolling", StringComparison.Ordinal) => variant % 2 == 0 ? "month" : "rolling:PT1H",
        (_, { } pattern) when pattern.Contains(':', StringComparison.Ordinal) => "04:30",
        (_, not null) => variant % 2 == 0 ? "12.000000001" : "-3",
        _ => $"{name} {variant}",
    };

    JsonObject Members(JsonObject schema, int depth)
    {
        var made = new JsonObject();
        if (schema["properties"] is JsonObject members)
            foreach (var (name, member) in members)
                if (depth <= Deepest || schema["required"] is JsonArray required && required.Any(one => (string?)one == name))
                    made[name] = Of(member!.AsObject(), name, depth + 1);
        if (schema["additionalProperties"] is JsonObject others) made["other"] = Of(others, "other", depth + 1);
        else if (schema["additionalProperties"]?.GetValueKind() == System.Text.Json.JsonValueKind.True)
            made["other"] = new JsonArray(1, "b", null);
        return made;
    }
}
