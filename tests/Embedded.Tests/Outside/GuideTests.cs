// The guide, run from its first line to its last on a host whose clock stands still: what it shows is what is answered.
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Http;

namespace Purser.Embedded.Tests.Outside;

/// <summary>
/// Blocks of `sh` and `python` are run one after the other; the block of `json` or `text` behind one is what it prints. Of JSON, members
/// may be left out where `"…"` stands. With PURSER_UPDATE_GUIDE set, the answers are written into the document instead.
/// </summary>
[Trait("needs", "curl")]
public sealed class GuideTests
{
    const string Left = "…";
    const string Address = "http://127.0.0.1:8080";

    [Theory]
    [InlineData("docs/guide.md", 15)]
    [InlineData("docs/migrating/README.md", 0)]
    [InlineData("docs/migrating/wundr-token-budget.md", 0)]
    [InlineData("docs/migrating/thebridge.md", 0)]
    [InlineData("docs/migrating/mdmai.md", 0)]
    public async Task Every_block_was_run_and_answers_what_it_shows(string document, int least)
    {
        var file = Path.Combine(Script.Root, document);
        var text = await File.ReadAllTextAsync(file);
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, adminKey: null);
        var (rewritten, shown, at) = (new StringBuilder(), 0, 0);
        var wrong = new List<string>();
        foreach (Match block in blocks.Matches(text))
        {
            rewritten.Append(text, at, block.Index - at).Append(block.Groups["source"].Value);
            at = block.Index + block.Length;
            if (block.Groups["minutes"] is { Success: true, Value: var minutes })
            {
                authority.Time.Advance(TimeSpan.FromMinutes(int.Parse(minutes, CultureInfo.InvariantCulture)));
                continue;
            }
            var printed = await RunAsync(block.Groups["language"].Value, block.Groups["code"].Value, app.Urls.First());
            if (Environment.GetEnvironmentVariable("PURSER_UPDATE_GUIDE") is not null)
            {
                if (printed.Length > 0) rewritten.Append(Fenced(printed));
                continue;
            }
            if (!block.Groups["shown"].Success) continue;
            shown++;
            if (Difference(block.Groups["form"].Value, block.Groups["shown"].Value, printed) is { } different)
                wrong.Add($"{block.Groups["code"].Value}\n{different}\nprinted:\n{printed}");
        }
        rewritten.Append(text, at, text.Length - at);
        if (Environment.GetEnvironmentVariable("PURSER_UPDATE_GUIDE") is not null) await File.WriteAllTextAsync(file, rewritten.ToString());
        else Assert.True(shown >= least, $"{shown} answers are shown");
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    static async Task<string> RunAsync(string language, string code, string address)
    {
        var real = code.Replace(Address, address.TrimEnd('/'), StringComparison.Ordinal);
        var (program, flag) = language == "python" ? ("python3", "-c") : ("bash", "-euc");
        return (await Script.RunAsync(Script.Root, new Dictionary<string, string>(), program, flag, real)).Succeeded();
    }

    static readonly System.Text.Json.JsonSerializerOptions indented = new()
    {
        WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    static string Fenced(string printed) => printed.StartsWith('{')
        ? $"\n```json\n{JsonNode.Parse(printed)!.ToJsonString(indented)}\n```\n" : $"\n```text\n{printed.TrimEnd('\n')}\n```\n";

    static string? Difference(string form, string shown, string printed) => form == "json"
        ? Difference("", JsonNode.Parse(shown), JsonNode.Parse(printed))
        : shown.TrimEnd() == printed.TrimEnd() ? null : $"shown:\n{shown}";

    /// <summary>Where what is shown differs from what is there; null where it does not.</summary>
    static string? Difference(string place, JsonNode? shown, JsonNode? actual)
    {
        switch (shown, actual)
        {
            case (JsonObject wanted, JsonObject there):
                foreach (var (name, value) in wanted)
                    if (name != Left && (there.ContainsKey(name) ? Difference($"{place}/{name}", value, there[name])
                        : $"{place}/{name} is not there") is { } different) return different;
                return wanted.ContainsKey(Left) || wanted.Count == there.Count ? null : $"{place} has further members";
            case (JsonArray wanted, JsonArray there):
                var isPart = wanted.Count > 0 && wanted[^1] is JsonValue last && last.ToString() == Left;
                if (isPart ? wanted.Count - 1 > there.Count : wanted.Count != there.Count) return $"{place} has {there.Count} items";
                return wanted.Take(isPart ? wanted.Count - 1 : wanted.Count)
                    .Select((item, i) => Difference($"{place}/{i}", item, there[i])).FirstOrDefault(different => different is not null);
            default:
                return JsonNode.DeepEquals(shown, actual) ? null
                    : $"{place} is {actual?.ToJsonString() ?? "null"}, not {shown?.ToJsonString() ?? "null"}";
        }
    }

    static readonly Regex blocks = new(
        @"(?<source>(<!-- (?<minutes>\d+) minutes pass -->|^```(?<language>sh|python)\n(?<code>.*?)^```\n))"
            + @"(\n```(?<form>json|text)\n(?<shown>.*?)^```\n)?",
        RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture);
}
