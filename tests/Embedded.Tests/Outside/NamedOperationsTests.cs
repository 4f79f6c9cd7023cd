// The operations that documents name, with their parameters, against the description of the service.
using System.Text.Json;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Http;

namespace Purser.Embedded.Tests.Outside;

[Collection(HttpTests.Name)]
public sealed partial class NamedOperationsTests(HttpHost host)
{
    /// <summary>Paths of providers, which the gate answers.</summary>
    const string OfProviders = "gate.md";

    /// <summary>Operations of hosts that have the ledger themselves, which this one only reaches.</summary>
    static readonly (string Method, string Path, HashSet<string> Parameters)[] ofLedgers =
        [("GET", "/v1/backup", []), ("POST", "/v1/rebuild", []), ("POST", "/v1/verify", []), ("GET", "/v1/audit/seal", [])];

    [Fact]
    public async Task Every_operation_and_parameter_that_documents_name_is_there()
    {
        using var description = JsonDocument.Parse(await host.Client.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)));
        var operations = description.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Where(method => method.Value.TryGetProperty("operationId", out _))
                .Select(method => (Method: method.Name.ToUpperInvariant(), Path: path.Name, Parameters: ParametersOf(method.Value))))
            .Concat(ofLedgers).ToArray();
        var docs = Path.Combine(Script.Root, "docs");
        var (named, wrong) = (0, new List<string>());
        foreach (var file in Directory.EnumerateFiles(docs, "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(Script.Root, "README.md")))
        {
            if (file.StartsWith(Path.Combine(docs, "adr"), StringComparison.Ordinal) || Path.GetFileName(file) == OfProviders) continue;
            foreach (Match one in Operations().Matches(await File.ReadAllTextAsync(file)))
            {
                named++;
                var asked = PathOf(one.Groups["path"].Value);
                foreach (var path in asked)
                {
                    var found = operations.Where(known => known.Method == one.Groups["method"].Value && Fits(known.Path, path)).ToArray();
                    var missing = Parameters().Matches(one.Groups["query"].Value).Select(match => match.Groups["name"].Value)
                        .Where(name => !found.Any(known => known.Parameters.Contains(name))).ToArray();
                    if (found.Length == 0 || missing.Length > 0)
                        wrong.Add($"{Path.GetRelativePath(Script.Root, file)}: {one.Value} {string.Join(", ", missing)}");
                }
            }
        }
        Assert.True(named >= 100, $"{named} are named");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        HashSet<string> ParametersOf(JsonElement operation) => operation.TryGetProperty("parameters", out var all)
            ? [.. all.EnumerateArray().Select(one => one.TryGetProperty("$ref", out var shared)
                ? description.RootElement.GetProperty("components").GetProperty("parameters")
                    .GetProperty(shared.GetString()!.Split('/')[^1]) : one).Select(one => one.GetProperty("name").GetString()!)] : [];
    }

    /// <summary>`P` is the account's path, as pages about other systems say; `[/{id}]` may be there or not.</summary>
    static string[] PathOf(string path)
    {
        var whole = path is "P" || path.StartsWith("P/", StringComparison.Ordinal) ? "/v1/accounts/a" + path[1..] : path;
        var optional = Optional().Match(whole);
        return optional.Success ? [whole.Replace(optional.Value, "", StringComparison.Ordinal),
            whole.Replace(optional.Value, optional.Groups["part"].Value, StringComparison.Ordinal)] : [whole];
    }

    static bool Fits(string known, string asked)
    {
        string[] parts = known.Trim('/').Split('/'), segments = asked.Trim('/').Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            if (i >= segments.Length || (parts[i] != segments[i] && !parts[i].StartsWith('{'))) return false;
        }
        return parts.Length == segments.Length;
    }

    [GeneratedRegex(@"`(?<method>GET|PUT|POST|DELETE) (?<path>/v1/[^\s`?]*?|P(/[^\s`?]*?)?)(\[?\?(?<query>[^\s`]*))?(?=[\s`])")]
    internal static partial Regex Operations();

    [GeneratedRegex(@"\[(?<part>/[^\]]*)\]")]
    internal static partial Regex Optional();

    [GeneratedRegex(@"(?<name>[A-Za-z]+)=")]
    internal static partial Regex Parameters();
}
