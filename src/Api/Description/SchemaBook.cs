// The JSON schemas of the documents, made from the types and their serialisation: names, nullability, what is required, bounds, words.
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Purser.Api.Json;

namespace Purser.Api.Description;

/// <summary>
/// Each document has its schema once, under <see cref="Components"/>. What is only answered requires every member that is always written;
/// what is sent requires what is marked so.
/// </summary>
sealed class SchemaBook
{
    readonly WrittenTexts texts = new();
    readonly HashSet<Type> sent = [], answered = [];
    readonly Dictionary<string, Type> named = [];

    public JsonObject Components { get; } = [];

    /// <summary>All types of bodies and answers, which decide together what is required and what may be null.</summary>
    public SchemaBook(IEnumerable<Type> bodies, IEnumerable<Type> answers)
    {
        foreach (var type in bodies) Reach(type, sent);
        foreach (var type in answers) Reach(type, answered);
    }

    public JsonObject Of(Type type)
    {
        if (ValueSchemas.Of(type) is { } value) return value;
        if (ItemOf(type) is { } item) return new() { ["type"] = "array", ["items"] = Of(item) };
        if (ValueOf(type) is { } values) return new() { ["type"] = "object", ["additionalProperties"] = Of(values) };
        var name = NameOf(type);
        if (named.TryAdd(name, type)) Components[name] = Written(type);
        else if (named[name] != type) throw new InvalidOperationException($"{type} and {named[name]} are both called {name}");
        return new() { ["$ref"] = $"#/components/schemas/{name}" };
    }

    public static string NameOf(Type type) =>
        type.Name.EndsWith("Document", StringComparison.Ordinal) ? type.Name[..^"Document".Length] : type.Name;

    JsonObject Written(Type type)
    {
        if (ChoicesOf(type) is { Length: > 0 } choices)
            return Told(new() { ["oneOf"] = new JsonArray([.. choices.Select(Of)]) }, texts.Of(type));
        if (ValueSchemas.Written(type, Of) is { } special) return Told(special, texts.Of(type));
        var (properties, required) = (new JsonObject(), new JsonArray());
        foreach (var member in MembersOf(type))
        {
            properties[member.Name] = Member(type, member);
            if (IsRequired(type, member)) required.Add(member.Name);
        }
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        if (required.Count > 0) schema["required"] = required;
        // An unknown member of a body is refused; answers may get further members with time.
        if (sent.Contains(type) && !answered.Contains(type)) schema["additionalProperties"] = false;
        return Told(schema, texts.Of(type));
    }

    JsonObject Member(Type type, JsonPropertyInfo member)
    {
        var property = PropertyOf(member);
        var core = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        var schema = Of(core);
        Bounds(schema, property);
        if (property is not null && answered.Contains(type) && schema["items"] is JsonObject items && HasNullItems(property))
            schema["items"] = OrNull((JsonObject)items.DeepClone());
        var mayBeNull = core != member.PropertyType || (!core.IsValueType && member.IsGetNullable) || core == typeof(Amount);
        // Who sends null says nothing by it, and is taken; what is only answered is left out instead.
        if (Has<RequiredAttribute>(property) || (answered.Contains(type) && !sent.Contains(type) && LeftOut(property))) mayBeNull = false;
        if (mayBeNull) schema = OrNull(schema);
        return Told(schema, property is null ? null : texts.Of(property));
    }

    bool IsRequired(Type type, JsonPropertyInfo member)
    {
        var property = PropertyOf(member);
        if (sent.Contains(type)) return Has<RequiredAttribute>(property) || member.IsRequired;
        return !LeftOut(property);
    }

    static bool HasNullItems(PropertyInfo property) => new NullabilityInfoContext().Create(property).GenericTypeArguments
        is [{ ReadState: NullabilityState.Nullable }];

    /// <summary>Whether answers leave the member out where it has nothing to say.</summary>
    static bool LeftOut(PropertyInfo? property) => property?.GetCustomAttribute<JsonIgnoreAttribute>() is
        { Condition: JsonIgnoreCondition.WhenWritingNull or JsonIgnoreCondition.WhenWritingDefault };

    static bool Has<T>(PropertyInfo? property) where T : Attribute => property?.IsDefined(typeof(T), inherit: true) == true;

    static void Bounds(JsonObject schema, PropertyInfo? property)
    {
        if (property is null) return;
        if (property.GetCustomAttribute<DataTypeAttribute>() is { } form) ValueSchemas.Refine(schema, form.GetDataTypeName());
        var of = schema["type"]?.GetValueKind() == JsonValueKind.String && (string?)schema["type"] == "array"
            ? (JsonObject)schema["items"]! : schema;
        if (property.GetCustomAttribute<AllowedValuesAttribute>() is { } words)
            of["enum"] = new JsonArray([.. words.Values.Select(word => (JsonNode?)JsonValue.Create((string)word!))]);
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
            (of["minimum"], of["maximum"]) = (Number(range.Minimum), Number(range.Maximum));
        if (property.GetCustomAttribute<StringLengthAttribute>() is { } length)
            (of["minLength"], of["maxLength"]) = (length.MinimumLength, length.MaximumLength);
        if (property.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern) of["pattern"] = pattern.Pattern;
        if (property.GetCustomAttribute<MaxLengthAttribute>() is { } most) schema["maxItems"] = most.Length;
    }

    static JsonValue Number(object bound) => JsonValue.Create(Convert.ToDecimal(bound, System.Globalization.CultureInfo.InvariantCulture));

    static JsonObject OrNull(JsonObject schema)
    {
        if (schema["type"] is JsonValue one) schema["type"] = new JsonArray(one.GetValue<string>(), "null");
        else if (schema["type"] is JsonArray several && !several.Any(word => (string?)word == "null")) several.Add("null");
        else if (schema["oneOf"] is JsonArray choices) choices.Add(new JsonObject { ["type"] = "null" });
        else if (schema["type"] is null && schema.Count > 0)
            return new() { ["oneOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };
        if (schema["enum"] is JsonArray words) words.Add(null);
        return schema;
    }

    static JsonObject Told(JsonObject schema, string? text)
    {
        if (text is not null) schema["description"] = text;
        return schema;
    }

    static void Reach(Type type, HashSet<Type> into)
    {
        if (ValueSchemas.Of(type) is not null) return;
        if ((ItemOf(type) ?? ValueOf(type)) is { } inner)
        {
            Reach(inner, into);
            return;
        }
        if (!into.Add(type)) return;
        foreach (var choice in ChoicesOf(type)) Reach(choice, into);
        foreach (var member in MembersOf(type)) Reach(Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType, into);
    }

    static IEnumerable<JsonPropertyInfo> MembersOf(Type type) =>
        ApiJson.Default.Options.GetTypeInfo(type) is { Kind: JsonTypeInfoKind.Object } info
            ? info.Properties.Where(member => !member.IsExtensionData && PropertyOf(member) is not null) : [];

    static PropertyInfo? PropertyOf(JsonPropertyInfo member) => member.AttributeProvider as PropertyInfo;

    static Type[] ChoicesOf(Type type) => type.IsAbstract
        ? [.. type.GetCustomAttributes<JsonDerivedTypeAttribute>(inherit: false).Select(choice => choice.DerivedType)] : [];

    static Type? ItemOf(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() is var generic
        && (generic == typeof(IReadOnlyList<>) || generic == typeof(List<>)) ? type.GetGenericArguments()[0] : null;

    static Type? ValueOf(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() is var generic
        && (generic == typeof(SortedDictionary<,>) || generic == typeof(IReadOnlyDictionary<,>)) ? type.GetGenericArguments()[1] : null;
}
