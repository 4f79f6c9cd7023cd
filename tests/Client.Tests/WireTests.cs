// The real clients of providers under a budget, against a stand-in that speaks their wire formats: streams, breaks, 429, 529.
using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using OpenAI;
using Record = Xunit.Record;

namespace Purser.Client.Tests;

/// <summary>Speaks chat completions (OpenAI) and messages (Anthropic); the last word of a prompt says what happens to it.</summary>
public sealed class ProviderFixture : IAsyncLifetime
{
    WebApplication app = null!;
    internal RunningHost Host { get; private set; } = null!;
    internal string Address { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Host = await RunningHost.StartAsync();
        var builder = WebApplication.CreateSlimBuilder();
        app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/v1/chat/completions", OpenAIAsync);
        app.MapPost("/v1/messages", AnthropicAsync);
        await app.StartAsync();
        Address = app.Urls.First();
    }

    static async Task<(string Body, int? Status)> ReadAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var body = await reader.ReadToEndAsync();
        return (body, body.Contains("429", StringComparison.Ordinal) ? 429 : body.Contains("529", StringComparison.Ordinal) ? 529 : null);
    }

    static async Task OpenAIAsync(HttpContext http)
    {
        var (body, status) = await ReadAsync(http);
        http.Response.StatusCode = status ?? 200;
        const string usage = """{"prompt_tokens":21,"completion_tokens":9,"total_tokens":30,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":4}}""";
        if (status is not null) await JsonAsync(http, """{"error":{"message":"no","type":"requests","param":null,"code":"rate_limit_exceeded"}}""");
        else if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
            await JsonAsync(http, $$"""{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o-2024-08-06",{{Tier(body)}}"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{{usage}}}""");
        else await StreamAsync(http, body,
            [.. Enumerable.Range(0, 6).Select(i => $$"""data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{"role":"assistant","content":"word {{i}} "},"finish_reason":null}],"usage":null}"""),
                """data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}""",
                $$"""data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-08-06",{{Tier(body)}}"choices":[],"usage":{{usage}}}""",
                "data: [DONE]"]);
    }

    static async Task AnthropicAsync(HttpContext http)
    {
        var (body, status) = await ReadAsync(http);
        http.Response.StatusCode = status ?? 200;
        var usage = $$"""{"input_tokens":13,"cache_read_input_tokens":8,{{Tier(body)}}"cache_creation_input_tokens":5,"output_tokens":9}""";
        if (status is not null) await JsonAsync(http, """{"type":"error","error":{"type":"overloaded_error","message":"no"},"request_id":"r"}""");
        else if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
            await JsonAsync(http, $$"""{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{usage}}}""");
        else await StreamAsync(http, body,
            ["event: message_start\ndata: "
                + "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\","
                + "\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":13,"
                + $"\"cache_read_input_tokens\":8,{Tier(body)}\"cache_creation_input_tokens\":5,\"output_tokens\":1}}}}}}",
                "event: content_block_start\ndata: "
                    + "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
                .. Enumerable.Range(0, 6).Select(i => $$$"""event: content_block_delta{{{'\n'}}}data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word {{{i}}} "}}"""),
                "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}",
                "event: message_delta\ndata: "
                    + "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}"]);
    }

    /// <summary>The tier that served a prompt which names it.</summary>
    static string Tier(string body) => ((string[])["priority", "batch", "turbo"]).FirstOrDefault(body.Contains) is { } tier
        ? $"\"service_tier\":\"{tier}\"," : "";

    static Task JsonAsync(HttpContext http, string json)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json);
    }

    /// <summary>Frame by frame; `cut` breaks the connection off in the middle, `short` ends the answer there as if it were whole.</summary>
    static async Task StreamAsync(HttpContext http, string body, IReadOnlyList<string> frames)
    {
        http.Response.ContentType = "text/event-stream";
        var (cut, ends) = (body.Contains("cut", StringComparison.Ordinal), body.Contains("short", StringComparison.Ordinal));
        for (var i = 0; i < frames.Count; i++)
        {
            if (i == 4 && cut) http.Abort();
            if (i == 4 && (cut || ends)) return;
            await http.Response.WriteAsync(frames[i].ReplaceLineEndings("\n") + "\n\n");
            await http.Response.Body.FlushAsync();
        }
    }

    public async Task DisposeAsync()
    {
        await app.DisposeAsync();
        await Host.DisposeAsync();
    }
}

public sealed class WireTests(ProviderFixture fixture) : IClassFixture<ProviderFixture>
{
    static int accounts;
    readonly PurserClient service = fixture.Host.Client;
    readonly string account = $"wire-{Interlocked.Increment(ref accounts)}";

