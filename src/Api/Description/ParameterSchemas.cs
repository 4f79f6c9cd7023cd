// The types of parameters. A name means the same in every operation, so that it has its type here once.
using System.Text.Json.Nodes;
using Purser.Api.Endpoints;

namespace Purser.Api.Description;

static class ParameterSchemas
{
    static readonly Dictionary<string, string> paths = new()
    {
        ["account"] = "The account: 1 to 200 letters, digits and `. _ - : @`, not only dots.",
        ["session"] = "The session, as calls name it.",
        ["reservation"] = "The id of the reservation.",
        ["override"] = "The id of the override.",
        ["usage"] = "The id of the usage.",
        ["provider"] = "The provider, under any of its names.",
        ["model"] = "The model, under any of its names; slashes may stand in it.",
        ["webhook"] = "The id of the webhook.",
        ["delivery"] = "The id of the delivery: the `webhook-id` of its message.",
        ["key"] = "The id of the key, not the key itself.",
        ["alert"] = "The id of the alert.",
        ["channel"] = "The id of the channel.",
        ["slug"] = "The last part of a problem's type.",
    };

    static readonly string[] flags =
    [
        "success", "unpriced", "unread", "disputed", "custom", "effective", "withdrawn", "includeAnomalies", "allPages", "ended",
        "seriesOfRows", "parts",
    ];

    /// <summary>They may be repeated.</summary>
    static readonly string[] many =
    [
        "orchestrator", "user", "tenant", "session", "provider", "model", "tool", "id", "requestId", "reservationId",
    ];

    /// <summary>They take several values with commas between.</summary>
    static readonly string[] separated = ["types", "severity", "kind", "status"];

    public static JsonObject InPath(string name)
    {
        var schema = new JsonObject { ["type"] = "string", ["minLength"] = 1 };
        if (name == "account") (schema["maxLength"], schema["pattern"]) = (200, @"^(?!\.+$)[A-Za-z0-9._\-:@]+$");
        return new()
        {
            ["name"] = name, ["in"] = "path", ["required"] = true,
            ["description"] = paths.GetValueOrDefault(name) ?? $"The {name}, by its id.",
            ["schema"] = schema,
        };
    }

    public static JsonObject InQuery(Parameter parameter)
    {
        if (parameter.Name.StartsWith(UsageEndpoints.TagParameter, StringComparison.Ordinal)) return Tags(parameter);
        var told = new JsonObject { ["name"] = parameter.Name, ["in"] = "query", ["description"] = Sentence(parameter.Description) };
        var isOne = parameter.Description.StartsWith("one ", StringComparison.Ordinal)
            || parameter.Description.StartsWith("only ", StringComparison.Ordinal);
        told["schema"] = SchemaOf(parameter, isOne);
        if (separated.Contains(parameter.Name)) told["explode"] = false;
        return told;
    }

    static JsonObject SchemaOf(Parameter parameter, bool isOne) => parameter.Name switch
    {
        "limit" => Whole(parameter, 1000),
        "top" => Whole(parameter, 10_000),
        "after" => new() { ["type"] = "integer", ["format"] = "int64", ["minimum"] = 0 },
        // A time with its offset, or a day of the zone.
        "from" or "to" => new()
        {
            ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string", ["format"] = "date-time" },
                new JsonObject { ["type"] = "string", ["format"] = "date" }),
        },
        "groupBy" => new() { ["type"] = "array", ["items"] = Text() },
        var name when flags.Contains(name) => new() { ["type"] = "boolean" },
        var name when separated.Contains(name) || (many.Contains(name) && !isOne) => new() { ["type"] = "array", ["items"] = Text() },
        "account" when parameter.Description.Contains("repeated", StringComparison.Ordinal) => new()
        {
            ["type"] = "array", ["items"] = Text(),
        },
        _ => Text(),
    };

    /// <summary>"1 to 500, …": the description says how many at most.</summary>
    static JsonObject Whole(Parameter parameter, int usual)
    {
        var said = System.Text.RegularExpressions.Regex.Match(parameter.Description, @"\b1 to (\d+)");
        var most = said.Success ? int.Parse(said.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : usual;
        return new() { ["type"] = "integer", ["format"] = "int32", ["minimum"] = 1, ["maximum"] = most };
    }

    static JsonObject Text() => new() { ["type"] = "string", ["minLength"] = 1 };

    /// <summary>`tags.team=search&amp;tags.env=test`: the members of one object, each a parameter of its own.</summary>
    static JsonObject Tags(Parameter parameter) => new()
    {
        ["name"] = "tags", ["in"] = "query", ["style"] = "form", ["explode"] = true,
        ["description"] = Sentence("`tags.NAME`: " + parameter.Description),
        ["schema"] = new JsonObject
        {
            ["type"] = "object", ["propertyNames"] = new JsonObject { ["pattern"] = @"^tags\..+" }, ["additionalProperties"] = Text(),
        },
    };

    static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..] + (text.EndsWith('.') ? "" : ".");
}
