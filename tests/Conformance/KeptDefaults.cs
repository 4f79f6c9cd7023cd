// Looks for members of kept documents and messages that are left out where they have the default of their type, and read as something
// else.
using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Conformance;

public static class KeptDefaults
{
    /// <summary>Members that are lost, of every serializer of an assembly that leaves defaults out.</summary>
    public static IEnumerable<string> LostIn(Assembly assembly) => assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(JsonSerializerContext)))
        .Select(type => (JsonSerializerContext)type.GetProperty("Default", BindingFlags.Static | BindingFlags.Public)!.GetValue(null)!)
        .Where(context => context.Options.DefaultIgnoreCondition == JsonIgnoreCondition.WhenWritingDefault)
        .SelectMany(context => TypesOf(context).SelectMany(LostOf));

    static IEnumerable<JsonTypeInfo> TypesOf(JsonSerializerContext context)
    {
        var seen = new HashSet<Type>();
        var open = new Stack<Type>(context.GetType().GetCustomAttributesData()
            .Where(data => data.AttributeType == typeof(JsonSerializableAttribute))
            .Select(data => (Type)data.ConstructorArguments[0].Value!));
        while (open.TryPop(out var type))
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (!seen.Add(type) || context.GetTypeInfo(type) is not { } info) continue;
            if (info.ElementType is { } element) open.Push(element);
            foreach (var derived in info.PolymorphismOptions?.DerivedTypes ?? []) open.Push(derived.DerivedType);
            foreach (var property in info.Properties) open.Push(property.PropertyType);
            if (info.Kind == JsonTypeInfoKind.Object && !type.IsAbstract) yield return info;
        }
    }

    static IEnumerable<string> LostOf(JsonTypeInfo info)
    {
        object? made = null;
        foreach (var property in info.Properties)
        {
            if (property.Get is null || !property.PropertyType.IsValueType || Nullable.GetUnderlyingType(property.PropertyType) is not null
                || (property.Set is null && property.AssociatedParameter is null)
                || property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), true) is
                    [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }]) continue;
            var least = Activator.CreateInstance(property.PropertyType);
            var read = property.AssociatedParameter is { } parameter ? parameter.HasDefaultValue ? parameter.DefaultValue ?? least : least
                : property.Get(made ??= Make(info.Type));
            if (property.IsRequired) yield return $"{info.Type.Name}.{property.Name} has to be there, and is not where it is {least}";
            else if (!Equals(read, least)) yield return $"{info.Type.Name}.{property.Name} is read as {read} where it was {least}";
        }
    }

    static object Make(Type type)
    {
        var constructor = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(one => one.GetParameters() is not [var only] || only.ParameterType != type).OrderBy(one => one.GetParameters().Length)
            .FirstOrDefault();
        return constructor is null ? Activator.CreateInstance(type)! : constructor.Invoke([.. constructor.GetParameters()
            .Select(parameter => parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null)]);
    }
}
