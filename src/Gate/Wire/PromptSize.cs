// How many tokens a request's prompt may have, whatever it holds: text by the model's counter, pictures by their provider's formula, sound
// and documents by their size, and what is only named by a size that few have. It errs upwards; what was really used is settled from the
// provider's report.
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Purser.TokenCounting;
using Purser.TokenCounting.Prompts;

namespace Purser.Gate.Wire;

static class PromptSize
{
    /// <summary>Tokens around a message, for its role and separators: the largest number that a provider has published.</summary>
    const int PerMessage = 4;

    /// <summary>A page of a document has some 2,000 tokens and at least some 50,000 bytes.</summary>
    const int DocumentBytesPerToken = 25;

    /// <summary>A document, a sound or a film that is named by an id or an address: nobody here knows its size. Fifty pages of 2,000
    /// tokens, fifty minutes of sound, six of film.</summary>
    const int NamedTokens = 100_000;

    /// <summary>Google shrinks a picture to so many pixels a side, the others to fewer.</summary>
    const int LargestSide = 3072;

    /// <summary>Sealed reasoning is sent back as base64 of its text.</summary>
    const int SealedCharactersPerToken = 4;

    /// <summary>Above this many characters text is not counted but estimated: three characters a token is few for any language.</summary>
    const int LongestCounted = 4 * 1024 * 1024;
    const int FewestCharactersPerToken = 2;

    /// <summary>So many bytes of a picture are searched for its size.</summary>
    const int LongestHeader = 256 * 1024;

    /// <summary>Members that models do not read.</summary>
    static readonly HashSet<string> unread = new(StringComparer.Ordinal)
    {
        "type", "id", "role", "cache_control", "tool_use_id", "call_id", "tool_call_id", "status", "detail", "file_id", "mimeType",
        "mime_type", "media_type", "format", "filename", "signature", "thoughtSignature", "thought_signature",
    };

    /// <summary>Members whose objects models read as JSON, names and all: what was said to tools, what they answered, schemas.</summary>
    static readonly HashSet<string> readAsJson = new(StringComparer.Ordinal)
    {
        "input", "args", "arguments", "response", "action", "operation", "schema", "input_schema",
    };

    public static long Of(ModelProfile model, JsonElement value) => Of(model, value, isJson: false);

    /// <summary>An object that the model reads as it stands. Never less than what stands in it.</summary>
    public static long Json(ModelProfile model, JsonElement value) =>
        Math.Max(Text(model, value.GetRawText()), Of(model, value, isJson: true));

