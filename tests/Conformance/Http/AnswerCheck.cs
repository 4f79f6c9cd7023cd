// Compares every answer that a suite gets with the description that the host itself serves: status, content type, headers, body.
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;
using Xunit.Sdk;

namespace Purser.Conformance.Http;

/// <summary>
/// Stands in the client of every suite. What the description does not say is a failure of the test that saw it: an unknown status, a
/// member that is not described, a null where none may be. A request that was taken has to fit its description too.
/// </summary>
public sealed class AnswerCheck : DelegatingHandler
{
    static readonly string[] methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];

    /// <summary>Pages for people and for other programs, which are not operations of the description.</summary>
    static readonly string[] pages = ["/metrics", "/openapi/", "/docs", "/scalar", "/_", "/gate/",
        "/overview", "/accounts", "/sign-in", "/not-found"];

    readonly SemaphoreSlim once = new(1, 1);
    DescribedApi? described;

    AnswerCheck(HttpMessageHandler way) : base(way)
    {
    }

    /// <summary>A client whose answers are all checked.</summary>
    public static HttpClient ClientOf(Uri address, HttpMessageHandler? way = null) =>
        new(new AnswerCheck(way ?? new HttpClientHandler())) { BaseAddress = address };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var sent = request.Content is ByteArrayContent content ? await content.ReadAsStringAsync(cancellationToken) : null;
        var response = await base.SendAsync(request, cancellationToken);
        var path = request.RequestUri!.AbsolutePath;
        if (!methods.Contains(request.Method.Method) || pages.Any(page => path.StartsWith(page, StringComparison.OrdinalIgnoreCase))
            || IsOfTheServerItself(response)) return response;
        var api = await DescribedAsync(new(request.RequestUri, "/openapi/v1.json"), cancellationToken);
        var body = IsWhole(response) ? await response.Content.ReadAsStringAsync(cancellationToken) : null;
        if (api.Problem(request, sent, response, body) is { } problem)
            throw new XunitException($"{request.Method} {path} answered {(int)response.StatusCode}, and the description does not agree: "
                + $"{problem}\n{body}");
        return response;
    }

    /// <summary>What is no HTTP that it takes (a path with %00) the server refuses before anything of the API is asked.</summary>
    static bool IsOfTheServerItself(HttpResponseMessage response) => response is
    {
        StatusCode: System.Net.HttpStatusCode.BadRequest, Headers.ConnectionClose: true,
        Content.Headers: { ContentLength: 0, ContentType: null },
    };

    /// <summary>JSON of a length that was told. Streams may be longer than memory, and their readers may be slow on purpose.</summary>
    static bool IsWhole(HttpResponseMessage response) => response.Content.Headers.ContentLength is not null
        && response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";

    async Task<DescribedApi> DescribedAsync(Uri page, CancellationToken cancellation)
    {
        if (described is { } known) return known;
        await once.WaitAsync(cancellation);
        try
        {
            if (described is not null) return described;
            using var request = new HttpRequestMessage(HttpMethod.Get, page);
            using var response = await base.SendAsync(request, cancellation);
            return described = new(await response.Content.ReadAsStringAsync(cancellation));
        }
        finally
        {
            once.Release();
        }
    }
}

/// <summary>A description, ready to say what is wrong with an answer.</summary>
public sealed class DescribedApi
{
    const string Id = "https://description.test/api";

    /// <summary>Headers that have a meaning for callers: where one is sent, the description knows it.</summary>
    static readonly string[] headers = ["ETag", "Location", "Retry-After", "WWW-Authenticate", "Link", "RateLimit", "RateLimit-Policy"];

