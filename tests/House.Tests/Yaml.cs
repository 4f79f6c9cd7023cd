// YAML as the tests of manifests ask it: a node of which nothing is there answers like an empty one, so that paths need no checks on their
// way.
using YamlDotNet.RepresentationModel;

namespace Purser.House.Tests;

/// <summary>A scalar, a list or a mapping.</summary>
sealed class Yaml
{
    static readonly Yaml nothing = new();

    public string? Text { get; private init; }

    public IReadOnlyList<Yaml> Items { get; private init; } = [];

    public IReadOnlyDictionary<string, Yaml> Members { get; private init; } = new Dictionary<string, Yaml>();

    public bool Exists => this != nothing;

    public Yaml this[string name] => Members.GetValueOrDefault(name, nothing);

    /// <summary>A path of names, with dots between them.</summary>
    public Yaml At(string path) => path.Split('.').Aggregate(this, (node, name) => node[name]);

    public int Number => int.Parse(Text ?? "", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>This node and all below it.</summary>
    public IEnumerable<Yaml> Everything => Items.Concat(Members.Values).SelectMany(inner => inner.Everything).Prepend(this);

    public override string ToString() =>
        Text ?? (Items.Count > 0 ? $"[{string.Join(", ", Items)}]"
            : $"{{{string.Join(", ", Members.Select(member => $"{member.Key}: {member.Value}"))}}}");

    public static IReadOnlyList<Yaml> Documents(string text)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return [.. stream.Documents.Select(document => Of(document.RootNode))
            .Where(document => document.Members.Count + document.Items.Count > 0)];
    }

    public static Yaml Document(string text) => Documents(text).Single();

    static Yaml Of(YamlNode node) => node switch
    {
        YamlMappingNode mapping => Mapping(mapping.Children.Select(member =>
            KeyValuePair.Create(((YamlScalarNode)member.Key).Value ?? "", Of(member.Value)))),
        YamlSequenceNode list => new() { Items = [.. list.Children.Select(Of)] },
        _ => new() { Text = ((YamlScalarNode)node).Value ?? "" },
    };

    /// <summary>What generators make of `name=value` lines.</summary>
    public static Yaml Mapping(IEnumerable<KeyValuePair<string, Yaml>> members) => new() { Members = members.ToDictionary() };

    public static implicit operator Yaml(string text) => new() { Text = text };
}
