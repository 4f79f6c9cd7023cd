// Messages and tools in the forms of OpenAI, Anthropic and Google, read into one. Their own further members are passed over; a kind of
// content that can not be counted is refused, because leaving it out would count too little.
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Purser.Api.Json;
using Purser.TokenCounting.Prompts;

namespace Purser.Api.Documents;

static class PromptReading
{
    const int LargestSide = 1_000_000;
    const decimal LongestSeconds = 10_000_000;

    public static IReadOnlyList<Message> Messages(JsonElement messages) =>
        [.. Items(messages, "messages").Select(item => Message(item.Element, item.At))];

    static Message Message(JsonElement message, string at)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw RequestRefusedException.Invalid(at, "must be an object with `role` and `content`");
        var role = OptionalText(message, "role", at) ?? throw RequestRefusedException.Invalid($"{at}.role", "is needed");
        var parts = new List<Part>();
        var (content, where) = message.TryGetProperty("parts", out var googles) ? (googles, $"{at}.parts")
            : message.TryGetProperty("content", out var given) ? (given, $"{at}.content") : (default, at);
        if (content.ValueKind != JsonValueKind.Undefined) parts.AddRange(Content(content, where));
        if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind != JsonValueKind.Null)
            parts.AddRange(Items(calls, $"{at}.tool_calls").Select(call => Call(call.Element, call.At)));
        if (content.ValueKind is JsonValueKind.Undefined && parts.Count == 0)
            throw RequestRefusedException.Invalid($"{at}.content", "is needed");
        return new(role, parts, OptionalText(message, "name", at));
    }

    static IEnumerable<Part> Content(JsonElement content, string at) => content.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.String => [new TextPart(Text(content, at))],
        JsonValueKind.Array => Items(content, at).Select(item => Part(item.Element, item.At)),
        _ => throw RequestRefusedException.Invalid(at, "must be a string or an array"),
    };

    const string Known = "text, image, audio, video, tool_use, tool_result, or OpenAI's image_url and input_audio, or Google's";

    static Part Part(JsonElement part, string at)
    {
        if (part.ValueKind == JsonValueKind.String) return new TextPart(Text(part, at));
        if (part.ValueKind != JsonValueKind.Object) throw RequestRefusedException.Invalid(at, "must be a string or an object");
        return OptionalText(part, "type", at) switch
        {
            "text" or "input_text" or "output_text" => new TextPart(NeededText(part, "text", at)),
            "thinking" => new TextPart(NeededText(part, "thinking", at)),
            "refusal" => new TextPart(NeededText(part, "refusal", at)),
            "image_url" or "input_image" or "image" => Image(part, at),
            "input_audio" or "audio" => new AudioPart(Seconds(part, at)),
            "video" or "video_url" or "input_video" => new VideoPart(Seconds(part, at)),
            "tool_use" => new ToolCallPart(NeededText(part, "name", at), Json(part, "input", at)),
            "tool_result" => new ToolResultPart(part.TryGetProperty("content", out var content) ? [.. Content(content, $"{at}.content")]
                : []),
            null => Google(part, at),
            var other => throw RequestRefusedException.Invalid($"{at}.type", $"'{Shown(other)}' can not be counted; known are {Known}"),
        };
    }

    /// <summary>Google's parts are told by their member.</summary>
    static Part Google(JsonElement part, string at)
    {
        if (part.TryGetProperty("text", out var text)) return new TextPart(Text(text, $"{at}.text"));
        if (part.TryGetProperty("functionCall", out var call))
            return new ToolCallPart(NeededText(call, "name", $"{at}.functionCall"), Json(call, "args", $"{at}.functionCall"));
        if (part.TryGetProperty("functionResponse", out var response))
            return new ToolResultPart([new TextPart(Json(response, "response", $"{at}.functionResponse"))]);
        foreach (var media in (string[])["inlineData", "fileData"])
            if (part.TryGetProperty(media, out var data))
            {
                var type = NeededText(data, "mimeType", $"{at}.{media}");
                if (type.StartsWith("image/", StringComparison.OrdinalIgnoreCase)) return Image(part, at);
                if (type.StartsWith("audio/", StringComparison.OrdinalIgnoreCase)) return new AudioPart(Seconds(part, at));
                if (type.StartsWith("video/", StringComparison.OrdinalIgnoreCase)) return new VideoPart(Seconds(part, at));
                throw RequestRefusedException.Invalid($"{at}.{media}.mimeType",
                    $"'{Shown(type)}' can not be counted; known are image/, audio/ and video/");
            }
        throw RequestRefusedException.Invalid($"{at}.type", $"is needed; known are {Known}");
    }

    /// <summary>Its size: as said in `width` and `height`, or read from the image itself where that stands in the message.</summary>
    static ImagePart Image(JsonElement part, string at)
    {
        var (inner, where) = part.TryGetProperty("image_url", out var url) && url.ValueKind == JsonValueKind.Object
            ? (url, $"{at}.image_url") : (part, at);
        var detail = OptionalText(inner, "detail", where) switch
        {
            null or "auto" => ImageDetail.Auto,
            "low" => ImageDetail.Low,
            "high" => ImageDetail.High,
            _ => throw RequestRefusedException.Invalid($"{where}.detail", "must be low, high or auto"),
        };
        var (width, height) = (Side(part, "width", at) ?? Side(inner, "width", where), Side(part, "height", at)
            ?? Side(inner, "height", where));
        if (width is null != height is null)
            throw RequestRefusedException.Invalid($"{at}.{(width is null ? "width" : "height")}", "is needed beside the other side");
        if (width is null && Stored(part, at) is { } stored && ImageHeader.Size(stored) is { } size) (width, height) = size;
        return new(detail, width, height);
    }

    /// <summary>The image's bytes where a message carries them: as a data URL, or in base64 with its type beside it.</summary>
    static byte[]? Stored(JsonElement part, string image)
    {
        var text = part.TryGetProperty("image_url", out var url) ? Found(url, "url") : null;
        if (text is not null)
            text = text.StartsWith("data:", StringComparison.Ordinal) && text.IndexOf("base64,", StringComparison.Ordinal) is > 0 and var at
                ? text[(at + 7)..] : null;
        else if (part.TryGetProperty("source", out var source) || part.TryGetProperty("inlineData", out source))
            text = Found(source, "data");
        if (text is null) return null;
        var bytes = Encoding.ASCII.GetBytes(text);
        return Base64.DecodeFromUtf8InPlace(bytes, out var length) == System.Buffers.OperationStatus.Done ? bytes[..length] : null;

        string? Found(JsonElement element, string name) =>
            element.ValueKind == JsonValueKind.String ? Text(element, image)
            : element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String ? Text(value, image) : null;
    }

    static ToolCallPart Call(JsonElement call, string at)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out var function)
            || function.ValueKind != JsonValueKind.Object)
            throw RequestRefusedException.Invalid($"{at}.function", "is needed, with `name` and `arguments`");
        return new(NeededText(function, "name", $"{at}.function"), NeededText(function, "arguments", $"{at}.function"));
    }

    public static IReadOnlyList<ToolSchema> Tools(JsonElement tools)
    {
        var all = new List<ToolSchema>();
        foreach (var (tool, at) in Items(tools, "tools"))
        {
            if (tool.ValueKind != JsonValueKind.Object) throw RequestRefusedException.Invalid(at, "must be an object");
            if (!FreeObjectConverter.IsSound(tool.GetRawText()))
                throw RequestRefusedException.Invalid(at, "holds a member twice, a NUL character or half of a surrogate pair");
            if (tool.TryGetProperty("functionDeclarations", out var declared))
                all.AddRange(Items(declared, $"{at}.functionDeclarations").Select(one => Tool(one.Element, one.At)));
            else
                all.Add(tool.TryGetProperty("function", out var function) ? Tool(function, $"{at}.function") : Tool(tool, at));
        }
        return all;
    }

    static ToolSchema Tool(JsonElement tool, string at)
    {
        if (tool.ValueKind != JsonValueKind.Object) throw RequestRefusedException.Invalid(at, "must be an object");
        var schema = tool.TryGetProperty("parameters", out var parameters) || tool.TryGetProperty("input_schema", out parameters)
            ? parameters : default;
        return new(NeededText(tool, "name", at), OptionalText(tool, "description", at), schema);
    }

    static IEnumerable<(JsonElement Element, string At)> Items(JsonElement list, string at) => list.ValueKind == JsonValueKind.Array
        ? list.EnumerateArray().Select((item, i) => (item, $"{at}[{i}]")) : throw RequestRefusedException.Invalid(at, "must be an array");

    static string Text(JsonElement text, string at)
    {
        if (text.ValueKind != JsonValueKind.String) throw RequestRefusedException.Invalid(at, "must be a string");
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw RequestRefusedException.Invalid(at, "is not valid Unicode: it has half of a surrogate pair");
        }
    }

    static string? OptionalText(JsonElement element, string name, string at) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? Text(value, $"{at}.{name}") : null;

    static string NeededText(JsonElement element, string name, string at) => element.ValueKind != JsonValueKind.Object
        ? throw RequestRefusedException.Invalid(at, "must be an object")
        : OptionalText(element, name, at) ?? throw RequestRefusedException.Invalid($"{at}.{name}", "is needed");

    static string Json(JsonElement element, string name, string at)
    {
        if (element.ValueKind != JsonValueKind.Object) throw RequestRefusedException.Invalid(at, "must be an object");
        return element.TryGetProperty(name, out var value) ? value.GetRawText() : "{}";
    }

    static int? Side(JsonElement element, string name, string at)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var side) && side is >= 1 and <= LargestSide
            ? side : throw RequestRefusedException.Invalid($"{at}.{name}", $"must be a whole number of pixels from 1 to {LargestSide}");
    }

    static decimal Seconds(JsonElement part, string at)
    {
        if (!part.TryGetProperty("seconds", out var value))
            throw RequestRefusedException.Invalid($"{at}.seconds", "is needed: how long it is can not be told from here");
        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var seconds) && seconds is >= 0 and <= LongestSeconds
            ? seconds : throw RequestRefusedException.Invalid($"{at}.seconds", $"must be a number from 0 to {LongestSeconds}");
    }

    static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
