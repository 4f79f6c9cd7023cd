// The tools for agents, asked by the protocol's own client.
using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Purser.Conformance.Http;

public abstract class ToolConformance(HttpFacade host)
{
    [Fact]
    public async Task An_agent_asks_what_is_left_lends_a_part_tells_what_it_used_and_gives_the_rest_back()
    {
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"daily","unit":"tokens","window":"day","amount":10000}]}""")).Code);
        await using var agent = await ConnectAsync(host.GateAddress, host.GateKey);
        Assert.Equal(["give_back_budget", "lend_budget", "may_i_spend", "remaining_budget", "report_usage", "what_would_it_cost"],
            (await agent.ListToolsAsync()).Select(tool => tool.Name).Order());

        Assert.Equal(10000, Remaining(await Ask(agent, "remaining_budget", new() { ["account"] = account })));
        var cost = await Ask(agent, "what_would_it_cost", new() { ["model"] = "gpt-4o-mini", ["provider"] = "openai",
            ["inputTokens"] = 1000, ["outputTokens"] = 100 });
        Assert.Equal("0.00021", cost.GetProperty("cost").GetString());

        var refused = await Ask(agent, "may_i_spend", new() { ["account"] = account, ["model"] = "gpt-4o-mini", ["inputTokens"] = 9000,
            ["maxOutputTokens"] = 2000 });
        Assert.False(refused.GetProperty("allowed").GetBoolean());
        Assert.Equal("daily", refused.GetProperty("blockedBy")[0].GetProperty("limitId").GetString());

        var lent = await Ask(agent, "lend_budget", new() { ["account"] = account, ["tokens"] = 4000, ["session"] = "sub-agent" });
        var reservation = lent.GetProperty("reservation").GetProperty("id").GetString();
        Assert.Equal(6000, Remaining(await Ask(agent, "remaining_budget", new() { ["account"] = account })));
        for (var again = 0; again < 2; again++)
            await Ask(agent, "report_usage", new() { ["account"] = account, ["model"] = "gpt-4o-mini", ["provider"] = "openai",
                ["inputTokens"] = 900, ["outputTokens"] = 100, ["id"] = "call-1", ["reservation"] = reservation });
        await Ask(agent, "give_back_budget", new() { ["account"] = account, ["reservation"] = reservation });
        Assert.Equal(9000, Remaining(await Ask(agent, "remaining_budget", new() { ["account"] = account })));
        var record = Assert.Single((await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray());
        Assert.Equal("sub-agent", record.GetProperty("session").GetString());
    }

    [Fact]
    public async Task A_tool_does_what_the_key_may_and_sees_nothing_else()
    {
        const string admin = HttpFacade.FirstKey;
        var guarded = await host.GuardedAsync();
        var account = host.NewAccount();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/keys")
        {
            Content = new StringContent($$"""{"name":"agent","rights":["check"],"accounts":["{{account}}"]}""", null, "application/json"),
        };
        request.Headers.Authorization = new("Bearer", admin);
        using var made = await guarded.Client.SendAsync(request);
        var key = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString()!;

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(guarded.GateAddress));
        await using var agent = await ConnectAsync(guarded.GateAddress, key);
        var allowed = await Ask(agent, "may_i_spend", new() { ["model"] = "gpt-4o-mini", ["inputTokens"] = 1, ["maxOutputTokens"] = 1 });
        Assert.True(allowed.GetProperty("allowed").GetBoolean());
        Assert.Contains("the right `hold`", await Failure(agent, "lend_budget", new() { ["tokens"] = 1, ["session"] = "s" }),
            StringComparison.Ordinal);
        Assert.Contains("there is no account 'theirs'", await Failure(agent, "remaining_budget", new() { ["account"] = "theirs" }),
            StringComparison.Ordinal);
    }

    internal static async Task<McpClient> ConnectAsync(Uri address, string? key = null)
    {
        var options = new HttpClientTransportOptions
        {
            Endpoint = new(address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = key is null ? null : new Dictionary<string, string> { ["Authorization"] = "Bearer " + key },
        };
        return await McpClient.CreateAsync(new HttpClientTransport(options));
    }

    internal static async Task<JsonElement> Ask(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var answer = await agent.CallToolAsync(tool, arguments);
        var text = string.Concat(answer.Content.OfType<TextContentBlock>().Select(block => block.Text));
        Assert.True(answer.IsError is not true, text);
        return JsonDocument.Parse(text).RootElement;
    }

    static async Task<string> Failure(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var answer = await agent.CallToolAsync(tool, arguments);
        Assert.True(answer.IsError);
        return string.Concat(answer.Content.OfType<TextContentBlock>().Select(block => block.Text));
    }

    static long Remaining(JsonElement status) => status.GetProperty("limits")[0].GetProperty("remaining").GetInt64();
}
