// The session of the first page, run line by line: what it shows is what is answered, but for the times of that day.
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Http;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "curl")]
public sealed partial class ReadmeTests
{
    [Fact]
    public async Task Every_call_of_the_first_page_answers_what_it_shows()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Script.Root, "README.md"));
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, adminKey: null);
        var address = new Uri(app.Urls.First()).Authority;
        var (shown, wrong) = (0, new List<string>());
        foreach (Match block in Blocks().Matches(text))
        {
            var code = block.Groups["code"].Value.Replace("localhost:8080", address, StringComparison.Ordinal);
            var printed = (await Script.RunAsync(Script.Root, new Dictionary<string, string>(), "bash", "-euc", code)).Succeeded();
            if (!block.Groups["shown"].Success) continue;
            shown++;
            var (expected, actual) = (Timeless(block.Groups["shown"].Value), Timeless(printed));
            // A report is cut off at so many bytes, which times of another length move a little.
            if (code.Contains("head -c", StringComparison.Ordinal))
                (expected, actual) = (expected[..^40], actual[..Math.Min(actual.Length, expected.Length - 40)]);
            if (expected != actual) wrong.Add($"{code}\nshown:\n{expected}\nprinted:\n{actual}");
        }
        Assert.True(shown >= 5, $"{shown} answers are shown");
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    /// <summary>Without the line breaks of the page, and with one word for every time and wait.</summary>
    static string Timeless(string printed) => Waits().Replace(Times().Replace(printed.Replace("\n", "", StringComparison.Ordinal), "TIME"),
        "$1N");

    [GeneratedRegex(@"```sh\n(?<code>curl.*?)```(\n\n```console\n(?<shown>.*?)```)?", RegexOptions.Singleline)]
    internal static partial Regex Blocks();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")]
    internal static partial Regex Times();

    [GeneratedRegex(@"(""(?:retryAfterSeconds|seconds)"":)\d+")]
    internal static partial Regex Waits();
}
