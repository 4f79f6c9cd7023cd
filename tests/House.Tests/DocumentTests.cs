// Commands in documents, as far as they can be checked without running them.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class DocumentTests
{
    /// <summary>Without it curl sends a form, which is refused.</summary>
    [Fact]
    public void Who_sends_a_body_by_curl_says_what_it_is()
    {
        var commands = Repository.Files("docs", ".md").Append(new("README.md", Repository.Read("README.md")))
            .SelectMany(document => Regex.Matches(document.Text, @"(?ms)^```sh?\n(.*?)^```").SelectMany(block => Regex
                .Matches(block.Groups[1].Value, @"(?s)\bcurl .*?(?=\bcurl |$)")
                .Select(command => (document.Path, Value: command.Value.Split(" | ")[0]))))
            .Where(command => Regex.IsMatch(command.Value, @"\s(-d|--data(-binary)?)\s")).ToList();
        Assert.True(commands.Count > 20, $"only {commands.Count} were found");
        Nothing.In(commands.Where(command => !command.Value.Contains("content-type:", StringComparison.OrdinalIgnoreCase))
            .Select(command => $"{command.Path}: {command.Value}"));
    }
}
