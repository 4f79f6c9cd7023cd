// The gate: clients of providers change their base address and nothing else, and every call of theirs is held before and settled after.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public abstract class GateConformance(HttpFacade host) : GateSuite(host)
{
    const string chat = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";
    const string streamed = """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";
    const string message = """{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";

    [Fact]
    public async Task A_call_goes_on_as_it_came_and_is_booked_as_the_provider_reports_it()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const string answer = """{"id":"c1","model":"gpt-4o-mini-2024-07-18","choices":[{"finish_reason":"stop","message":{"content":"hi"}}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}""";
        Provider.Answers(200, answer, ("x-request-id", "req-1"), ("x-ratelimit-remaining-requests", "99"));
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account), ("X-Purser-User", "ann"),
            ("X-Purser-Session", "s1"), ("X-Purser-Tags", "team=search, stage=test"), ("OpenAI-Organization", "org-1"));
        Assert.Equal(200, reply.Code);
        Assert.Equal(answer, reply.Text);
        Assert.Equal("99", reply.Header("x-ratelimit-remaining-requests"));
        Assert.Equal(account, reply.Header("X-Purser-Account"));

        var asked = Assert.Single(Provider.Asked);
        Assert.Equal(chat, asked.Body);
        Assert.Equal("/v1/chat/completions", asked.Path);
        Assert.Equal("Bearer the callers own", asked.Header("Authorization"));
        Assert.Equal("org-1", asked.Header("OpenAI-Organization"));
        Assert.DoesNotContain(asked.Headers.Keys, name => name.StartsWith("x-purser", StringComparison.Ordinal));

        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((1000, 100, "0.00021"), Amounts(record));
        Assert.Equal(("openai", "gpt-4o-mini", "ann", "s1"), (Text(record, "provider"), Text(record, "model"), Text(record, "user"),
            Text(record, "session")));
        Assert.Equal("search", record.GetProperty("tags").GetProperty("team").GetString());
        Assert.Equal("req-1", Text(record, "requestId"));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_stream_is_asked_for_its_usage_and_the_client_sees_nothing_of_that()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const string first = """{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]""";
        const string last = """{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]""";
        Provider.Streams($"data: {first},\"usage\":null}}\n\n", $"data: {last},\"usage\":null}}\n\n",
            "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100,\"total_tokens\":1100}}\n\n",
                "data: [DONE]\n\n");
        var text = await StreamAsync($"/gate/{route}/v1/chat/completions", streamed, ("X-Purser-Account", account));
        Assert.Equal($"data: {first}}}\n\ndata: {last}}}\n\ndata: [DONE]\n\n", text);
        Assert.True(Assert.Single(Provider.Asked).Json.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        Assert.Equal((1000, 100, "0.00021"), Amounts(Assert.Single(await RecordsAsync(account, wanted: 1))));
    }

    [Fact]
    public async Task Who_asks_for_the_usage_gets_it()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        string[] events =
        [
            "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n", "data: [DONE]\n\n",
        ];
        Provider.Streams(events);
        var body = streamed[..^1] + ",\"stream_options\":{\"include_usage\":true}}";
        Assert.Equal(string.Concat(events), await StreamAsync($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account)));
        Assert.Equal(body, Assert.Single(Provider.Asked).Body);
    }

    [Theory]
    [InlineData("openai", "/v1/chat/completions", chat, 429)]
    [InlineData("anthropic", "/v1/messages", message, 402)]
    [InlineData("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", """{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":1000}}""", 402)]
    public async Task A_refusal_is_one_that_clients_stop_at_and_asks_no_provider(string protocol, string path, string body, int status)
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol);
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":2000}""");
        Assert.Equal(201, (await Host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":1500,"outputTokens":0}""")).Code);
        var reply = await CallAsync($"/gate/{route}{path}", body, ("X-Purser-Account", account));
        Assert.Equal(status, reply.Code);
        Assert.Equal("false", reply.Header("x-should-retry"));
        Assert.Null(reply.Header("Retry-After"));
        Assert.Contains("\"daily\";remaining=\"500\"", reply.Header("X-Purser-Budget"), StringComparison.Ordinal);
        var error = reply.Json.GetProperty("error");
        Assert.Contains($"Purser refuses this call of '{account}'", Text(error, "message"), StringComparison.Ordinal);
        Assert.Contains("daily", Text(error, "message"), StringComparison.Ordinal);
        Assert.Equal("daily", Text(error.GetProperty("purser").GetProperty("blockedBy")[0], "limitId"));
        Assert.True(error.GetProperty("resets_at").GetInt64() > 0);
        switch (protocol)
        {
            case "openai": Assert.Equal(("insufficient_quota", "usage_limit_reached"), (Text(error, "code"), Text(error, "type"))); break;
            case "anthropic": Assert.Equal(("error", "billing_error"), (Text(reply.Json, "type"), Text(error, "type"))); break;
            default: Assert.Equal("RESOURCE_EXHAUSTED", Text(error, "status")); break;
        }
        Assert.Empty(Provider.Asked);
        Assert.Single(await RecordsAsync(account));
    }

    [Fact]
    public async Task A_key_of_purser_goes_to_no_provider_wherever_it_stands()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        using var request = Request($"/gate/{route}/v1/chat/completions", chat, [("X-Purser-Account", account)]);
        request.Headers.Remove("Authorization");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer purser_abcdefghijklmnopqrstuvwxyz0123456789");
        if (!request.Headers.Contains("X-Purser-Key")) request.Headers.TryAddWithoutValidation("X-Purser-Key", "purser_abcdefghijklmnopqrstuvwxyz0123456789");
        using var response = await Host.Client.SendAsync(request);
        Assert.Equal(401, (int)response.StatusCode);
        Assert.Empty(Provider.Asked);
    }

    [Fact]
    public async Task Limits_of_any_name_stand_in_headers()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"täglich \", 50%","unit":"tokens","window":"day","amount":2000}""");
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""");
        const string named = "\"t%C3%A4glich%20%22%2C%2050%25\";remaining=";
        var passed = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal(200, passed.Code);
        Assert.Contains(named, passed.Header("X-Purser-Budget"), StringComparison.Ordinal);
        await RecordsAsync(account, wanted: 1);
        var refused = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal(429, refused.Code);
        Assert.Contains(named, refused.Header("X-Purser-Budget"), StringComparison.Ordinal);
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Calls_of_a_sub_agent_are_paid_out_of_what_was_lent_to_it()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":10000}""");
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""");
        await using var agent = await ToolConformance.ConnectAsync(Host.GateAddress, Host.GateKey);
        var lent = (await ToolConformance.Ask(agent, "lend_budget", new()
        {
            ["account"] = account, ["tokens"] = 3000, ["session"] = "sub-agent",
        })).GetProperty("reservation").GetProperty("id").GetString()!;
        Task<Reply> Call(string from, int most) => CallAsync($"/gate/{route}/v1/chat/completions",
            chat.Replace("1000", most.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), ("X-Purser-Account", account),
            ("X-Purser-From", from));
        async Task<(long Settled, long Held)> StandAsync()
        {
            var limit = (await Host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
            return (limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
        }
        // The answer of a call waits two seconds for its settlement, which comes all the same.
        Task IsBookedAsync(long settled, long held) => ServerProcess.UntilAsync(async () => await StandAsync() == (settled, held),
            () => $"not {settled} settled and {held} held");

        // Others have used all that is left: what was lent is still there.
        Assert.Equal(201, (await Host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":7000,"outputTokens":0}""")).Code);
        Assert.Equal(429, (await Call("", 1000)).Code);
        Assert.Equal(200, (await Call(lent, 1000)).Code);
        await IsBookedAsync(8100, 1900);
        var record = Assert.Single(await RecordsAsync(account, wanted: 2), one => Text(one, "session") == "sub-agent");
        Assert.Equal((1000, 100), (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));

        var refused = await Call(lent, 5000);
        Assert.Equal((429, "false"), (refused.Code, refused.Header("x-should-retry")));
        var error = refused.Json.GetProperty("error");
        Assert.Contains("has 1900 of 3000 tokens left", Text(error, "message"), StringComparison.Ordinal);
        var fits = error.GetProperty("purser").GetProperty("suggestions")[0].GetProperty("maxOutputTokens").GetInt32();
        Assert.InRange(fits, 1800, 1899);
        Assert.Equal(200, (await Call(lent, fits)).Code);
        await IsBookedAsync(9200, 800);

        await ToolConformance.Ask(agent, "give_back_budget", new() { ["account"] = account, ["reservation"] = lent });
        var ended = await Call(lent, 10);
        Assert.Equal(429, ended.Code);
        Assert.Contains("is released: nothing is left of it", ended.Text, StringComparison.Ordinal);
        var unknown = await Call("never-lent", 10);
        Assert.Equal(400, unknown.Code);
        Assert.Contains("X-Purser-From: there is no reservation 'never-lent' in this account", unknown.Text, StringComparison.Ordinal);
        Assert.Equal(2, Provider.Asked.Count);
        Assert.All(Provider.Asked, asked => Assert.Null(asked.Header("X-Purser-From")));
        await IsBookedAsync(9200, 0);
    }

    [Fact]
    public async Task A_call_that_its_client_repeats_under_one_id_is_one_call()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":10000}""");
        Task<Reply> Call(string id, string body) => CallAsync($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account),
            ("Idempotency-Key", id));
        async Task<(long, int)> BookedAsync()
        {
            await NothingIsHeldAsync(account);
            var limit = (await Host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
            Assert.Equal(0, limit.GetProperty("held").GetInt64());
            return (limit.GetProperty("settled").GetInt64(), Provider.Asked.Count);
        }

        // The first attempt breaks off, and is charged in doubt; its repetition tells what the call used.
        Provider.Does(http =>
        {
            http.Abort();
            return Task.CompletedTask;
        });
        Assert.Equal(502, (await Call("one", chat)).Code);
        var (doubted, _) = await BookedAsync();
        Assert.InRange(doubted, 1001, 1100);
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":300,"completion_tokens":100}}""");
        Assert.Equal(200, (await Call("one", chat)).Code);
        Assert.Equal((400, 2), await BookedAsync());

        // Once it has its answer the provider works anew for whoever asks again: that is a call of its own.
        Assert.Equal(200, (await Call("one", chat)).Code);
        Assert.Equal((800, 3), await BookedAsync());
        // A refused or failed attempt leaves nothing to go on with.
        Provider.Answers(429, "{}");
        Assert.Equal(429, (await Call("two", chat)).Code);
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":300,"completion_tokens":100}}""");
        Assert.Equal(200, (await Call("two", chat)).Code);
        Assert.Equal((1200, 5), await BookedAsync());
        Assert.All(Provider.Asked, asked => Assert.NotNull(asked.Header("Idempotency-Key")));

        var other = await Call("one", chat.Replace("1000", "2000", StringComparison.Ordinal));
        Assert.Equal(400, other.Code);
        Assert.Contains("Idempotency-Key: was used for another call", other.Text, StringComparison.Ordinal);
        Assert.Equal((1200, 5), await BookedAsync());
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task An_adaptive_limit_makes_the_call_smaller_and_says_so()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":500,"enforcement":"adaptive"}""");
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":100}}""");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal(200, reply.Code);
        var asked = Assert.Single(Provider.Asked).Json;
        var most = asked.GetProperty("max_tokens").GetInt32();
        Assert.InRange(most, 450, 499);
        Assert.Equal($"maxOutputTokens={most.ToString(CultureInfo.InvariantCulture)}", reply.Header("X-Purser-Changes"));
        Assert.Contains("\"daily\";remaining=\"0\"", reply.Header("X-Purser-Budget"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_provider_passes_as_it_is_and_costs_nothing()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const string limited = """{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}""";
        Provider.Answers(429, limited, ("retry-after", "7"), ("x-ratelimit-reset-tokens", "6s"));
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal((429, limited, "7", "6s"),
            (reply.Code, reply.Text, reply.Header("retry-after"), reply.Header("x-ratelimit-reset-tokens")));
        Assert.Empty(await RecordsAsync(account));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_provider_that_is_not_there_costs_nothing()
    {
        var account = Host.NewAccount();
        var route = await PutAsync(account, $$"""{"name":"{{account}}","protocol":"openai","provider":"openai","upstream":"http://127.0.0.1:9"}""");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal(502, reply.Code);
        Assert.Empty(await RecordsAsync(account));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Claude_tells_its_input_first_and_its_output_last()
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic");
        Provider.Streams(
            "event: message_start\ndata: "
                + "{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":100,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1000,\"output_tokens\":1}}}\n\n",
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            "event: content_block_delta\ndata: "
                + "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n",
            "event: message_delta\ndata: "
                + "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":null,\"output_tokens\":50}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        var text = await StreamAsync($"/gate/{route}/v1/messages", message[..^1] + ",\"stream\":true}", ("X-Purser-Account", account));
        Assert.EndsWith("data: {\"type\":\"message_stop\"}\n\n", text, StringComparison.Ordinal);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((1100, 50, "0.00135"), Amounts(record));
        Assert.Equal(1000, record.GetProperty("cachedInputTokens").GetInt64());
    }

    // What gateways tell at the end may be zeros for what came at the beginning, or the other way round.
    [Theory]
    [InlineData("""{"input_tokens":25,"cache_read_input_tokens":100000,"output_tokens":1}""",
        """{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":500}""", 100_025, 500, 0)]
    [InlineData("""{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}""",
        """{"input_tokens":25,"cache_read_input_tokens":100000,"output_tokens":500}""", 100_025, 500, 0)]
    [InlineData("""{"input_tokens":25,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":700}}""",
        """{"output_tokens":500,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":2}}""", 725, 500, 2)]
    [InlineData("""{"input_tokens":25,"output_tokens":1,"server_tool_use":{"web_search_requests":2}}""",
        """{"input_tokens":40,"output_tokens":500,"server_tool_use":{"web_search_requests":0}}""", 40, 500, 2)]
    public async Task Of_what_Claude_tells_twice_the_larger_is_booked(string first, string last, int input, int output, int searches)
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic");
        Provider.Streams(
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-sonnet-4-5\",\"usage\":" + first + "}}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":" + last + "}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n");
        await StreamAsync($"/gate/{route}/v1/messages", message[..^1] + ",\"stream\":true}", ("X-Purser-Account", account));
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((input, output, searches), (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32(),
            record.TryGetProperty("webSearches", out var booked) ? booked.GetInt32() : 0));
        Assert.Equal("reported", Text(record, "kind"));
    }

    // A snapshot of what was asked for, under a name with its maker or without, is that; another model is another one, however alike.
    [Theory]
    [InlineData("openrouter", "openai/gpt-5-mini", "openai/gpt-5", "openai/gpt-5")]
    [InlineData("openai", "openai/gpt-5-mini", "gpt-5", "gpt-5")]
    [InlineData("openai", "gpt-5", "gpt-5-mini-2025-08-07", "gpt-5-mini-2025-08-07")]
    [InlineData("openai", "gpt-5.2-pro", "gpt-5.2", "gpt-5.2")]
    [InlineData("openai", "gpt-5.2", "gpt-5.2-pro-2025-12-11", "gpt-5.2-pro-2025-12-11")]
    [InlineData("openai", "gpt-4", "gpt-4.1-2025-04-14", "gpt-4.1-2025-04-14")]
    [InlineData("openai", "gpt-4o", "gpt-4o-2024-08-06", "gpt-4o")]
    [InlineData("openai", "gpt-4o-2024-08-06", "gpt-4o", "gpt-4o-2024-08-06")]
    [InlineData("openai", "gpt-4o-2024-05-13", "gpt-4o", "gpt-4o")]
    [InlineData("openai", "gpt-4-turbo", "gpt-4-turbo-2024-04-09", "gpt-4-turbo")]
    [InlineData("openai", "gpt-4o", "openai/gpt-4o", "gpt-4o")]
    [InlineData("openai", "openai/gpt-4o", "GPT-4o-2024-11-20", "openai/gpt-4o")]
    [InlineData("anthropic", "claude-opus-4", "claude-opus-4.5", "claude-opus-4.5")]
    [InlineData("anthropic", "claude-opus-4.5", "claude-opus-4", "claude-opus-4")]
    [InlineData("anthropic", "claude-opus-4", "claude-opus-4-5-20251101", "claude-opus-4-5-20251101")]
    [InlineData("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5")]
    [InlineData("anthropic", "anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5")]
    [InlineData("anthropic", "claude-4.5-opus", "claude-opus-4-5", "claude-4.5-opus")]
    [InlineData("openrouter", "openai/gpt-4o:nitro", "openai/gpt-4o", "openai/gpt-4o:nitro")]
    [InlineData("openrouter", "meta-llama/llama-3", "nousresearch/llama-3", "nousresearch/llama-3")]
    [InlineData("azure-openai", "chat-in-production", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06")]
    [InlineData("azure-openai", "gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18")]
    [InlineData("azure-openai", "prod-gpt-4o", "gpt-4o", "gpt-4o")]
    public async Task The_model_that_served_is_booked_where_it_is_another_one(string priced, string asked, string served, string booked)
    {
        var (account, route) = await RouteAsync("openai", priced);
        Provider.Answers(200, "{\"model\":\"" + served + "\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", "{\"model\":\"" + asked + "\",\"messages\":[],\"max_tokens\":9}",
            ("X-Purser-Account", account));
        Assert.True(reply.Code == 200, reply.Text);
        Assert.Equal(booked, Text(Assert.Single(await RecordsAsync(account, wanted: 1)), "model"));
    }

    // Whoever asks for a dearer tier of Gemini and gets the standard one pays for that.
    [Theory]
    [InlineData("priority", ",\"serviceTier\":\"standard\"", "0.0008")]
    [InlineData("SERVICE_TIER_PRIORITY", ",\"serviceTier\":\"priority\"", "0.00144")]
    [InlineData("priority", "", "0.00144")]
    [InlineData("standard", ",\"trafficType\":\"ON_DEMAND_PRIORITY\"", "0.00144")]
    public async Task The_tier_of_gemini_that_served_is_the_one_that_is_paid(string asked, string served, string cost)
    {
        var (account, route) = await RouteAsync("gemini", "google");
        Provider.Answers(200, "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\":100" + served + "}}");
        var reply = await CallAsync($"/gate/{route}/v1beta/models/gemini-3-flash-preview:generateContent",
            "{\"contents\":[],\"service_tier\":\"" + asked + "\"}", ("X-Purser-Account", account));
        Assert.True(reply.Code == 200, reply.Text);
        Assert.Equal((1000, 100, cost), Amounts(Assert.Single(await RecordsAsync(account, wanted: 1))));
    }

    [Fact]
    public async Task Gemini_tells_its_usage_in_every_chunk_and_the_last_one_counts()
    {
        var (account, route) = await RouteAsync("gemini", "google");
        Provider.Streams(
            "data: "
                + "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\"}]}}],\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":1,\"totalTokenCount\":11}}\r\n\r\n",
            "data: "
                + "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"i\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":20,\"totalTokenCount\":35}}\r\n\r\n");
        var text = await StreamAsync($"/gate/{route}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=shown", """{"contents":[{"parts":[{"text":"hi"}]}]}""",
            ("X-Purser-Account", account), ("Authorization", ""));
        Assert.EndsWith("\r\n\r\n", text, StringComparison.Ordinal);
        var asked = Assert.Single(Provider.Asked);
        Assert.Equal("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", asked.Path);
        Assert.Equal("shown", asked.Header("x-goog-api-key"));
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((10, 25), (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));
        Assert.Equal("gemini-2.5-flash", Text(record, "model"));
    }

    [Fact]
    public async Task A_stream_that_breaks_is_broken_for_the_client_too_and_is_charged_in_doubt()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var seen = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"half a\"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
            await seen.Task;
            http.Abort();
        });
        using (var request = Request($"/gate/{route}/v1/chat/completions", streamed, ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            Assert.True(await body.ReadAtLeastAsync(new byte[16], 16) >= 16);
            seen.SetResult();
            await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null));
        }
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal(1000, record.GetProperty("outputTokens").GetInt64());
        Assert.False(record.GetProperty("success").GetBoolean());
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Who_stops_reading_pays_for_what_came_and_a_little_more()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var gone = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync(
                "data: {\"choices\":[{\"delta\":{\"content\":\"one two three four five\"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
            // Hears that nobody wants the rest.
            using var heard = http.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });
        using (var request = Request($"/gate/{route}/v1/chat/completions", streamed, ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            Assert.True(await body.ReadAtLeastAsync(new byte[16], 16) >= 16);
        }
        await gone.Task.WaitAsync(Servers.ServerProcess.Patience);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.InRange(record.GetProperty("outputTokens").GetInt64(), 5, 100);
        Assert.Equal("the client went away", Text(record, "error"));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Who_leaves_before_the_first_word_of_a_stream_that_told_a_count_is_in_doubt()
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic");
        var gone = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\","
                + "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":{\"input_tokens\":100,\"output_tokens\":1}}}\n\n");
            await http.Response.Body.FlushAsync();
            using var heard = http.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });
        using (var request = Request($"/gate/{route}/v1/messages", message[..^1] + ",\"stream\":true}", ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            Assert.True(await body.ReadAtLeastAsync(new byte[16], 16) >= 16);
        }
        await gone.Task.WaitAsync(Servers.ServerProcess.Patience);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal(("unknown", 1000L), (Text(record, "kind"), record.GetProperty("outputTokens").GetInt64()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_route_that_drains_reads_on_and_books_what_the_provider_reports_although_nobody_listens()
    {
        var (account, route) = await RouteAsync("openai", "openai", ",\"onAbort\":\"drain\"");
        var left = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"one\"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
            await left.Task;
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":500}}\n\n");
        });
        using (var request = Request($"/gate/{route}/v1/chat/completions", streamed, ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            Assert.True(await body.ReadAtLeastAsync(new byte[16], 16) >= 16);
        }
        left.SetResult();
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((10, 500), (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));
        await NothingIsHeldAsync(account);
    }

    // A tier is dearer or cheaper, and OpenAI says beside the usage which one served: not always the one that was asked for.
    [Theory]
    [InlineData("priority", "priority", "priority")]
    [InlineData("flex", null, "flex")]
    [InlineData("priority", "default", "standard")]
    [InlineData(null, "flex", "flex")]
    public async Task The_tier_that_served_is_the_one_that_is_paid(string? asked, string? served, string paid)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        string Tier(string? name) => name is null ? "" : $",\"service_tier\":\"{name}\"";
        Provider.Answers(200, "{\"model\":\"gpt-5-mini\"" + Tier(served)
            + ",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}");
        var body = "{\"model\":\"gpt-5-mini\",\"messages\":[],\"max_tokens\":200" + Tier(asked) + "}";
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account))).Code);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        foreach (var tier in (string[])["standard", "flex", "priority"])
        {
            var quote = await Host.Post("/v1/quotes", "{\"provider\":\"openai\",\"model\":\"gpt-5-mini\",\"serviceTier\":\"" + tier
                + "\",\"usage\":{\"inputTokens\":1000,\"outputTokens\":100}}");
            Assert.Equal(tier == paid, quote.Member("cost") == Text(record, "cost"));
        }
    }

    [Fact]
    public async Task What_is_not_metered_does_not_pass_unless_somebody_said_so()
    {
        var (account, route) = await RouteAsync("openai", "openai", ",\"passThrough\":[\"GET /v1/models\"]");
        Provider.Answers(200, """{"data":[]}""");
        var models = await SendAsync(HttpMethod.Get, $"/gate/{route}/v1/models", null, ("X-Purser-Account", account));
        models.Is(200, """{"data":[]}""");
        var files = await CallAsync($"/gate/{route}/v1/files", "{}", ("X-Purser-Account", account));
        Assert.Equal(404, files.Code);
        Assert.Contains("not metered", files.Text, StringComparison.Ordinal);
        Assert.Single(Provider.Asked);
        Assert.Equal(404, (await CallAsync("/gate/nowhere/v1/chat/completions", chat)).Code);
    }

    [Fact]
    public async Task A_key_of_purser_stands_where_the_providers_would_and_never_reaches_it()
    {
        const string admin = HttpFacade.FirstKey;
        var guarded = await Host.GuardedAsync();
        var account = Host.NewAccount();
        async Task<Reply> Ask(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null
                ? null : new StringContent(body, Encoding.UTF8, "application/json") };
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            using var response = await guarded.Client.SendAsync(request);
            return await Reply.Of(response);
        }
        (string, string) asAdmin = ("Authorization", "Bearer " + admin);
        var routes = $$"""{"routes":[{"name":"{{account}}","protocol":"anthropic","provider":"anthropic","upstream":"{{Provider.Url}}","key":"stand-in"}]}""";
        Assert.Equal(200, (await Ask(HttpMethod.Put, "/v1/gate/routes", routes, asAdmin)).Code);
        var made = await Ask(HttpMethod.Post, "/v1/keys", $$"""{"name":"agent","rights":["hold"],"accounts":["{{account}}"]}""", asAdmin);
        var key = made.Member("key")!;
        Provider.Answers(200, """{"model":"claude-sonnet-4-5","usage":{"input_tokens":10,"output_tokens":5}}""");

        var path = $"/gate/{account}/v1/messages";
        Assert.Equal(401, (await Ask(HttpMethod.Post, path, message)).Code);
        Assert.Equal(401, (await Ask(HttpMethod.Post, path, message, ("x-api-key", "sk-something"))).Code);
        // Which routes there are is told to those who have a key.
        Assert.Equal(401, (await Ask(HttpMethod.Post, "/gate/nowhere/v1/messages", message)).Code);
        Assert.Equal(404, (await Ask(HttpMethod.Post, "/gate/nowhere/v1/messages", message, ("x-api-key", key))).Code);
        var foreign = await Ask(HttpMethod.Post, path, message, ("x-api-key", key), ("X-Purser-Account", "somebody-else"));
        Assert.True(foreign.Code == 404, foreign.Text);
        Assert.Empty(Provider.Asked);
        Assert.Equal(200, (await Ask(HttpMethod.Post, path, message, ("x-api-key", key))).Code);
        var asked = Assert.Single(Provider.Asked);
        Assert.Equal(ProviderStandIn.Secret, asked.Header("x-api-key"));
        Assert.DoesNotContain(asked.Headers, header => header.Value.Contains(key, StringComparison.Ordinal));
        JsonElement[] items = [];
        await ServerProcess.UntilAsync(async () =>
        {
            var usage = await Ask(HttpMethod.Get, $"/v1/accounts/{account}/usage", null, asAdmin);
            items = usage.Code == 404 ? [] : [.. usage.Json.GetProperty("items").EnumerateArray()];
            return items.Length > 0;
        }, () => "nothing is booked");
        var booked = Assert.Single(items);
        Assert.Equal(15, booked.GetProperty("inputTokens").GetInt64() + booked.GetProperty("outputTokens").GetInt64());

        // Keys may be called alike: what the client of one repeats under an id is no call of the other's.
        var namesake = await Ask(HttpMethod.Post, "/v1/keys",
            $$"""{"name":"agent","rights":["hold"],"accounts":["{{account}}"]}""", asAdmin);
        var another = message.Replace("1000", "999", StringComparison.Ordinal);
        foreach (var (by, body) in new[] { (key, message), (namesake.Member("key")!, another) })
        {
            var reply = await Ask(HttpMethod.Post, path, body, ("x-api-key", by), ("Idempotency-Key", "one"));
            Assert.True(reply.Code == 200, reply.Text);
        }
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "model is needed")]
    [InlineData("""{"model":"gpt-4o-mini","max_tokens":-1,"messages":[]}""", "max_tokens")]
    [InlineData("""{"model":"a","model":"b","messages":[]}""", "no member stands twice")]
    [InlineData("[]", "JSON object")]
    [InlineData("nonsense", "JSON object")]
    public async Task What_can_not_be_metered_is_refused_with_its_reason(string body, string reason)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account));
        Assert.Equal(400, reply.Code);
        Assert.Contains(reason, Text(reply.Json.GetProperty("error"), "message"), StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
    }

    [Fact]
    public async Task A_call_that_names_nobody_who_pays_is_told_how_to()
    {
        var (_, route) = await RouteAsync("openai", "openai");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat);
        Assert.Equal(400, reply.Code);
        Assert.Contains("X-Purser-Account", reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"routes":[{"name":"A b","protocol":"openai","provider":"openai","upstream":"https://api.openai.com"}]}""", "routes[0].name")]
    [InlineData("""{"routes":[{"name":"a","protocol":"soap","provider":"openai","upstream":"https://api.openai.com"}]}""", "routes[0].protocol")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"openai","upstream":"ftp://api.openai.com"}]}""", "routes[0].upstream")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"openai","upstream":"https://api.openai.com","key":"../admin"}]}""", "routes[0].key")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"openai","upstream":"https://api.openai.com","onAbort":"never"}]}""", "routes[0].onAbort")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"openai","upstream":"https://api.openai.com","passThrough":["models"]}]}""", "routes[0].passThrough[0]")]
    [InlineData("""{"routes":[null]}""", "routes[0]")]
    [InlineData("""{}""", "routes")]
    public async Task Routes_are_checked_whole(string body, string field) =>
        (await Host.Put("/v1/gate/routes", body)).IsProblem(400, "invalid", field);
}
