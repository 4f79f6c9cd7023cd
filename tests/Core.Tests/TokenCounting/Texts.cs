// Texts with their counts by the reference implementation: those of tests/cases/tokens, and all of the folders that PURSER_CASES names.
using System.Text;
using System.Text.Json;
using Purser.TokenCounting;
using Purser.TokenCounting.Encodings;

namespace Purser.Core.Tests.TokenCounting;

static class Texts
{
    public static readonly IReadOnlyList<ITokenCounter> Encodings = [BytePairCounter.O200k, BytePairCounter.Cl100k];

    public static IEnumerable<(string Encoding, string Text, long Count)> All() =>
        Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "cases", "tokens"), "*.json*").Concat(FurtherCases.Files())
            .SelectMany(Cases);

    static IEnumerable<(string, string, long)> Cases(string file) => file.EndsWith(".jsonl", StringComparison.Ordinal)
        ? File.ReadLines(file).Where(line => line.Length > 0).SelectMany(line => Case(JsonDocument.Parse(line).RootElement))
        : List(JsonDocument.Parse(File.ReadAllText(file)).RootElement).SelectMany(Case);

    static JsonElement[] List(JsonElement root) =>
        root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()]
        : root.ValueKind == JsonValueKind.Object && root.TryGetProperty("cases", out var cases) && cases.ValueKind == JsonValueKind.Array
            ? [.. cases.EnumerateArray()] : [];

    static IEnumerable<(string, string, long)> Case(JsonElement one)
    {
        if (one.ValueKind != JsonValueKind.Object || !one.TryGetProperty("text", out var text)) yield break;
        if (one.TryGetProperty("encoding", out var named) && one.TryGetProperty("count", out var count))
            yield return (named.GetString()!, Unescaped(text), count.GetInt64());
        foreach (var encoding in Encodings)
            if (one.TryGetProperty(encoding.Method, out var known))
                yield return (encoding.Method, Unescaped(text), known.GetInt64());
    }

    /// <summary>JSON can write halves of surrogate pairs, which its readers refuse.</summary>
    static string Unescaped(JsonElement text)
    {
        var raw = text.GetRawText();
        if (!raw.Contains("\\ud", StringComparison.OrdinalIgnoreCase)) return text.GetString()!;
        var plain = new StringBuilder();
        for (var i = 1; i < raw.Length - 1; i++)
            if (raw[i] == '\\' && raw[++i] == 'u')
            {
                plain.Append((char)Convert.ToInt32(raw.Substring(i + 1, 4), 16));
                i += 4;
            }
            else plain.Append(raw[i - 1] == '\\' ? raw[i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'b' => '\b', 'f' =>
                '\f', var same => same } : raw[i]);
        return plain.ToString();
    }
}
