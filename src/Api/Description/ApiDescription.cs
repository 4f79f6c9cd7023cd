// The OpenAPI 3.1 description, made once from the routes, what stands beside them, and the documents.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Api.Access;
using Purser.Api.Documents;

namespace Purser.Api.Description;

/// <summary>One for a host: its routes do not change while it runs.</summary>
sealed class ApiDescription
{
    static readonly JsonSerializerOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Servers are told from the address of the description, which is one step below them: where a proxy has put the host below a
    /// path, operations are found there too.</summary>
    const string fromHere = "..";

    readonly SchemaBook schemas;
    readonly JsonObject refusals = [];

    ApiDescription(IReadOnlyList<RouteEndpoint> operations) => schemas = new(
        operations.SelectMany(operation => operation.Metadata.OfType<BodyNote>()).Select(note => note.Type)
            .Concat(operations.SelectMany(operation => operation.Metadata.OfType<LinesNote>()).Select(note => note.Line))
            .Append(typeof(ImportLineDocument)),
        operations.SelectMany(operation => operation.Metadata.OfType<AnswerNote>()).Select(note => note.Type)
            .Concat(operations.SelectMany(operation => operation.Metadata.OfType<LinesNote>()).Select(note => note.Answer))
            .Append(typeof(ProblemDocument)).Append(typeof(RecordDocument)));

