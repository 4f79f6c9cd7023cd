// How bodies are read: whole, checked to be JSON in UTF-8, then without reflection into a document. What is wrong is named.
using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using Purser.Api.Json;

namespace Purser.Api;

static class Body
{
    /// <summary>Room for a thousand usages with their metadata.</summary>
    public const int Largest = 4 * 1024 * 1024;

    /// <summary>
    /// The server's own limit. What lies between is read and thrown away, so that its sender, who does not listen before everything is
    /// sent, hears why it was refused and not only that the connection broke.
    /// </summary>
    public const int LargestRead = 64 * 1024 * 1024;

    delegate T Reading<T>(ReadOnlySpan<byte> json);

    const string noObject = "the body is empty; send a JSON object";

    /// <summary>Reads a body that must be there.</summary>
    public static ValueTask<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class =>
        ReadAsync(http, json => ParseWhole(json, type), noObject);

    /// <summary>Reads what a call says before it is made.</summary>
    public static ValueTask<CallEstimate> ReadEstimateAsync(HttpContext http) => ReadAsync(http,
        static json => QuickBodies.Estimate(json) ?? ParseWhole(json, ApiJson.Default.EstimateDocument).ToCall(), noObject);

    /// <summary>Reads what a call says when it was made.</summary>
    public static ValueTask<CallSettlement> ReadSettlementAsync(HttpContext http) => ReadAsync(http,
        static json => QuickBodies.Settlement(json) ?? ParseWhole(json, ApiJson.Default.SettleDocument).ToCall(), noObject);

    /// <summary>Reads a body that may be absent.</summary>
    public static ValueTask<T?> ReadOptionalAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class =>
        ReadAsync<T?>(http, json => ParseWhole(json, type), null);

