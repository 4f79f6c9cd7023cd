// The samples, run as they are against the service and a stand-in of the provider.
using Microsoft.Extensions.AI;
using Purser.Conformance.Clients;
using Purser.Samples;

namespace Purser.Client.Tests;

public sealed class SampleTests(RunningHostFixture fixture) : IClassFixture<RunningHostFixture>
{
    readonly PurserClient service = fixture.Host.Client;
    readonly StandIn provider = StandIn.Of(StandIn.Text("hello "), StandIn.Text("there "), StandIn.Text("my "), StandIn.Text("friend"),
        StandIn.Usage(20, 10), StandIn.End());

    static async Task<string[]> SaidAsync(Func<TextWriter, Task> run)
    {
        await using var said = new StringWriter();
        await run(said);
        return said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    [Fact]
    public async Task A_chat_with_a_budget()
    {
        var said = await SaidAsync(to => ChatWithBudget.RunAsync(service, provider, to));
        Assert.Equal("hello there my friend", said[0]);
        Assert.Matches("^Refused by daily; 19[0-9][0-9] tokens of output would fit.$", said[1]);
    }

    [Fact]
    public async Task A_stream_that_is_left()
    {
        var said = await SaidAsync(to => StreamWithAbort.RunAsync(service, provider, to));
        Assert.Equal(["hello there my", "left; 400 tokens of output are booked as Doubtful"], said);
    }

    [Fact]
    public async Task An_agent_with_sub_agents()
    {
        var said = await SaidAsync(to => AgentWithSubAgents.RunAsync(service, provider, to));
        Assert.Equal(["researcher has 1970 of 2000 left", "writer has 1970 of 2000 left", "the purse has 9940 of 10000 left"], said);
    }

    // Two turns of one run: the tool's, and the one with its result.
    [Fact]
    public async Task An_agent_of_the_agent_framework()
    {
        var model = new StandIn(asked => StandIn.Each(asked.Number == 1
            ? [new(ChatRole.Assistant, [new FunctionCallContent("c1", "Weather", new Dictionary<string, object?> { ["town"] = "Porto" })]),
                StandIn.Usage(40, 10), StandIn.End(ChatFinishReason.ToolCalls)]
            : [StandIn.Text("Sunny."), StandIn.Usage(60, 5), StandIn.End()]));
        var said = await SaidAsync(to => AgentFramework.RunAsync(service, model, to));
        Assert.Equal(["Sunny.", "2 calls of the model, 115 tokens"], said);
        var calls = (await service.ListUsageAsync("sample-agents")).Items;
        Assert.All(calls, call => Assert.Equal(("ann", "weather"), (call.User, call.Orchestrator)));

        // Without room for the second turn the agent says so, and keeps what it did before.
        await service.PutPolicyAsync("sample-agents", new()
        {
            Limits = [new() { Id = "calls", Unit = LimitUnit.Requests, Window = "day", Amount = 3, Enforcement = Enforcement.Hard }],
        });
        var ended = await SaidAsync(to => AgentFramework.RunAsync(service, new StandIn(_ => StandIn.Each(
            [new(ChatRole.Assistant, [new FunctionCallContent("c1", "Weather", new Dictionary<string, object?> { ["town"] = "Porto" })]),
                StandIn.Usage(40, 10), StandIn.End(ChatFinishReason.ToolCalls)])), to));
        Assert.Contains("I stop here", ended[0], StringComparison.Ordinal);
        Assert.Equal("3 calls of the model, 165 tokens", ended[1]);
    }

    [Fact]
    public async Task Prompts_of_semantic_kernel()
    {
        var said = await SaidAsync(to => SemanticKernelPrompts.RunAsync(service, provider, to));
        Assert.Equal(["hello there my friend", "Refused by calls"], said);
        Assert.Contains("Ann", Assert.Single(provider.Calls).Messages[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_from_direct_tracking()
    {
        var said = await SaidAsync(to => FromDirectTracking.RunAsync(service, provider, to));
        Assert.Equal(["3 calls, 90 tokens"], said);
    }

    [Fact]
    public async Task A_budget_for_every_user_of_a_web_application()
    {
        await service.PutPolicyAsync("user:poor", new()
        {
            Limits = [new() { Id = "none", Unit = LimitUnit.Requests, Window = "day", Amount = 0, Enforcement = Enforcement.Hard }],
        });
        await using var app = BudgetPerUser.Build(service, provider, "--urls=http://127.0.0.1:0");
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new(app.Urls.First()) };
        async Task<(int, string)> AskAsync(string user)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/ask?question=hello");
            request.Headers.Add("X-User", user);
            using var answer = await http.SendAsync(request);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        Assert.Equal((200, "hello there my friend"), await AskAsync("rich"));
        var refused = await AskAsync("poor");
        Assert.Equal(429, refused.Item1);
        Assert.Contains("none", refused.Item2, StringComparison.Ordinal);
        Assert.Equal("rich", (await service.ListUsageAsync("user:rich")).Items[0].User);
    }
}
