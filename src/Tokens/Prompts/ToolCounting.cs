// Functions that a model may call. OpenAI writes them out in a form of its own, whose cost it has published; others take the JSON.
using System.Text.Json;

namespace Purser.TokenCounting.Prompts;

static class ToolCounting
{
    // OpenAI's published figures (its cookbook on counting tokens): a function, its first property, every property, a list of values, every
    // value, the end. Models before gpt-4o pay more for the function.
    const int PerFunction = 7;
    const int PerFunctionBefore4o = 10;
    const int PerProperties = 3;
    const int PerProperty = 3;
    const int PerValues = -3;
    const int PerValue = 3;
    const int End = 12;

    // Anthropic's published length of the text that explains tools to the model, for automatic choice.
    const int AnthropicIntroduction = 346;

    // Names, braces and quotes of a tool's own members, where it is sent as JSON.
    const int Frame = 10;

    public static long Count(ModelProfile model, IReadOnlyList<ToolSchema> tools)
    {
        if (tools.Count == 0) return 0;
        if (model.Family == ModelFamily.OpenAI) return End + tools.Sum(tool => Function(model, tool));
        return (model.Family == ModelFamily.Anthropic ? AnthropicIntroduction : 0) + tools.Sum(tool =>
            Frame + model.Counter.Count(tool.Name) + model.Counter.Count(tool.Description)
            + (tool.Schema.ValueKind == JsonValueKind.Undefined ? 0 : model.Counter.Count(tool.Schema.GetRawText())));
    }

    static long Function(ModelProfile model, ToolSchema tool) =>
        (model.Counter.Method == ModelProfile.Cl100k.Method ? PerFunctionBefore4o : PerFunction)
        + model.Counter.Count($"{tool.Name}:{Sentence(tool.Description)}") + Properties(model, tool.Schema);

    /// <summary>Of an object; those of objects inside it, and of what a list holds, cost the same.</summary>
    static long Properties(ModelProfile model, JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object) return 0;
        if (schema.TryGetProperty("items", out var items)) return Properties(model, items);
        if (!schema.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object) return 0;
        var count = 0L;
        foreach (var property in properties.EnumerateObject())
        {
            if (count == 0) count = PerProperties;
            count += PerProperty + model.Counter.Count(
                $"{property.Name}:{Member(property.Value, "type")}:{Sentence(Member(property.Value, "description"))}")
                + Values(model, property.Value) + Properties(model, property.Value);
        }
        return count;
    }

    static long Values(ModelProfile model, JsonElement property) =>
        property.ValueKind == JsonValueKind.Object && property.TryGetProperty("enum", out var values)
            && values.ValueKind == JsonValueKind.Array
            ? PerValues + values.EnumerateArray().Sum(value => PerValue + model.Counter.Count(Text(value))) : 0;

    static string? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? Text(member) : null;

    static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    static string? Sentence(string? description) => description is [.. var all, '.'] ? all : description;
}
