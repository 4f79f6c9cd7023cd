// The gate as a role of its own: a process that speaks providers' protocols in front of silos, and nothing else.
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ModelContextProtocol.Client;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

[Collection(GateRoleHttpTests.Name)]
public sealed class GateRoleTests(GateRoleFacade host)
{
    const string call = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";

    /// <summary>The path of chat completions of a new route.</summary>
    async Task<string> RouteAsync(HttpClient operating, ProviderStandIn provider)
    {
        var name = host.NewAccount();
        var routes = await operating.PutAsJsonAsync("/v1/gate/routes", new { routes = new[] {
            new { name, protocol = "openai", provider = "openai", upstream = provider.Url, key = "stand-in" } } });
        Assert.True(routes.IsSuccessStatusCode, await routes.Content.ReadAsStringAsync());
        return $"/gate/{name}/v1/chat/completions";
    }

    [Fact]
    public async Task It_serves_providers_protocols_and_tools_to_who_has_a_key_and_nothing_else()
    {
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Answers(200, """{"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""");
        using var operating = host.Operating();
        using var calling = new HttpClient { BaseAddress = host.Gate.Address };
        // Set through the api, known to the gate.
        var path = await RouteAsync(operating, provider);
        var limits = await operating.PutAsJsonAsync("/v1/accounts/team/policy",
            new { limits = new[] { new { id = "daily", unit = "tokens", window = "lifetime", amount = 3000 } } });
        Assert.True(limits.IsSuccessStatusCode);
        var made = await operating.PostAsJsonAsync(
            "/v1/keys", new { name = "agent", rights = new[] { "hold" }, accounts = new[] { "team" } });
        var key = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString()!;

        // It has no admin key of its own, and asks for one nevertheless.
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync(null)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync("sk-of-somebody")).Status);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(key)).Status);
        Assert.Equal(ProviderStandIn.Secret, Assert.Single(provider.Asked).Header("Authorization")!["Bearer ".Length..]);
        // The answer of a call waits two seconds for its settlement, which comes all the same.
        var items = new List<JsonElement>();
        await ServerProcess.UntilAsync(async () =>
        {
            var (_, booked) = await ReadAsync(operating, "/v1/accounts/team/usage");
            items = [.. booked.RootElement.GetProperty("items").EnumerateArray()];
            return items.Count > 0;
        }, () => "nothing is booked");
        Assert.Equal(1000, items[0].GetProperty("inputTokens").GetInt64());
        await CallAsync(key);
        Assert.Equal((HttpStatusCode)429, (await CallAsync(key)).Status);
        Assert.Equal(2, provider.Asked.Count);

        await using (var agent = await McpClient.CreateAsync(new HttpClientTransport(new()
        {
            Endpoint = new(host.Gate.Address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer " + key },
        })))
            Assert.NotEqual(true, (await agent.CallToolAsync("remaining_budget", new Dictionary<string, object?>())).IsError);

        foreach (var other in (string[])["/v1/accounts/team", "/v1/gate/routes", "/v1/keys", "/overview", "/openapi/v1.json"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, other);
            request.Headers.Authorization = new("Bearer", key);
            using var answer = await calling.SendAsync(request);
            Assert.Equal((other, HttpStatusCode.NotFound), (other, answer.StatusCode));
        }
        Assert.Equal(HttpStatusCode.OK, (await calling.GetAsync(new Uri("/metrics", UriKind.Relative))).StatusCode);
        Assert.Equal(0, await host.Gate.EndAsync());
        host.Gate.StartAgain();
        await host.Gate.ReadyButForTheClockAsync();

        async Task<(HttpStatusCode Status, string Text)> CallAsync(string? shown)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new StringContent(call, Encoding.UTF8, "application/json"),
            };
            if (shown is not null) request.Headers.Authorization = new("Bearer", shown);
            using var answer = await calling.SendAsync(request);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task Calls_of_a_gate_that_was_killed_are_charged_or_released_by_their_rule_and_nothing_is_booked_twice()
    {
        await using var provider = await ProviderStandIn.StartAsync();
        using var operating = host.Operating();
        var path = await RouteAsync(operating, provider);
        using var calling = new HttpClient { BaseAddress = host.Gate.Address };
        calling.DefaultRequestHeaders.Authorization = new("Bearer", host.GateKey);
        await new GateKill(provider, path, () => operating, () => calling).RunAsync(async () =>
        {
            await host.Gate.KillAsync();
            host.Gate.StartAgain();
            await host.Gate.ReadyButForTheClockAsync();
        });
    }

    static async Task<(HttpStatusCode Status, JsonDocument Json)> ReadAsync(HttpClient client, string page)
    {
        using var answer = await client.GetAsync(new Uri(page, UriKind.Relative));
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()));
    }
}
