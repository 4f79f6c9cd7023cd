// `mcp`, the tools for agents over standard input and output, started by the protocol's own client as agents start it.
using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class McpStartTests : IDisposable
{
    const string admin = "the first key of all";
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_agent_starts_the_tools_and_asks_a_host_that_runs()
    {
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_ADMIN_KEY", admin));
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", admin);
        using var limits = new StringContent("""{"limits":[{"id":"daily","unit":"tokens","window":"lifetime","amount":10000}]}""", null, "application/json");
        using (var put = await host.Client.PutAsync("/v1/accounts/a/policy", limits)) Assert.True(put.IsSuccessStatusCode);
        using var wanted = new StringContent("""{"name":"agent","rights":["hold"],"accounts":["a"]}""", null, "application/json");
        using var made = await host.Client.PostAsync("/v1/keys", wanted);
        var key = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString()!;
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "key"), key + "\n");

        await using var agent = await StartAsync(host, ["--key-file", Path.Combine(folder.Path, "key")], key: null);
        Assert.Equal("purser", agent.ServerInfo?.Name);
        Assert.Contains("budget", agent.ServerInstructions, StringComparison.Ordinal);
        Assert.Contains("lend_budget", (await agent.ListToolsAsync()).Select(tool => tool.Name));
        var lent = await AskAsync(agent, "lend_budget", new() { ["tokens"] = 4000, ["session"] = "sub-agent" });
        var reservation = lent.GetProperty("reservation").GetProperty("id").GetString();
        Assert.Equal(6000, Remaining(await AskAsync(agent, "remaining_budget", [])));
        await AskAsync(agent, "give_back_budget", new() { ["reservation"] = reservation });

        await using var other = await StartAsync(host, [], key);
        Assert.Equal(10000, Remaining(await AskAsync(other, "remaining_budget", [])));
        // What goes wrong is an answer that an agent reads, and standard output stays the protocol's.
        var refused = await other.CallToolAsync("remaining_budget", new Dictionary<string, object?> { ["account"] = "theirs" });
        Assert.True(refused.IsError);
        await host.KillAsync();
        var away = await other.CallToolAsync("remaining_budget", new Dictionary<string, object?>());
        Assert.True(away.IsError);
        Assert.Contains("can not be reached", Text(away), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_host_or_its_key_it_ends_and_says_why_on_standard_error()
    {
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_ADMIN_KEY", admin));
        var ended = await Script.RunAsync(folder.Path, new Dictionary<string, string>(), HostProcess.Program, "mcp", "--url",
            host.Client.BaseAddress!.ToString());
        Assert.Equal((3, ""), (ended.Code, ended.Output));
        Assert.Contains("asks for a key: give it in PURSER_KEY, or with --key-file", ended.Errors, StringComparison.Ordinal);
        ended = await Script.RunAsync(folder.Path, new Dictionary<string, string>(), HostProcess.Program, "mcp", "--url",
            "http://127.0.0.1:9");
        Assert.Equal((3, ""), (ended.Code, ended.Output));
        Assert.Contains("can not be reached", ended.Errors, StringComparison.Ordinal);
    }

    static Task<McpClient> StartAsync(HostProcess host, string[] more, string? key) => McpClient.CreateAsync(new StdioClientTransport(new()
    {
        Command = HostProcess.Program, Arguments = ["mcp", "--url", host.Client.BaseAddress!.ToString(), .. more],
        EnvironmentVariables = key is null ? [] : new Dictionary<string, string?> { ["PURSER_KEY"] = key },
    }));

    static async Task<JsonElement> AskAsync(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var answer = await agent.CallToolAsync(tool, arguments);
        Assert.True(answer.IsError is not true, Text(answer));
        return JsonDocument.Parse(Text(answer)).RootElement;
    }

    static string Text(CallToolResult answer) => string.Concat(answer.Content.OfType<TextContentBlock>().Select(block => block.Text));

    static long Remaining(JsonElement status) => status.GetProperty("limits")[0].GetProperty("remaining").GetInt64();
}