    IChatClient Open(string provider) => (provider == "openai"
        ? new OpenAI.Chat.ChatClient("gpt-4o", new ApiKeyCredential("k"), new OpenAIClientOptions
        {
            Endpoint = new(fixture.Address + "/v1"), RetryPolicy = new ClientRetryPolicy(0),
        }).AsIChatClient()
        : new AnthropicClient { ApiKey = "k", BaseUrl = fixture.Address, MaxRetries = 0 }.AsIChatClient("claude-sonnet-4-5"))
        .AsBuilder().UseBudget(service, account).Build();

    async Task<UsageRecord?> BookedAsync()
    {
        Assert.Equal(0, (await service.GetAccountAsync(account)).Reservations.Active);
        return (await service.ListUsageAsync(account)).Items.SingleOrDefault();
    }

    static async Task<string> StreamAsync(IChatClient chat, string prompt, int most = int.MaxValue)
    {
        var (text, seen) = ("", 0);
        await foreach (var update in chat.GetStreamingResponseAsync(prompt, new() { MaxOutputTokens = 100 }))
        {
            text += update.Text;
            if (++seen == most) break;
        }
        return text;
    }

    [Theory]
    [InlineData("openai", false)]
    [InlineData("openai", true)]
    [InlineData("anthropic", false)]
    [InlineData("anthropic", true)]
    public async Task What_the_provider_reports_is_booked_part_by_part(string provider, bool streams)
    {
        var chat = Open(provider);
        if (streams) Assert.StartsWith("word 0 word 1", await StreamAsync(chat, "go"), StringComparison.Ordinal);
        else Assert.Equal("hello", (await chat.GetResponseAsync("go")).Text);
        var record = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, provider, false), (record.Kind, record.Provider, record.Unpriced));
        var (input, written, reasoning) = provider == "openai" ? (21L, (long?)null, (long?)4) : (26L, 5L, null);
        Assert.Equal((input, 8, written, 9, reasoning), (record.InputTokens, record.CachedInputTokens, record.CacheWrite5mTokens,
            record.OutputTokens, record.ReasoningTokens));
    }

    // The adapters of Microsoft.Extensions.AI leave the tier away; it stands in the answers of the clients beneath.
    [Theory]
    [InlineData("openai", false, "priority")]
    [InlineData("openai", true, "priority")]
    [InlineData("anthropic", false, "batch")]
    [InlineData("anthropic", true, "batch")]
    public async Task A_call_is_booked_at_the_tier_that_served_it(string provider, bool streams, string tier)
    {
        var chat = Open(provider);
        if (streams) await StreamAsync(chat, tier);
        else await chat.GetResponseAsync(tier);
        var served = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, tier), (served.Kind, served.ServiceTier));
    }

    // A name without a price would have the settlement turned away: the usage is booked at the standard price.
    [Theory]
    [InlineData("openai")]
    [InlineData("anthropic")]
    public async Task A_tier_that_nobody_knows_loses_no_usage(string provider)
    {
        await StreamAsync(Open(provider), "turbo");
        Assert.Equal((RecordKind.Reported, "standard"), (await BookedAsync()) is { } record
            ? (record.Kind, record.ServiceTier ?? "standard") : default);
    }

    [Theory]
    [InlineData("openai", "cut")]
    [InlineData("openai", "short")]
    [InlineData("anthropic", "cut")]
    [InlineData("anthropic", "short")]
    public async Task A_stream_that_breaks_off_is_booked_in_doubt(string provider, string how)
    {
        var chat = Open(provider);
        var thrown = await Record.ExceptionAsync(() => StreamAsync(chat, how));
        Assert.True(thrown is not null || how == "short" || provider == "openai");
        var record = (await BookedAsync())!;
        Assert.Equal(RecordKind.Doubtful, record.Kind);
        Assert.True(record.OutputTokens >= 100, $"{record.OutputTokens}");
    }

    [Theory]
    [InlineData("openai")]
    [InlineData("anthropic")]
    public async Task A_stream_that_is_left_is_booked_in_doubt(string provider)
    {
        await StreamAsync(Open(provider), "go", most: 2);
        Assert.Equal(RecordKind.Doubtful, (await BookedAsync())!.Kind);
    }

    [Theory]
    [InlineData("openai", "429", false)]
    [InlineData("openai", "529", true)]
    [InlineData("anthropic", "429", false)]
    [InlineData("anthropic", "529", true)]
    public async Task Refusals_of_the_provider_are_released_and_overloads_are_booked_in_doubt(string provider, string how, bool booked)
    {
        var chat = Open(provider);
        await Assert.ThrowsAnyAsync<Exception>(() => chat.GetResponseAsync(how, new() { MaxOutputTokens = 100 }));
        Assert.Equal(booked ? RecordKind.Doubtful : null, (await BookedAsync())?.Kind);
    }
}