    /// <param name="isJson">Inside of an object that is read as it stands: what looks like the name of a document is text there.</param>
    static long Of(ModelProfile model, JsonElement value, bool isJson)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Text(model, value.GetString()!);
            case JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False:
                return 1;
            case JsonValueKind.Array:
                long items = 0;
                foreach (var item in value.EnumerateArray()) items += Of(model, item, isJson);
                return items;
            case JsonValueKind.Object:
                if (Media(model, value, isJson) is { } media)
                    return media + Text(model, Text(value, "title") ?? "") + Text(model, Text(value, "context") ?? "");
                long members = value.TryGetProperty("role", out _) ? PerMessage : 0;
                foreach (var member in value.EnumerateObject())
                {
                    if (member.NameEquals("encrypted_content") || member.NameEquals("data"))
                        members += member.Value.ValueKind == JsonValueKind.String
                            ? member.Value.GetString()!.Length / SealedCharactersPerToken : Of(model, member.Value, isJson);
                    else if (!isJson && member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array
                        && readAsJson.Contains(member.Name))
                        members += Json(model, member.Value);
                    // The format of an answer is an object with a schema; that of a sound is a word.
                    else if (!unread.Contains(member.Name)
                        || (member.NameEquals("format") && member.Value.ValueKind == JsonValueKind.Object))
                        members += Of(model, member.Value, isJson);
                }
                return members;
            default:
                return 0;
        }
    }

    /// <summary>Definitions of tools: their names, descriptions and schemas as they stand.</summary>
    public static long OfTools(ModelProfile model, JsonElement tools) => tools.ValueKind == JsonValueKind.Array
        && tools.GetArrayLength() > 0
        ? Text(model, tools.GetRawText()) + PerMessage * tools.GetArrayLength() : 0;

    public static long Text(ModelProfile model, string text) =>
        text.Length > LongestCounted ? text.Length / FewestCharactersPerToken : model.Counter.Count(text);

    public static long Sound(ModelProfile model, decimal seconds) => Count(model, new AudioPart(seconds)).Audio;

    /// <summary>A picture by its first bytes.</summary>
    public static long Image(ModelProfile model, ReadOnlySpan<byte> head)
    {
        var size = ImageHeader.Size(head);
        return Count(model, new ImagePart(ImageDetail.High, size?.Width, size?.Height)).Images;
    }

    /// <summary>A picture, sound or document; null where the object is none of them.</summary>
    static long? Media(ModelProfile model, JsonElement part, bool isJson)
    {
        var type = Text(part, "type");
        var named = isJson ? 0 : NamedTokens;
        if (Inner(part, "inlineData", "inline_data") is { } inline)
            return Bytes(model, KindOf(Text(inline, "mimeType") ?? Text(inline, "mime_type")), Text(inline, "data"), null, 0);
        if (Inner(part, "fileData", "file_data") is { } file)
            return Bytes(model, KindOf(Text(file, "mimeType") ?? Text(file, "mime_type")), null, null, named);
        if (part.TryGetProperty("source", out var source) && source.ValueKind == JsonValueKind.Object)
        {
            // A document may be plain text, or a list of parts.
            if (Text(source, "type") is "text" or "content") return null;
            return Bytes(model, type == "image" ? Kind.Image : Kind.Document, Text(source, "data"), null,
                Text(source, "type") is "url" or "file" ? named : 0);
        }
        if (part.TryGetProperty("input_audio", out var audio)) return Bytes(model, Kind.Audio, Text(audio, "data"), null, named);
        if (part.TryGetProperty("image_url", out var image))
            return image.ValueKind == JsonValueKind.Object ? Bytes(model, Kind.Image, DataOf(Text(image, "url")), Text(image, "detail"), 0)
                : Bytes(model, Kind.Image, DataOf(image.ValueKind == JsonValueKind.String ? image.GetString() : null),
                    Text(part, "detail"), 0);
        if (type is "input_image" or "computer_screenshot") return Bytes(model, Kind.Image, null, Text(part, "detail"), 0);
        if (type is "input_file") return Bytes(model, Kind.Document, FileOf(Text(part, "file_data")), null, named);
        if (type is "file" && Inner(part, "file") is { } given)
            return Bytes(model, Kind.Document, FileOf(Text(given, "file_data")), null, named);
        if (isJson) return null;
        if (type is "file" && Text(part, "file_id") is not null) return named;
        return AddressOf(part, "document_url", "audio_url", "video_url") is { } address ? named + Text(model, address) : null;
    }

    enum Kind { Image, Audio, Document }

    static Kind KindOf(string? type) => type is null ? Kind.Document
        : type.StartsWith("image/", StringComparison.OrdinalIgnoreCase) ? Kind.Image
        : type.StartsWith("audio/", StringComparison.OrdinalIgnoreCase) || type.StartsWith("video/", StringComparison.OrdinalIgnoreCase)
            ? Kind.Audio : Kind.Document;

    /// <param name="named">What it counts as where its bytes are not here; a picture counts as the largest that is looked at.</param>
    static long Bytes(ModelProfile model, Kind kind, string? base64, string? detail, int named)
    {
        if (base64 is null && kind != Kind.Image) return named;
        var length = (base64?.Length ?? 0) * 3L / 4;
        switch (kind)
        {
            case Kind.Image:
                var size = base64 is null ? null : Size(base64);
                var looked = detail == "low" ? ImageDetail.Low : detail == "high" ? ImageDetail.High : ImageDetail.Auto;
                var picture = Count(model, new ImagePart(looked, size?.Width, size?.Height)).Images;
                return size is not null ? picture : Math.Max(picture, Count(model, new ImagePart(looked, LargestSide, LargestSide)).Images);
            case Kind.Audio:
                return Count(model, new AudioPart(length / (decimal)SoundLength.LeastBytesPerSecond)).Audio;
            default:
                return length / DocumentBytesPerToken;
        }
    }

    static TokenParts Count(ModelProfile model, Part part) =>
        PromptCounting.Count(model, new Prompt([new("user", [part])], [])).Parts;

    static (int Width, int Height)? Size(string base64)
    {
        var length = Math.Min(base64.Length, LongestHeader) / 4 * 4;
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            if (Encoding.UTF8.GetByteCount(base64.AsSpan(0, length)) != length) return null;
            Encoding.UTF8.GetBytes(base64.AsSpan(0, length), bytes);
            return Base64.DecodeFromUtf8InPlace(bytes.AsSpan(0, length), out var written) == OperationStatus.Done
                ? ImageHeader.Size(bytes.AsSpan(0, written)) : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    static string? DataOf(string? url) => url is not null && url.StartsWith("data:", StringComparison.Ordinal)
        && url.IndexOf("base64,", StringComparison.Ordinal) is > 0 and var at ? url[(at + 7)..] : null;

    /// <summary>The data of a file, with or without the words of an address before it; null where it is elsewhere.</summary>
    static string? FileOf(string? data) =>
        DataOf(data) ?? (data?.StartsWith("http", StringComparison.OrdinalIgnoreCase) == true ? null : data);

    /// <summary>The address under one of some members, where it leads elsewhere.</summary>
    static string? AddressOf(JsonElement part, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if ((Text(part, name) ?? (Inner(part, name) is { } holder ? Text(holder, "url") : null)) is { } address
                && !address.StartsWith("data:", StringComparison.Ordinal))
                return address;
        return null;
    }

    static JsonElement? Inner(JsonElement part, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (part.TryGetProperty(name, out var inner) && inner.ValueKind == JsonValueKind.Object)
                return inner;
        return null;
    }

    static string? Text(JsonElement part, string name) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