    /// <summary>Reads a document that is a part of a stream.</summary>
    public static T ReadLine<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return ParseWhole(json, type);
        }
        catch (JsonException wrong)
        {
            throw new RequestRefusedException(Problems.Of(wrong));
        }
    }

    /// <summary>Reads one document or an array of them. Items that can not be read are told apart from the others: each stands for
    /// itself.</summary>
    public static ValueTask<OneOrMany<T>> ReadOneOrManyAsync<T>(HttpContext http, JsonTypeInfo<T> type, int most) where T : class =>
        ReadAsync(http, json => FirstByte(json) == '[' ? new OneOrMany<T>(null, ParseMany(json, type, most))
            : new OneOrMany<T>(ParseWhole(json, type), []), "the body is empty; send a JSON object or an array of them");

    /// <summary>Reads a body of JSON that must be there, byte for byte.</summary>
    public static ValueTask<byte[]> ReadFileAsync(HttpContext http) => ReadAsync(http, static json =>
        WrongMembers.Unsound(json) is { } unsound ? throw new RequestRefusedException(unsound) : json.ToArray(),
        "the body is empty; send the file");

    /// <param name="empty">What an absent body is told; null where it may be absent.</param>
    static async ValueTask<T> ReadAsync<T>(HttpContext http, Reading<T> read, string? empty)
    {
        CheckHeaders(http.Request);
        var reader = http.Request.BodyReader;
        if (http.Request.ContentLength > Largest) throw await TooLarge(http.Request, reader);
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            var body = result.Buffer;
            if (body.Length > Largest)
            {
                reader.AdvanceTo(body.End);
                throw await TooLarge(http.Request, reader);
            }
            if (!result.IsCompleted)
            {
                reader.AdvanceTo(body.Start, body.End);
                continue;
            }
            try
            {
                if (http.Features.Get<InFlight.Place>() is { } place) await place.TurnAsync();
                if (body.IsEmpty) return empty is null ? default! : throw RequestRefusedException.Invalid(null, empty);
                if (http.Request.ContentType is null) throw Unsupported("nothing said what the body is");
                return Whole(body, read);
            }
            finally
            {
                reader.AdvanceTo(body.End);
            }
        }
    }

    static async ValueTask<RequestRefusedException> TooLarge(HttpRequest request, PipeReader reader)
    {
        // Whoever asked before sending has not sent anything yet.
        var waits = request.Headers.Expect.Count > 0;
        while (!waits)
        {
            var result = await reader.ReadAsync(request.HttpContext.RequestAborted);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) break;
        }
        return new(
            new(Core.OutcomeStatus.Invalid, null, null, $"a body has at most {Largest / 1024 / 1024} MiB")) { Problem = Problems.TooLarge };
    }

    static T Whole<T>(in ReadOnlySequence<byte> body, Reading<T> read)
    {
        if (body.IsSingleSegment) return Checked(body.FirstSpan, read);
        var rented = ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            body.CopyTo(rented);
            return Checked(rented.AsSpan(0, (int)body.Length), read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    static T Checked<T>(ReadOnlySpan<byte> json, Reading<T> read)
    {
        if (json.StartsWith(Encoding.UTF8.Preamble))
            throw RequestRefusedException.Invalid(null, "the body begins with a byte order mark; JSON has none");
        if (!Utf8.IsValid(json)) throw RequestRefusedException.Invalid(null, "the body is not valid UTF-8");
        try
        {
            return read(json);
        }
        catch (JsonException wrong)
        {
            throw new RequestRefusedException(Problems.Of(wrong));
        }
    }

    /// <summary>Reads a document that is all of the body: where it is wrong, all that is wrong is said.</summary>
    static T ParseWhole<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        // Free JSON keeps its members by name: one that is there twice would be an error inside.
        if (typeof(T) == typeof(System.Text.Json.Nodes.JsonObject) && WrongMembers.Unsound(json) is { } unsound)
            throw new RequestRefusedException(unsound);
        try
        {
            return Parse(json, type);
        }
        catch (JsonException wrong)
        {
            var all = WrongMembers.Of(json, type, wrong);
            throw new RequestRefusedException(all[0]) { All = all };
        }
    }

    static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class =>
        JsonSerializer.Deserialize(json, type) ?? throw RequestRefusedException.Invalid(null, "the body must be a JSON object, not null");

    static List<Item<T>> ParseMany<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, int most) where T : class
    {
        var items = new List<Item<T>>();
        var reader = new Utf8JsonReader(json);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (items.Count == most) throw RequestRefusedException.Invalid(null, $"at most {most} items in one request");
                items.Add(ParseItem(json[start..(int)reader.BytesConsumed], type));
            }
            // Nothing may follow the array.
            reader.Read();
        }
        catch (JsonException malformed)
        {
            throw new RequestRefusedException(Problems.Of(new JsonException(null, malformed)));
        }
        return items;
    }

    static Item<T> ParseItem<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return new(Parse(json, type), null);
        }
        catch (JsonException wrong)
        {
            return new(null, Problems.Of(wrong));
        }
        catch (RequestRefusedException refused)
        {
            return new(null, refused.Outcome);
        }
    }

    static byte FirstByte(ReadOnlySpan<byte> json)
    {
        var rest = json.TrimStart(" \t\r\n"u8);
        return rest.IsEmpty ? (byte)0 : rest[0];
    }

    static void CheckHeaders(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
            throw new RequestRefusedException(
                new(Core.OutcomeStatus.Invalid, null, "Content-Encoding", "compressed bodies are not supported")) { Problem =
                    Problems.UnsupportedMediaType };
        var type = request.ContentType;
        if (type is null || type.Equals("application/json", StringComparison.OrdinalIgnoreCase)) return;
        if (!MediaTypeHeaderValue.TryParse(type, out var media)
            || !(media.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                || media.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)))
            throw Unsupported($"'{(type.Length <= 60 ? type : type[..60])}' is not JSON");
        if (media.Charset.HasValue && !media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            throw Unsupported("JSON is UTF-8");
    }

    static RequestRefusedException Unsupported(string detail) =>
        new(new(Core.OutcomeStatus.Invalid, null, "Content-Type",
            $"{detail}; send application/json")) { Problem = Problems.UnsupportedMediaType };
}

/// <summary>One document, or (where <see cref="One"/> is null) many.</summary>
sealed record OneOrMany<T>(T? One, IReadOnlyList<Item<T>> Many) where T : class;

/// <summary>A document of an array, or what is wrong with it.</summary>
readonly record struct Item<T>(T? Document, Core.Outcome? Wrong) where T : class;