    readonly JsonObject document;
    readonly List<(string Method, Regex Path, int Parameters, JsonObject Operation)> operations = [];
    readonly Dictionary<JsonObject, JsonSchema> schemas = [];
    readonly BuildOptions building = new() { SchemaRegistry = new() };
    readonly EvaluationOptions options = new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    public DescribedApi(string json)
    {
        document = JsonNode.Parse(json.Replace("\"#/components/schemas/", $"\"{Id}#/$defs/", StringComparison.Ordinal))!.AsObject();
        Close(document);
        JsonSchema.FromText(new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["$id"] = Id,
            ["$defs"] = document["components"]!["schemas"]!.DeepClone(),
        }.ToJsonString(), building);
        foreach (var (path, methods) in document["paths"]!.AsObject())
            foreach (var (method, operation) in methods!.AsObject())
                operations.Add((method.ToUpperInvariant(), PatternOf(path), path.Count(c => c == '{'), operation!.AsObject()));
    }

    public JsonObject Document => document;

    static Regex PatternOf(string path) => new($"^{Regex.Replace(path, @"\{(\w+)\}", match =>
        match.Groups[1].Value == "model" ? ".+" : "[^/]+")}/?$", RegexOptions.IgnoreCase);

    /// <summary>Answers may get further members, so their schemas are open; a suite wants to hear of each that is not described.</summary>
    static void Close(JsonNode? node)
    {
        if (node is JsonArray items)
            foreach (var item in items) Close(item);
        if (node is not JsonObject members) return;
        foreach (var (_, member) in members.ToArray()) Close(member);
        if (members["properties"] is JsonObject && members["type"] is not null && !members.ContainsKey("additionalProperties"))
            members["additionalProperties"] = false;
    }

    /// <summary>The operation of a request; null where the description has none.</summary>
    public JsonObject? OperationOf(string method, string path) => operations
        .Where(operation => operation.Method == method && operation.Path.IsMatch(path))
        .OrderBy(operation => operation.Parameters).Select(operation => operation.Operation).FirstOrDefault();

    /// <summary>What is wrong with an answer; null where it is as described.</summary>
    public string? Problem(HttpRequestMessage request, string? sent, HttpResponseMessage response, string? body)
    {
        var status = (int)response.StatusCode;
        var contentType = response.Content.Headers.ContentType?.MediaType;
        // The web server itself refuses malformed headers and closes the connection, before any program is asked.
        if (status == 400 && contentType is null && response.Headers.ConnectionClose == true) return null;
        if (OperationOf(request.Method.Method, request.RequestUri!.AbsolutePath) is not { } operation)
            return status is 400 or 401 or 403 or 404 or 405
                ? contentType != "application/problem+json" ? $"a problem was expected, not {contentType}"
                    : Wrong(new() { ["$ref"] = $"{Id}#/$defs/Problem" }, body!)
                : "there is no such operation";
        if (Resolved(operation["responses"]![status.ToString(System.Globalization.CultureInfo.InvariantCulture)]) is not { } known)
            return "the operation has no such status";
        foreach (var header in headers)
            if (response.Headers.Contains(header) && known["headers"]?[header] is null)
                return $"the header {header} is not described";
        if (known["content"] is not JsonObject contents)
            return contentType is null ? null : $"no body was expected, not {contentType}";
        if (contentType is null || contents[contentType] is not JsonObject media) return $"the content type is {contentType ?? "missing"}";
        if (body is not null && Wrong(media["schema"]!.AsObject(), body) is { } wrong) return wrong;
        if (known["x-problems"] is JsonArray types && (string?)JsonNode.Parse(body!)!["type"] is var type
            && !types.Any(one => (string?)one == type)) return $"{type} is not among {types.ToJsonString()}";
        return status < 300 ? WrongRequest(operation, request, sent) : null;
    }

    /// <summary>A part of the description, or what it refers to: `#/components/responses/NAME`.</summary>
    JsonObject? Resolved(JsonNode? part)
    {
        if ((string?)part?["$ref"] is not { } reference) return part?.AsObject();
        return reference.TrimStart('#', '/').Split('/').Aggregate((JsonNode?)document, (at, name) => at?[name])?.AsObject();
    }

    string? WrongRequest(JsonObject operation, HttpRequestMessage request, string? sent)
    {
        // Items of an array stand each for itself: some may be wrong.
        if (sent is { Length: > 0 } && !sent.StartsWith('[') && request.Content!.Headers.ContentType?.MediaType is "application/json"
            && operation["requestBody"]?["content"]?["application/json"]?["schema"] is JsonObject schema
            && Wrong(schema, sent) is { } wrong) return $"the request was taken, but its body is not as described: {wrong}\n{sent}";
        var names = operation["parameters"]?.AsArray().Where(parameter => (string?)parameter!["in"] == "query")
            .Select(parameter => (string)parameter!["name"]!).ToArray() ?? [];
        foreach (var pair in request.RequestUri!.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = Uri.UnescapeDataString(pair.Split('=')[0]);
            if (!names.Contains(name) && !(name.StartsWith("tags.", StringComparison.Ordinal) && names.Contains("tags")))
                return $"the parameter {name} is not described";
        }
        return null;
    }

    /// <summary>Where a JSON text does not fit a schema of the description, and why; null where it fits.</summary>
    public string? Wrong(JsonObject schema, string json)
    {
        EvaluationResults results;
        lock (schemas)
        {
            if (!schemas.TryGetValue(schema, out var made)) schemas[schema] = made = JsonSchema.FromText(schema.ToJsonString(), building);
            results = made.Evaluate(JsonDocument.Parse(json).RootElement, options);
        }
        if (results.IsValid) return null;
        var errors = (results.Details ?? []).Append(results).Where(detail => detail.Errors is not null)
            .SelectMany(detail => detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}")).Distinct().Take(8);
        return string.Join("; ", errors);
    }
}
