// The gate as a role of its own: a process that speaks providers' protocols in front of silos, and nothing else.
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ModelContextProtocol.Client;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

public sealed class GateRoleTests
{
    const string admin = "the first key of all";
    const string call = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";

    [Fact]
    public async Task It_serves_providers_protocols_and_tools_to_who_has_a_key_and_nothing_else()
    {
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Answers(200, """{"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""");
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "gate-" + Guid.NewGuid().ToString("N");
        await using var silo = SiloProcess.Start(database, redis, clusterId);
        await using var api = SiloProcess.StartApi(redis, clusterId, admin);
        await using var gate = SiloProcess.StartGate(redis, clusterId);
        await Task.WhenAll(silo.ReadyAsync(), api.ReadyAsync(), gate.ReadyAsync());
        using var operating = new HttpClient { BaseAddress = api.Address };
        operating.DefaultRequestHeaders.Authorization = new("Bearer", admin);
        using var calling = new HttpClient { BaseAddress = gate.Address };

        // Set through the api, known to the gate.
        var routes = await operating.PutAsJsonAsync("/v1/gate/routes", new { routes = new[] {
            new { name = "openai", protocol = "openai", provider = "openai", upstream = provider.Url, key = "stand-in" } } });
        Assert.True(routes.IsSuccessStatusCode, await routes.Content.ReadAsStringAsync());
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
        var (_, booked) = await ReadAsync(operating, "/v1/accounts/team/usage");
        Assert.Equal(1000, booked.RootElement.GetProperty("items")[0].GetProperty("inputTokens").GetInt64());
        await CallAsync(key);
        Assert.Equal((HttpStatusCode)429, (await CallAsync(key)).Status);
        Assert.Equal(2, provider.Asked.Count);

        await using var agent = await McpClient.CreateAsync(new HttpClientTransport(new()
        {
            Endpoint = new(gate.Address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer " + key },
        }));
        Assert.NotEqual(true, (await agent.CallToolAsync("remaining_budget", new Dictionary<string, object?>())).IsError);

        foreach (var path in (string[])["/v1/accounts/team", "/v1/gate/routes", "/v1/keys", "/overview", "/openapi/v1.json"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new("Bearer", key);
            using var answer = await calling.SendAsync(request);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, answer.StatusCode));
        }
        Assert.Equal(HttpStatusCode.OK, (await calling.GetAsync(new Uri("/metrics", UriKind.Relative))).StatusCode);
        Assert.Equal(0, await gate.EndAsync());

        async Task<(HttpStatusCode Status, string Text)> CallAsync(string? shown)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/gate/openai/v1/chat/completions")
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
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "kill-" + Guid.NewGuid().ToString("N");
        await using var silo = SiloProcess.Start(database, redis, clusterId);
        await using var api = SiloProcess.StartApi(redis, clusterId);
        await using var gate = SiloProcess.StartGate(redis, clusterId);
        await Task.WhenAll(silo.ReadyAsync(), api.ReadyAsync(), gate.ReadyAsync());
        using var operating = new HttpClient { BaseAddress = api.Address };
        var routes = await operating.PutAsJsonAsync("/v1/gate/routes", new { routes = new[] {
            new { name = "openai", protocol = "openai", provider = "openai", upstream = provider.Url, key = "stand-in" } } });
        Assert.True(routes.IsSuccessStatusCode, await routes.Content.ReadAsStringAsync());
        var made = await operating.PostAsJsonAsync("/v1/keys", new { name = "agent", rights = new[] { "hold" }, accounts = new[] { "*" } });
        var key = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString()!;
        using var calling = new HttpClient { BaseAddress = gate.Address };
        calling.DefaultRequestHeaders.Authorization = new("Bearer", key);
        await new GateKill(provider, "/gate/openai/v1/chat/completions", () => operating, () => calling).RunAsync(async () =>
        {
            await gate.KillAsync();
            gate.StartAgain();
            await gate.ReadyAsync();
        });
    }

    static async Task<(HttpStatusCode Status, JsonDocument Json)> ReadAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative));
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()));
    }
}
