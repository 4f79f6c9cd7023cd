// The schemas of values and documents that have a converter of their own, which says nothing about its form.
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Description;

static class ValueSchemas
{
    public const string Money = @"^-?\d+(\.\d{1,9})?$";
    public const string Decimal = @"^-?\d+(\.\d+)?$";

    /// <summary>The schema of a value, written out in place; null where the type is a document.</summary>
    public static JsonObject? Of(Type type) =>
        type == typeof(string) ? new() { ["type"] = "string" }
        : type == typeof(bool) ? new() { ["type"] = "boolean" }
        : type == typeof(decimal) ? new() { ["type"] = "number" }
        : type == typeof(long) ? new() { ["type"] = "integer", ["format"] = "int64" }
        : type == typeof(int) ? new() { ["type"] = "integer", ["format"] = "int32" }
        : type == typeof(Instant) ? new() { ["type"] = "string", ["format"] = "date-time" }
        : type == typeof(Cost) ? new() { ["type"] = "string", ["pattern"] = Money }
        : type == typeof(Amount) ? OrMoney(new() { ["type"] = "integer", ["format"] = "int64" })
        : type == typeof(Figure) ? OrMoney(new() { ["type"] = "number" })
        : type == typeof(FreeObject) || type == typeof(JsonObject) ? new() { ["type"] = "object", ["additionalProperties"] = true }
        : type == typeof(JsonElement) ? []
        : type == typeof(Window) ? new()
            {
                ["type"] = "string",
                ["pattern"] = $"^({string.Join('|', Window.Names.Where(name => !name.StartsWith("rolling", StringComparison.Ordinal)))}"
                    + "|rolling:P.+)$",
            }
        : type.IsEnum ? new() { ["type"] = "string", ["enum"] = Words(type) } : null;

    /// <summary>A number, or money as a decimal string: which of them says the unit beside it.</summary>
    static JsonObject OrMoney(JsonObject number) => new()
    {
        ["oneOf"] = new JsonArray(number, new JsonObject { ["type"] = "string", ["pattern"] = Money }),
    };

    static JsonArray Words(Type type) => new([.. Enum.GetNames(type).Select(JsonNamingPolicy.CamelCase.ConvertName)
        .Where(word => word != "none").Select(word => (JsonNode)word)]);

    /// <summary>A narrower form, named beside the member.</summary>
    public static void Refine(JsonObject schema, string form)
    {
        switch (form)
        {
            case "whole":
                schema.Remove("oneOf");
                (schema["type"], schema["format"]) = ("integer", "int64");
                break;
            case "money":
                schema["pattern"] = Money;
                break;
            case "decimal":
                schema["pattern"] = Decimal;
                break;
            case nameof(System.ComponentModel.DataAnnotations.DataType.Url):
                schema["format"] = "uri";
                break;
        }
    }

    /// <summary>The schema of a document whose converter writes it member by member; null for all others.</summary>
    public static JsonObject? Written(Type type, Func<Type, JsonObject> of) =>
        type == typeof(ThresholdDocument) ? Threshold()
        : type == typeof(PriceDocument) ? PriceSchemas.Price(of)
        : null;

    static JsonObject Threshold() => new()
    {
        ["oneOf"] = new JsonArray(
            new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0 },
            new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    ["ratio"] = new JsonObject
                    {
                        ["type"] = "number", ["exclusiveMinimum"] = 0, ["description"] = "The share of the limit; 1 is the limit itself.",
                    },
                    ["level"] = new JsonObject
                    {
                        ["type"] = "string", ["enum"] = new JsonArray("info", "warning", "critical", "exceeded"),
                        ["description"] = "What crossing it is announced as; where it is not said it follows from the ratio.",
                    },
                },
                ["required"] = new JsonArray("ratio"),
            }),
    };
}