    public static byte[] Of(EndpointDataSource endpoints)
    {
        RouteEndpoint[] operations = [.. endpoints.Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<OperationNote>() is not null)];
        return Encoding.UTF8.GetBytes(new ApiDescription(operations).Document(operations).ToJsonString(readable));
    }

    JsonObject Document(RouteEndpoint[] operations)
    {
        var (paths, used) = (new JsonObject(), operations.Select(endpoint => Subjects.Of(PathOf(endpoint))).ToHashSet());
        foreach (var endpoint in operations)
        {
            var path = PathOf(endpoint);
            if (paths[path] is not JsonObject methods) paths[path] = methods = [];
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
                methods[method.ToLowerInvariant()] = Operation(endpoint, method, path);
        }
        return new()
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject
            {
                ["title"] = "Purser",
                ["version"] = typeof(ApiDescription).Assembly.GetName().Version?.ToString(3) ?? "",
                ["summary"] = "The budget authority for LLM agents.",
                ["description"] = Subjects.Introduction,
                ["license"] = new JsonObject { ["name"] = "MIT", ["identifier"] = "MIT" },
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = fromHere, ["description"] = "The host that answers this." }),
            ["security"] = new JsonArray(new JsonObject { ["key"] = new JsonArray() }),
            ["tags"] = new JsonArray([.. Subjects.All.Where(subject => used.Contains(subject.Name)).Select(subject => new JsonObject
            {
                ["name"] = subject.Name, ["description"] = subject.Text,
            })]),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["key"] = new JsonObject
                    {
                        ["type"] = "http", ["scheme"] = "bearer",
                        ["description"] = "A key of POST /v1/keys, the first key (PURSER_ADMIN_KEY), or a token of a named issuer. A host "
                            + "that was started without a first key, which then listens on this machine only, asks for none.",
                    },
                },
                ["parameters"] = new JsonObject { ["traceparent"] = Headers.Sent("traceparent") },
                ["responses"] = refusals,
                ["schemas"] = schemas.Components,
            },
        };
    }

    /// <summary>The path as the description writes it: without the marks for the rest of a path.</summary>
    static string PathOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{**", "{",
        StringComparison.Ordinal);

    JsonObject Operation(RouteEndpoint endpoint, string method, string path)
    {
        var note = endpoint.Metadata.GetMetadata<OperationNote>()!;
        var facts = OperationFacts.Of(note.Id);
        var operation = new JsonObject
        {
            ["operationId"] = note.Id,
            ["summary"] = note.Summary,
            ["description"] = facts.Text ?? note.Summary + ".",
            ["tags"] = new JsonArray(Subjects.Of(path)),
        };
        // Any one of these rights suffices; an empty list asks for a key and nothing more; without the member no key is needed.
        if (endpoint.Metadata.GetMetadata<NeededRight>() is { } needed)
            operation["x-rights"] = new JsonArray([.. Rights.WordsOf(needed.Right).Select(word => (JsonNode)word)]);
        else operation["security"] = new JsonArray();
        var parameters = Parameters(endpoint, facts, path);
        if (parameters.Count > 0) operation["parameters"] = parameters;
        var body = Body(endpoint, facts);
        if (body is not null) operation["requestBody"] = body;
        operation["responses"] = Responses(endpoint, method, path, note.Id, facts, body is not null);
        AddExamples(operation, note.Id);
        return operation;
    }

    static void AddExamples(JsonObject operation, string id)
    {
        foreach (var (type, media) in operation["requestBody"]?["content"]?.AsObject() ?? [])
            media!.AsObject().With(id, type == Endpoints.BatchEndpoints.LinesType ? "lines" : "request");
        foreach (var (status, response) in operation["responses"]!.AsObject())
            foreach (var (type, media) in response!["content"]?.AsObject() ?? [])
                if (type is "application/json" or Endpoints.BatchEndpoints.LinesType)
                    media!.AsObject().With(id, type == Endpoints.BatchEndpoints.LinesType ? "answer" : status);
    }

    static JsonArray Parameters(RouteEndpoint endpoint, OperationFacts facts, string path) =>
    [
        .. path.Split('/').Where(segment => segment.StartsWith('{')).Select(segment => ParameterSchemas.InPath(segment.Trim('{', '}'))),
        .. endpoint.Metadata.OfType<ParametersNote>().SelectMany(known => known.Parameters).Select(ParameterSchemas.InQuery),
        .. facts.Headers.Select(Headers.Sent),
        .. endpoint.Metadata.GetMetadata<NeededRight>() is null ? (JsonNode[])[]
            : [new JsonObject { ["$ref"] = "#/components/parameters/traceparent" }],
    ];

    JsonObject? Body(RouteEndpoint endpoint, OperationFacts facts)
    {
        if (facts.BodyIsLines is { } lines)
            return new()
            {
                ["required"] = true, ["description"] = lines,
                ["content"] = LinesOf(endpoint.Metadata.GetMetadata<LinesNote>()?.Line ?? typeof(ImportLineDocument)),
            };
        if (facts.BodyMayBe is { } mayBe)
            return new() { ["required"] = false, ["description"] = mayBe.Text, ["content"] = new JsonObject { [mayBe.Type] = Stream() } };
        if (endpoint.Metadata.GetMetadata<BodyNote>() is not { } body) return null;
        var one = schemas.Of(body.Type);
        var schema = body.OrMany
            ? new() { ["oneOf"] = new JsonArray(one, new JsonObject { ["type"] = "array", ["items"] = one.DeepClone() }) } : one;
        return new()
        {
            ["required"] = body.Required, ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = schema } },
        };
    }

    /// <summary>A stream whose lines are JSON objects of a type.</summary>
    JsonObject LinesOf(Type type) => new()
    {
        [Endpoints.BatchEndpoints.LinesType] = new JsonObject
        {
            ["schema"] = new JsonObject
            {
                ["type"] = "string", ["contentMediaType"] = "application/json", ["contentSchema"] = schemas.Of(type),
                ["description"] = "Each line is a JSON object of this form.",
            },
        },
    };

    static JsonObject Stream() => new()
    {
        ["schema"] = new JsonObject { ["type"] = "string", ["description"] = "A stream of any length." },
    };

    JsonObject Responses(RouteEndpoint endpoint, string method, string path, string id, OperationFacts facts, bool hasBody)
    {
        var responses = new JsonObject();
        foreach (var answers in endpoint.Metadata.OfType<AnswerNote>().Where(answer => answer.Status < 400)
            .GroupBy(answer => answer.Status).OrderBy(answers => answers.Key))
        {
            JsonObject[] choices = [.. answers.Select(answer => schemas.Of(answer.Type))];
            var schema = choices.Length == 1 ? choices[0] : new() { ["oneOf"] = new JsonArray([.. choices]) };
            responses[Text(answers.Key)] = Response(answers.Key == 201 ? "Done, and kept." : "Done.", "application/json", schema,
                Headers.Answered(id, answers.Key));
        }
        if (endpoint.Metadata.GetMetadata<FileNote>() is { } file) responses["200"] = FileResponse(file, facts);
        else
            foreach (var type in facts.OtherContentTypes)
                responses["200"]!["content"]![type] = Stream();
        if (endpoint.Metadata.GetMetadata<LinesNote>() is { } lines)
            responses["200"] = new JsonObject { ["description"] = "A line for each line that is not empty.",
                ["content"] = LinesOf(lines.Answer) };
        if (facts.HasNothingToSay) responses["204"] = new JsonObject { ["description"] = "Done; there is nothing to say." };
        if (facts.Headers.Contains("If-None-Match") && method == "GET")
            responses["304"] = new JsonObject
            {
                ["description"] = "It still has the version that `If-None-Match` names.", ["headers"] = Headers.Answered(id, 200),
            };
        if (endpoint.Metadata.GetMetadata<NeededRight>() is not null)
            foreach (var (_, done) in responses)
            {
                if (done!["headers"] is not JsonObject told) done["headers"] = told = [];
                Headers.AddRates(told);
            }
        var refused = endpoint.Metadata.OfType<AnswerNote>().FirstOrDefault(answer => answer.Status >= 400);
        var isGuarded = endpoint.Metadata.GetMetadata<NeededRight>() is not null;
        foreach (var group in facts.ProblemsOf(isGuarded, path, hasBody).GroupBy(problem => problem.Status).OrderBy(group => group.Key))
        {
            var isDecision = refused?.Status == group.Key;
            var name = string.Join("Or", group.Select(problem => string.Concat(problem.Slug.Split('-').Select(Capital))));
            refusals[name] ??= Refusal([.. group], schemas.Of(isDecision ? refused!.Type : typeof(ProblemDocument)),
                media => isDecision ? media.With(id, Text(group.Key)) : media.With(group));
            responses[Text(group.Key)] = new JsonObject { ["$ref"] = $"#/components/responses/{name}" };
        }
        return responses;
    }

    static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    static JsonObject Refusal(Problem[] problems, JsonObject schema, Func<JsonObject, JsonObject> withExample)
    {
        var response = Response(string.Join(" ", problems.Select(problem => $"`{problem.Slug}`: {problem.Title}.")), Problems.ContentType,
            schema, Headers.Refused(problems[0].Status));
        withExample(response["content"]![Problems.ContentType]!.AsObject());
        // The types that an answer of this status can have.
        response["x-problems"] = new JsonArray([.. problems.Select(problem => (JsonNode)problem.Type)]);
        return response;
    }

    JsonObject FileResponse(FileNote file, OperationFacts facts)
    {
        var content = new JsonObject();
        foreach (var type in (string[])[file.ContentType, .. facts.OtherContentTypes])
            content[type] = type switch
            {
                "application/json" when file.ContentType == Endpoints.OtlpEndpoints.Protobuf => new JsonObject
                {
                    ["schema"] = new JsonObject { ["type"] = "object" },
                },
                "application/json" => new JsonObject
                {
                    ["schema"] = new JsonObject { ["type"] = "array", ["items"] = schemas.Of(typeof(RecordDocument)) },
                },
                Endpoints.BatchEndpoints.LinesType => LinesOf(typeof(RecordDocument))[type]!.DeepClone(),
                _ => Stream(),
            };
        return new() { ["description"] = "Done.", ["content"] = content };
    }

    static JsonObject Response(string text, string contentType, JsonObject schema, JsonObject headers)
    {
        var response = new JsonObject { ["description"] = text };
        if (headers.Count > 0) response["headers"] = headers;
        response["content"] = new JsonObject { [contentType] = new JsonObject { ["schema"] = schema } };
        return response;
    }

    static string Text(int status) => status.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
