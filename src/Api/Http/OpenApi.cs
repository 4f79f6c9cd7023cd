// The OpenAPI description: from the notes beside each route, and the schemas of the documents.
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Api;

sealed record OperationNote(string Id, string Summary);

sealed record BodyNote(Type Type, bool Required, bool OrMany = false);

sealed record ParametersNote(IReadOnlyList<Parameter> Parameters);

sealed record AnswerNote(int Status, Type Type);

/// <summary>The answer is a file, streamed.</summary>
sealed record FileNote(string ContentType);

static class OpenApi
{
    public static IServiceCollection AddPurserOpenApi(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.CreateSchemaReferenceId = type => type.Type.Name.EndsWith("Document", StringComparison.Ordinal)
            ? type.Type.Name[..^"Document".Length] : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Describe(schema, Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Purser";
            document.Info.Description = "The budget authority for LLM agents: ask before a call, settle after it.";
            document.Servers = [];
            return Task.CompletedTask;
        });
    });

    /// <summary>The values that have a converter of their own.</summary>
    static void Describe(OpenApiSchema schema, Type type)
    {
        if (type == typeof(string)) schema.Type = Kind(schema, JsonSchemaType.String);
        else if (type == typeof(bool)) schema.Type = Kind(schema, JsonSchemaType.Boolean);
        else if (type == typeof(decimal)) (schema.Type, schema.Format, schema.Pattern) = (Kind(schema, JsonSchemaType.Number), null, null);
        else if (type == typeof(long)) (schema.Type, schema.Format, schema.Pattern) = (Kind(schema, JsonSchemaType.Integer), "int64", null);
        else if (type == typeof(Instant)) (schema.Type, schema.Format) = (Kind(schema, JsonSchemaType.String), "date-time");
        else if (type == typeof(FreeObject)) schema.Type = Kind(schema, JsonSchemaType.Object);
        else if (type == typeof(Cost))
            (schema.Type, schema.Pattern, schema.Description) = (Kind(schema, JsonSchemaType.String), @"^-?\d+(\.\d{1,9})?$",
                "money as a decimal string");
        else if (type == typeof(Amount))
            (schema.Type, schema.Description) = (JsonSchemaType.Integer | JsonSchemaType.String | JsonSchemaType.Null,
                "a whole number; for money a decimal string; null is unlimited");
        else if (type == typeof(ThresholdDocument))
            (schema.Type, schema.Description) = (JsonSchemaType.Number | JsonSchemaType.Object, "a ratio, or {\"ratio\", \"level\"}");
        else if (type == typeof(PriceDocument) || type == typeof(System.Text.Json.Nodes.JsonObject))
            (schema.Type, schema.Description) =
                (JsonSchemaType.Object, "a price in the form of an entry of the catalogue, or a whole catalogue: docs/prices.md");
        else if (type == typeof(UsageResultDocument)) schema.Discriminator = null;
        else if (type == typeof(Window))
            (schema.Type, schema.Description) = (Kind(schema, JsonSchemaType.String), WindowNameConverter.Wrong);
        else if (type.IsEnum)
        {
            schema.Type = Kind(schema, JsonSchemaType.String);
            schema.Enum = [.. Words(type).Select(word => (System.Text.Json.Nodes.JsonNode)word)];
        }
    }

    /// <summary>A type of JSON, and null where the schema allowed it.</summary>
    static JsonSchemaType Kind(OpenApiSchema schema, JsonSchemaType type) =>
        schema.Type is { } known && known.HasFlag(JsonSchemaType.Null) ? type | JsonSchemaType.Null : type;

    static IEnumerable<string> Words(Type type) =>
        type == typeof(LimitUnit) ? Of<LimitUnit>() : type == typeof(Enforcement) ? Of<Enforcement>() : type == typeof(LimitMode)
            ? Of<LimitMode>()
        : type == typeof(UnpricedRule) ? Of<UnpricedRule>() : type == typeof(ExpiryRule) ? Of<ExpiryRule>() : type == typeof(IsoDayOfWeek)
            ? Of<IsoDayOfWeek>()
        : type == typeof(ReservationState) ? Of<ReservationState>() : type == typeof(RecordKind) ? Of<RecordKind>()
        : type == typeof(AnomalyKind) ? Of<AnomalyKind>() : type == typeof(AnomalyUnit) ? Of<AnomalyUnit>() : type == typeof(Severity)
            ? Of<Severity>()
        : type == typeof(TrendDirection) ? Of<TrendDirection>() : [];

    static IEnumerable<string> Of<T>() where T : struct, Enum => WordConverter<T>.Words.Select(word => word.Word);

    static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var notes = context.Description.ActionDescriptor.EndpointMetadata;
        if (notes.OfType<OperationNote>().FirstOrDefault() is not { } note) return;
        operation.OperationId = note.Id;
        operation.Summary = note.Summary;
        // Any one of these rights suffices; an empty list asks for a key and nothing more; without the member no key is needed.
        if (notes.OfType<NeededRight>().FirstOrDefault() is { } needed)
            operation.AddExtension("x-rights", new JsonNodeExtension(new System.Text.Json.Nodes.JsonArray(
                [.. Access.Rights.WordsOf(needed.Right).Select(word => (System.Text.Json.Nodes.JsonNode)word)])));
        var path = context.Description.RelativePath ?? "";
        operation.Tags = new HashSet<OpenApiTagReference>();
        operation.Parameters =
        [
            .. path.Split('/').Where(segment => segment.StartsWith('{')).Select(segment => new OpenApiParameter
            {
                Name = segment.Trim('{', '}', '*'), In = ParameterLocation.Path, Required = true,
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            }),
            .. notes.OfType<ParametersNote>().SelectMany(known => known.Parameters).Select(parameter => new OpenApiParameter
            {
                Name = parameter.Name, In = ParameterLocation.Query, Description = parameter.Description,
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            }),
        ];
        if (notes.OfType<BodyNote>().FirstOrDefault() is { } body)
        {
            var one = await Schema(context, body.Type, cancellation);
            var schema = body.OrMany ? new OpenApiSchema { OneOf = [one, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one }] }
                : one;
            operation.RequestBody = new OpenApiRequestBody { Required = body.Required, Content = Json(schema) };
        }
        operation.Responses = [];
        foreach (var answers in notes.OfType<AnswerNote>().GroupBy(answer => answer.Status).OrderBy(answers => answers.Key))
        {
            var schemas = new List<IOpenApiSchema>();
            foreach (var answer in answers) schemas.Add(await Schema(context, answer.Type, cancellation));
            var schema = schemas.Count == 1 ? schemas[0] : new OpenApiSchema { OneOf = schemas };
            operation.Responses[answers.Key.ToString(System.Globalization.CultureInfo.InvariantCulture)] = new OpenApiResponse
            {
                Description = answers.Key < 400 ? "Done" : "Refused",
                Content = Json(schema, answers.Key < 400 ? "application/json" : Problems.ContentType),
            };
        }
        if (notes.OfType<FileNote>().FirstOrDefault() is { } file)
            operation.Responses["200"] = new OpenApiResponse
            {
                Description = "Done", Content = Json(new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                    file.ContentType),
            };
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "Problem", Content = Json(await Schema(context, typeof(ProblemDocument), cancellation), Problems.ContentType),
        };
    }

    static Dictionary<string, OpenApiMediaType> Json(IOpenApiSchema schema, string type = "application/json") =>
        new() { [type] = new() { Schema = schema } };

    /// <summary>The schema of a document by reference. The framework writes nested documents out in place; each gets its one place
    /// here.</summary>
    static async Task<IOpenApiSchema> Schema(OpenApiOperationTransformerContext context, Type type, CancellationToken cancellation) =>
        Hoisted(context.Document!, await context.GetOrCreateSchemaAsync(type, null, cancellation));

    static IOpenApiSchema Hoisted(OpenApiDocument document, IOpenApiSchema schema)
    {
        if (schema is not OpenApiSchema own) return schema;
        var id = own.Metadata is { } metadata && metadata.TryGetValue("x-schema-id", out var named) ? named as string : null;
        if (string.IsNullOrEmpty(id) || own.Properties is null) id = null;
        var known = id is not null && document.Components?.Schemas?.ContainsKey(id) == true;
        if (!known)
        {
            foreach (var (name, member) in own.Properties?.ToArray() ?? []) own.Properties![name] = Hoisted(document, member);
            if (own.Items is not null) own.Items = Hoisted(document, own.Items);
            own.AnyOf = own.AnyOf?.Select(choice => Hoisted(document, choice)).ToList();
            own.OneOf = own.OneOf?.Select(choice => Hoisted(document, choice)).ToList();
        }
        if (id is null) return own;
        var nullable = own.Type?.HasFlag(JsonSchemaType.Null) == true;
        if (!known)
        {
            if (nullable) own.Type &= ~JsonSchemaType.Null;
            document.AddComponent(id, own);
        }
        var reference = new OpenApiSchemaReference(id, document);
        return nullable ? new OpenApiSchema { OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, reference] } : reference;
    }
}
