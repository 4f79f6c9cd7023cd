// The schema of a price as the rules write it: in the form of an entry of the catalogue.
using System.Text.Json.Nodes;
using NodaTime;

namespace Purser.Api.Description;

static class PriceSchemas
{
    public static JsonObject Price(Func<Type, JsonObject> of)
    {
        var properties = new JsonObject
        {
            ["provider"] = Text("The provider's own name."),
            ["model"] = Text("The model's own name."),
            ["nameOf"] = Text("The model that this one is another name of."),
            ["aliases"] = Texts("Other names that find this price."),
            ["mode"] = Text("What the model is for: chat, embedding, image and so on."),
            ["contextWindow"] = Whole("How many tokens a prompt and its answer may have together."),
            ["maxOutputTokens"] = Whole("How many tokens an answer may have."),
            ["promptCacheMinTokens"] = Whole("Prompts with fewer tokens are not cached."),
            ["region"] = Text("Where these rates hold."),
            ["retiresOn"] = Text("The day on which the provider takes the model away."),
            ["custom"] = new JsonObject { ["type"] = "boolean", ["description"] = "Whether somebody put a price over the catalogue's." },
        };
        foreach (var (name, member) in Period(of).ToArray()) properties[name] = member!.DeepClone();
        properties["multipliers"] = Rates("Factors on the rates of tokens, by name.");
        properties["otherPeriods"] = new JsonObject
        {
            ["type"] = "array", ["items"] = Object("The rates of another time.", Period(of), "currency", "priceVersion", "rates"),
            ["description"] = "What it cost before, or will cost.",
        };
        properties["free"] = new JsonObject { ["type"] = "boolean", ["description"] = "Only where it costs nothing." };
        properties["note"] = Text("What else there is to know.");
        properties["sources"] = Texts("Where the rates were read.");
        properties["asOf"] = Text("The day on which they were read.");
        properties["history"] = History(of);
        return Object(null, properties, "provider", "model", "aliases", "custom", "currency", "priceVersion", "rates");
    }

    static JsonObject Period(Func<Type, JsonObject> of) => new()
    {
        ["currency"] = Text("The currency of the rates."),
        ["priceVersion"] = Text("What records that are rated with it name."),
        ["effectiveFrom"] = Told(of(typeof(Instant)), "From when on it holds; always, if not said."),
        ["effectiveUntil"] = Told(of(typeof(Instant)), "Until when it holds; on and on, if not said."),
        ["rates"] = Rates("For a million tokens of each kind, or for one of another unit, as decimal strings."),
        ["minimums"] = Rates("The least that is charged of a kind."),
        ["allowances"] = Allowances(),
        ["tiers"] = Tiers(),
        ["serviceTiers"] = new JsonObject
        {
            ["type"] = "object", ["description"] = "Rates of the tiers batch, flex and priority.",
            ["additionalProperties"] = Object("The rates of a tier.", new() { ["rates"] = Rates("Its rates."), ["tiers"] = Tiers() },
                "rates"),
        },
        ["timeOfDay"] = new JsonObject
        {
            ["type"] = "array", ["description"] = "Rates that hold at some hours only.",
            ["items"] = Object("Hours and their rates.", new()
            {
                ["label"] = Text("What the provider calls them."),
                ["windows"] = new JsonObject
                {
                    ["type"] = "array", ["description"] = "When they are.",
                    ["items"] = Object("Hours of some days.", new()
                    {
                        ["days"] = new JsonObject
                        {
                            ["type"] = "array", ["description"] = "1 is Monday.",
                            ["items"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = 7 },
                        },
                        ["fromUtc"] = Text("`HH:mm`, in UTC."),
                        ["toUtc"] = Text("`HH:mm`, in UTC."),
                    }, "days", "fromUtc", "toUtc"),
                },
                ["rates"] = Rates("Their rates."),
            }, "windows", "rates"),
        },
    };

    static JsonObject Allowances() => new()
    {
        ["type"] = "array", ["description"] = "What is free in a day or a month, before the rates hold.",
        ["items"] = Object("So many units that cost nothing.", new()
        {
            ["of"] = Texts("The rates that it is of."),
            ["free"] = new JsonObject
            {
                ["type"] = "string", ["pattern"] = ValueSchemas.Decimal, ["description"] = "How many cost nothing in a period.",
            },
            ["per"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray("day", "month"), ["description"] = "The period." },
            ["timeZone"] = Text("The zone in which days and months begin; UTC, if not said."),
            ["name"] = Text("Prices with an allowance of this name share it."),
        }, "of", "free", "per", "timeZone", "name"),
    };

    static JsonObject Tiers() => new()
    {
        ["type"] = "array", ["description"] = "Other rates for longer prompts.",
        ["items"] = Object("The rates above a length.", new()
        {
            ["aboveInputTokens"] = Whole("They hold for prompts with more tokens than this."), ["rates"] = Rates("Their rates."),
        }, "aboveInputTokens", "rates"),
    };

    static JsonObject History(Func<Type, JsonObject> of) => new()
    {
        ["type"] = "array", ["description"] = "Who changed the price, newest last. Only where one price is asked for.",
        ["items"] = Object("A change.", new()
        {
            ["version"] = Whole("The version of the settings that it made."),
            ["changedAt"] = Told(of(typeof(Instant)), "When."),
            ["by"] = TextOrNull("Who changed it."),
            ["changedBy"] = TextOrNull("A former name of `by`."),
            ["keyId"] = TextOrNull("The key that they showed; null where none was needed."),
            ["reason"] = TextOrNull("Why, if they said so."),
            ["before"] = Entry("The custom price before; null where there was none."),
            ["after"] = Entry("The custom price since; null where it was taken away."),
        }, "version", "changedAt", "by", "changedBy", "keyId", "reason", "before", "after"),
    };

    static JsonObject Entry(string text) => new()
    {
        ["type"] = new JsonArray("object", "null"), ["additionalProperties"] = true, ["description"] = text,
    };

    static JsonObject Rates(string text) => new()
    {
        ["type"] = "object", ["description"] = text,
        ["additionalProperties"] = new JsonObject
        {
            ["oneOf"] = new JsonArray(
                new JsonObject { ["type"] = "string", ["pattern"] = ValueSchemas.Decimal },
                new JsonObject
                {
                    ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string",
                        ["pattern"] = ValueSchemas.Decimal },
                }),
        },
    };

    static JsonObject Object(string? text, JsonObject properties, params string[] required)
    {
        var schema = new JsonObject
        {
            ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray([.. required.Select(name => (JsonNode)name)]),
        };
        return text is null ? schema : Told(schema, text);
    }

    static JsonObject Text(string text) => new() { ["type"] = "string", ["description"] = text };

    static JsonObject TextOrNull(string text) => new() { ["type"] = new JsonArray("string", "null"), ["description"] = text };

    static JsonObject Texts(string text) =>
        new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" }, ["description"] = text };

    static JsonObject Whole(string text) => new() { ["type"] = "integer", ["format"] = "int64", ["description"] = text };

    static JsonObject Told(JsonObject schema, string text)
    {
        schema["description"] = text;
        return schema;
    }
}
