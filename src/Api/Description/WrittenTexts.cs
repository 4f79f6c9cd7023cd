// What the documentation comments of the documents say, so that each description is written once: beside its member.
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Purser.Api.Description;

/// <summary>Reads the XML files that the compiler writes beside the assemblies. Where a file is missing there are no texts.</summary>
sealed class WrittenTexts
{
    static readonly Regex blanks = new(@"\s+");

    readonly Dictionary<Assembly, Dictionary<string, XElement>> known = [];

    public string? Of(Type type) => Summary(type.Assembly, $"T:{NameOf(type)}");

    /// <summary>The summary of a property; of a positional record, the parameter that it comes from.</summary>
    public string? Of(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        if (Summary(type.Assembly, $"P:{NameOf(type)}.{property.Name}") is { } summary) return summary;
        var parameter = Member(type.Assembly, $"T:{NameOf(type)}")?.Elements("param")
            .FirstOrDefault(element => (string?)element.Attribute("name") == property.Name);
        return parameter is null ? null : Text(parameter);
    }

    string? Summary(Assembly assembly, string id) => Member(assembly, id)?.Element("summary") is { } summary ? Text(summary) : null;

    XElement? Member(Assembly assembly, string id)
    {
        if (!known.TryGetValue(assembly, out var members)) known[assembly] = members = Read(assembly);
        return members.GetValueOrDefault(id);
    }

    static Dictionary<string, XElement> Read(Assembly assembly)
    {
        var file = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        if (!File.Exists(file)) return [];
        return XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, member => member);
    }

    static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    /// <summary>Plain text: a reference becomes the name of the member in JSON.</summary>
    static string Text(XElement element) => blanks.Replace(string.Concat(element.Nodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement other when (string?)(other.Attribute("cref") ?? other.Attribute("name")) is { } named => $"`{JsonNameOf(named)}`",
        XElement other => other.Value,
        _ => "",
    })), " ").Trim();

    static string JsonNameOf(string reference) => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(reference.Split('.', ':')[^1]);
}
