// The .NET clients of providers through the gate: they see no difference to the provider itself, and stop at a refusal. Nothing is changed
// but their address.
using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Anthropic.Exceptions;
using Microsoft.Extensions.AI;
using OpenAI;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Client.Tests;

public sealed class GateTests : IAsyncLifetime
{
    ProviderStandIn provider = null!;
    RunningHost host = null!;

    public async Task InitializeAsync()
    {
        (provider, host) = (await ProviderStandIn.StartAsync(), await RunningHost.StartAsync());
        provider.Does(ProviderAnswers.AnswerAsync);
        GateRoute Route(string name, string account) => new()
        {
            Name = $"{name}-{account}", Protocol = name, Provider = name, Upstream = provider.Url, Account = account,
        };
        await host.Client.PutGateRoutesAsync(new()
        {
            Routes = [Route("openai", "agent"), Route("anthropic", "agent"), Route("openai", "poor"), Route("anthropic", "poor")],
        });
        await host.Client.PutPolicyAsync("poor", new()
        {
            Limits = [new() { Id = "none", Unit = LimitUnit.Requests, Window = "day", Amount = 0, Enforcement = Enforcement.Hard }],
        });
    }

    static IChatClient Open(string name, string address) => name == "openai"
        ? new OpenAI.Chat.ChatClient("gpt-4o-mini", new ApiKeyCredential("k"), OpenAIAt(address)).AsIChatClient()
        : new AnthropicClient { ApiKey = "k", BaseUrl = address, MaxRetries = 0 }.AsIChatClient("claude-sonnet-4-5");

    static OpenAIClientOptions OpenAIAt(string address) =>
        new() { Endpoint = new(address + "/v1"), RetryPolicy = new ClientRetryPolicy(0) };

    string Gate(string name, string account) => $"{host.Address.ToString().TrimEnd('/')}/gate/{name}-{account}";

    /// <summary>A chat, a stream, a tool, a picture, a stream that is left, and embeddings where there are any: what the client says of
    /// each.</summary>
    static async Task<List<string>> SessionAsync(string name, string address)
    {
        var (chat, said) = (Open(name, address), new List<string>());
        var options = new ChatOptions { MaxOutputTokens = 50 };
        void Say(string what, ChatResponse answer) => said.Add($"{what}: {answer.Text}{string.Join(", ",
            answer.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Select(call => call.Name))} "
            + $"{answer.FinishReason} {answer.Usage?.InputTokenCount} {answer.Usage?.OutputTokenCount}");
        Say("chat", await chat.GetResponseAsync("hi", options));
        Say("stream", await chat.GetStreamingResponseAsync("hi", options).ToChatResponseAsync());
        Say("tool", await chat.GetResponseAsync("hi", new ChatOptions
        {
            MaxOutputTokens = 50, Tools = [AIFunctionFactory.Create((string city) => "sunny", "weather")],
        }));
        Say("picture", await chat.GetResponseAsync(new ChatMessage(ChatRole.User,
            [new DataContent(Convert.FromBase64String(picture), "image/png"), new TextContent("what is it?")]), options));
        using var leaving = new CancellationTokenSource();
        await foreach (var update in chat.GetStreamingResponseAsync("never end", options, leaving.Token))
        {
            if (update.Text.Length == 0) continue;
            said.Add($"left: {update.Text}");
            await leaving.CancelAsync();
            break;
        }
        if (name != "openai") return said;
        var vectors = await new OpenAI.Embeddings.EmbeddingClient("text-embedding-3-small", new ApiKeyCredential("k"), OpenAIAt(address))
            .GenerateEmbeddingAsync("hi");
        said.Add($"embedding: {vectors.Value.ToFloats().Length} {vectors.GetRawResponse().Content}");
        return said;
    }

    const string picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

    [Theory]
    [InlineData("openai", 6)]
    [InlineData("anthropic", 5)]
    public async Task A_client_sees_no_difference_and_every_call_is_booked(string name, int calls)
    {
        var through = await SessionAsync(name, Gate(name, "agent"));
        var asked = provider.Asked.Select(request => (request.Path, request.Body)).ToArray();
        provider.Asked.Clear();
        Assert.Equal(await SessionAsync(name, provider.Url), through);
        Assert.Equal(calls, through.Count);
        Assert.Equal(provider.Asked.Select(request => (request.Path, request.Body)), asked);

        // Who hung up does not hear when it is booked.
        IReadOnlyList<UsageRecord> records = [];
        await ServerProcess.UntilAsync(async () => (records = (await host.Client.ListUsageAsync("agent")).Items).Count == calls,
            () => $"{records.Count} records");
        Assert.All(records, record => Assert.Equal(name, record.Provider));
        Assert.Equal("the client went away", Assert.Single(records, record => !record.Success).Error);
        Assert.Equal(0, (await host.Client.GetAccountAsync("agent")).Reservations.Active);
    }

    [Fact]
    public async Task A_refusal_is_an_exception_with_its_reason_and_reaches_no_provider()
    {
        var openai = await Assert.ThrowsAsync<ClientResultException>(() => Open("openai", Gate("openai", "poor")).GetResponseAsync("hi"));
        Assert.Equal(429, openai.Status);
        Assert.Contains("Purser refuses this call of 'poor'", openai.Message, StringComparison.Ordinal);
        var anthropic = await Assert.ThrowsAnyAsync<AnthropicException>(() =>
            Open("anthropic", Gate("anthropic", "poor")).GetResponseAsync("hi"));
        Assert.Contains("Purser refuses this call of 'poor'", anthropic.Message, StringComparison.Ordinal);
        Assert.Empty(provider.Asked);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await provider.DisposeAsync();
    }
}
