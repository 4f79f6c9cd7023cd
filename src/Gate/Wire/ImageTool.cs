// The tool of OpenAI's Responses that makes pictures: a model of its own, whose tokens stand beside the usage of the model that calls it.
using System.Text.Json;
using Purser.Core;

namespace Purser.Gate.Wire;

/// <summary>Pictures that a tool made: its model and its report, where the answer tells them, and how many were begun.</summary>
sealed record ToolPictures(string? Model, string? Usage, int Begun);

static class ImageTool
{
    /// <summary>The model where the tool names none.</summary>
    public const string UsualModel = "gpt-image-1";

    /// <summary>The model that the tool of a request, or of the answer that repeats it, names; null where it names none.</summary>
    public static string? ModelOf(JsonElement body) => Of(body) is { } tool && WireJson.Text(tool, "model") is { Length: > 0 } model ? model
        : null;

    /// <summary>What it may use: one picture, as large as was asked for. Null where a request does not have the tool.</summary>
    public static UsageLine? Most(JsonElement body)
    {
        if (Of(body) is not { } tool) return null;
        var output = ImagesKind.TokensOf(WireJson.Text(tool, "size"), WireJson.Text(tool, "quality"),
            WireJson.Whole(tool, "partial_images"));
        return new(ModelOf(body) ?? UsualModel, 0, output, new() { ImageOutputTokens = output });
    }

    static JsonElement? Of(JsonElement body)
    {
        foreach (var tool in WireJson.Each(body, "tools"))
            if (WireJson.Text(tool, "type") == "image_generation")
                return tool;
        return null;
    }

    /// <summary>What was used at the tool's own model; a picture without a report is counted, and has no price.</summary>
    public static (UsageLine Line, UsageReading? Reading) Used(ToolPictures pictures, string provider, string? asked)
    {
        var model = asked ?? pictures.Model ?? UsualModel;
        var reading = pictures.Usage is { Length: <= Validity.LongestText } raw ? UsageReport.Read(provider, model, raw).Reading : null;
        return (reading is null ? new UsageLine(model, 0, 0, new() { ImagesOut = Math.Max(1, pictures.Begun) })
            : new UsageLine(model, reading.InputTokens, reading.OutputTokens, reading.Parts), reading);
    }
}
