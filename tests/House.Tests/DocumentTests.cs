// Documents, as far as they can be checked without running what they say: commands, what they say of an answer, and where they lead.
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

    /// <summary>Whoever takes every 429 for a refusal loses what the key that asks too often wanted to settle.</summary>
    [Fact]
    public void Who_tells_of_refusals_by_their_status_tells_which_one_is_none()
    {
        // The first is of what Purser sends itself, the second of the protocols of providers; folders are of decisions and of others' APIs.
        string[] others = ["docs/alerts.md", "docs/gate.md"];
        var telling = Repository.Files("docs", ".md").Where(document => document.Path.Count(letter => letter == '/') == 1
            && !others.Contains(document.Path)
            && Regex.IsMatch(Regex.Replace(document.Text, @"(?ms)^```.*?^```", ""), @"\b429\b")).ToList();
        Assert.True(telling.Count >= 5, $"only {telling.Count} were found");
        Nothing.In(telling.Where(document => !document.Text.Contains("rate-limited", StringComparison.Ordinal))
            .Select(document => document.Path));
    }

    [Fact]
    public void A_decision_that_another_one_changes_names_it_beside_its_status()
    {
        var decisions = Repository.Files("docs/adr", ".md").ToDictionary(decision => Path.GetFileName(decision.Path)[..4],
            decision => Regex.Match(decision.Text, @"(?ms)^(Date|Status): .*?\n\n").Value);
        var changed = decisions.SelectMany(by => Regex.Matches(by.Value, @"\bchanges\b[^[]*\[(\d{4})\]")
            .Select(match => (By: by.Key, Of: match.Groups[1].Value))).ToList();
        Assert.NotEmpty(changed);
        Nothing.In(changed.Where(change => !decisions[change.Of].Contains($"[{change.By}](", StringComparison.Ordinal))
            .Select(change => $"{change.Of} does not name {change.By}"));
    }
}
