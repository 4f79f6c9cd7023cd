// The providers' own libraries through the gate: calls, streams, tools, pictures and embeddings look as if the provider itself had
// answered, whoever hangs up is booked, and each library stops at a refusal.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Http;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "npm")]
public sealed class GateClientTests
{
    /// <summary>What the session prints, without its refusals, which a provider asked directly has none of.</summary>
    const string said = """
        openai hi there 1100
        openai stream hi there no usage
        openai response hi there 1100
        openai response stream hi there
        openai embedding 2
        openai tool weather
        openai image hi there
        openai picture 1 272
        openai transcript hello
        openai speech 6
        openai abort hi there
        anthropic hi there 50
        anthropic stream hi there 50
        anthropic tool weather tool_use
        anthropic tool stream weather {"city":"Porto"}
        anthropic image hi there
        anthropic abort hi there
        google hi there 1100
        google stream hi there
        google tool weather
        google image hi there
        google embedding 2
        google abort hi there
        """;

    /// <summary>Calls of the session that reach the provider.</summary>
    const int calls = 23;

    [Fact]
    public async Task Libraries_of_three_providers_see_no_difference_and_stop_at_a_refusal()
    {
        using var folder = new TemporaryFolder();
        Script.Copy("tests/clients/gate", folder.Path);
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Does(ProviderAnswers.AnswerAsync);
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, adminKey: null);
        using var client = HttpHost.ClientOf(app);
        (string, string)[] protocols = [("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google")];
        var routes = string.Join(",", protocols.Select(one =>
            $$"""{"name":"{{one.Item1}}-test","protocol":"{{one.Item1}}","provider":"{{one.Item2}}","upstream":"{{provider.Url}}"}"""));
        await PutAsync(client, "/v1/gate/routes", $$"""{"routes":[{{routes}}]}""");
        await PutAsync(client, "/v1/accounts/libraries-empty/policy",
            """{"limits":[{"id":"none","unit":"requests","window":"day","amount":0}]}""");

        Task<Script> Run(string program, IEnumerable<string> arguments, string? direct = null) => Script.RunAsync(folder.Path,
            new Dictionary<string, string>
            {
                ["GATE"] = app.Urls.First().TrimEnd('/') + "/gate", ["ACCOUNT"] = "libraries", ["DIRECT"] = direct ?? "",
            }, program, arguments);
        (await Run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"])).Succeeded();
        var through = Lines((await Run("node", ["session.mjs"])).Succeeded());
        var asked = provider.Asked.ToArray();
        provider.Asked.Clear();
        var direct = Lines((await Run("node", ["session.mjs"], provider.Url)).Succeeded());

        Assert.Equal(Lines(said), through.Where(line => !line.Contains("refused", StringComparison.Ordinal)).SkipLast(1));
        Assert.Equal(["openai refused 429 true", "anthropic refused 402 true", "google refused 402 true"],
            through.Where(line => line.Contains("refused", StringComparison.Ordinal)));
        // The last line has the digests of all answers: not a byte of any is another one.
        Assert.StartsWith("bytes ", direct[^1], StringComparison.Ordinal);
        Assert.Equal(direct, through.Where(line => !line.Contains("refused", StringComparison.Ordinal)));

        // Each library asked once for each call, with what it would have sent to the provider; nobody was asked for what was refused.
        Assert.Equal(calls, asked.Length);
        Assert.Equal(provider.Asked.Select(Sent), asked.Select(Sent));

        // Who hung up does not hear when it is booked.
        IReadOnlyList<JsonElement> records = [];
        await ServerProcess.UntilAsync(async () =>
        {
            using var usage = JsonDocument.Parse(await client.GetStringAsync("/v1/accounts/libraries/usage"));
            records = [.. usage.RootElement.GetProperty("items").EnumerateArray().Select(item => item.Clone())];
            return records.Count == calls;
        }, () => $"{records.Count} records");
        Assert.Equal(["the client went away", "the client went away", "the client went away"],
            records.Where(record => !record.GetProperty("success").GetBoolean()).Select(record => record.GetProperty("error").GetString()));
        using var status = JsonDocument.Parse(await client.GetStringAsync("/v1/accounts/libraries"));
        Assert.Equal(0, status.RootElement.GetProperty("reservations").GetProperty("active").GetInt32());
    }

    static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>A request without what differs from one run to the next: boundaries of forms, and the usage that the gate asks streams
    /// for where their client does not.</summary>
    static string Sent(ProviderRequest request)
    {
        if (request.Header("Content-Type")!.StartsWith("multipart/", StringComparison.Ordinal))
            return $"{request.Path}: a form of {request.Bytes.Length} bytes";
        if (!request.Body.Contains("include_usage", StringComparison.Ordinal)) return $"{request.Path}: {request.Body}";
        var body = JsonNode.Parse(request.Body)!.AsObject();
        body.Remove("stream_options");
        return $"{request.Path}: {body.ToJsonString()}";
    }

    static async Task PutAsync(HttpClient client, string path, string json)
    {
        using var content = new StringContent(json, null, "application/json");
        using var response = await client.PutAsync(path, content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
