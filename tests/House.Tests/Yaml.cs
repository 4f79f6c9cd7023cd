// Reads as much of YAML as manifests are written in: block mappings and lists, quoted and plain scalars, lists in brackets, blocks of text.
// No anchors.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

/// <summary>A scalar, a list or a mapping. What is not there reads as a node without anything, so that paths need no checks on their
/// way.</summary>
sealed class Yaml
{
    static readonly Yaml nothing = new();

    readonly Dictionary<string, Yaml> members = [];
    readonly List<Yaml> items = [];

    public string? Text { get; private init; }

    public IReadOnlyList<Yaml> Items => items;

    public IReadOnlyDictionary<string, Yaml> Members => members;

    public bool Exists => this != nothing;

    public Yaml this[string name] => members.GetValueOrDefault(name, nothing);

    /// <summary>A path of names, with dots between them.</summary>
    public Yaml At(string path) => path.Split('.').Aggregate(this, (node, name) => node[name]);

    public int Number => int.Parse(Text ?? "", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>This node and all below it.</summary>
    public IEnumerable<Yaml> Everything => items.Concat(members.Values).SelectMany(inner => inner.Everything).Prepend(this);

    public override string ToString() =>
        Text ?? (items.Count > 0 ? $"[{string.Join(", ", items)}]"
            : $"{{{string.Join(", ", members.Select(member => $"{member.Key}: {member.Value}"))}}}");

    public static IReadOnlyList<Yaml> Documents(string text) =>
        [.. Regex.Split(text.ReplaceLineEndings("\n"), @"^---\s*$", RegexOptions.Multiline).Select(Document)
            .Where(document => document.members.Count > 0)];

    public static Yaml Document(string text)
    {
        var lines = new Queue<(int Indent, string Text)>(text.ReplaceLineEndings("\n").Split('\n')
            .Where(line => !Regex.IsMatch(line, @"^\s*(#|$)"))
            .Select(line => (line.Length - line.TrimStart().Length, WithoutComment(line).Trim())));
        var document = Block(lines, 0);
        return lines.Count == 0 ? document : throw new FormatException($"not understood: {lines.Peek().Text}");
    }

    static string WithoutComment(string line) => Regex.IsMatch(line, "[\"'].*#") ? line : Regex.Replace(line, @"\s#.*$", "");

    /// <summary>The lines from here on that are not less indented.</summary>
    static Yaml Block(Queue<(int Indent, string Text)> lines, int least)
    {
        var node = new Yaml();
        if (!lines.TryPeek(out var first) || first.Indent < least) return node;
        while (lines.TryPeek(out var line) && line.Indent == first.Indent)
        {
            if (line.Text is "-" || line.Text.StartsWith("- ", StringComparison.Ordinal))
            {
                if (node.members.Count > 0) break;
                lines.Dequeue();
                node.items.Add(Entry(lines, line.Indent, line.Text.Length > 2 ? line.Text[2..].TrimStart() : ""));
            }
            else if (node.items.Count > 0) break;
            else
            {
                lines.Dequeue();
                Member(node, lines, line.Indent, line.Text);
            }
        }
        return node;
    }

    static Yaml Entry(Queue<(int Indent, string Text)> lines, int indent, string text)
    {
        if (text.Length == 0) return Block(lines, indent + 1);
        if (!IsMember(text)) return Scalar(text);
        // A mapping that begins on the line of the dash: its other members stand below its first one.
        var node = new Yaml();
        Member(node, lines, indent + 2, text);
        while (lines.TryPeek(out var line) && line.Indent == indent + 2) Member(node, lines, line.Indent, lines.Dequeue().Text);
        return node;
    }

    static bool IsMember(string text) => Regex.IsMatch(text, "^(\"[^\"]*\"|[^\"'\\[{][^:]*):(\\s|$)");

    static void Member(Yaml node, Queue<(int Indent, string Text)> lines, int indent, string text)
    {
        var match = Regex.Match(text, "^(?:\"(?<name>[^\"]*)\"|(?<name>[^\"'][^:]*)):(?:\\s+(?<value>.*))?$");
        if (!match.Success) throw new FormatException($"not understood: {text}");
        var value = match.Groups["value"].Value;
        if (value is ">" or ">-" || value.StartsWith('&') || value.StartsWith('*'))
            throw new FormatException($"not understood here: {text}");
        if (value is "|" or "|-")
        {
            // A file in a ConfigMap, of which nothing is asked but that it is there.
            var block = new List<string>();
            while (lines.TryPeek(out var inner) && inner.Indent > indent) block.Add(lines.Dequeue().Text);
            node.members.Add(match.Groups["name"].Value, string.Join('\n', block));
            return;
        }
        // Lists may stand as far left as the name that they belong to.
        var below = lines.TryPeek(out var next) && next.Indent == indent && next.Text.StartsWith('-') ? indent : indent + 1;
        node.members.Add(match.Groups["name"].Value, value.Length > 0 ? Scalar(value) : Block(lines, below));
    }

    static Yaml Scalar(string text)
    {
        if (text.StartsWith('[') && text.EndsWith(']'))
        {
            var list = new Yaml();
            list.items.AddRange(Regex.Matches(text[1..^1], "\"[^\"]*\"|'[^']*'|[^,\\s][^,]*").Select(item => Scalar(item.Value.Trim())));
            return list;
        }
        if (text is "{}") return new();
        var quoted = text.Length > 1 && text[0] is '"' or '\'' && text[^1] == text[0];
        return new() { Text = quoted ? text[1..^1] : text };
    }

    /// <summary>What generators make of `name=value` lines.</summary>
    public static Yaml Mapping(IEnumerable<KeyValuePair<string, Yaml>> members)
    {
        var node = new Yaml();
        foreach (var (name, value) in members) node.members.Add(name, value);
        return node;
    }

    public static implicit operator Yaml(string text) => new() { Text = text };
}
