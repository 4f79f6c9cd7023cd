// What becomes of calls on their way through the gate: changed as adaptive limits ask, repeated beside each other, holding more while they
// say more, failing at the provider, and what is told of all their parts.
using Microsoft.AspNetCore.Http;

namespace Purser.Conformance.Http;

public abstract class GateCourseConformance(HttpFacade host) : GateSuite(host)
{
    const string tool = "\"name\":\"weather\",\"description\":\"DESCRIPTION\"";
    const string chat = """{"model":"gpt-4o","max_tokens":1000,"temperature":0.9,"messages":[{"role":"user","content":"hi"}]}""";
    const string message = """{"model":"claude-sonnet-4-5","max_tokens":1000,"temperature":0.9,"messages":[{"role":"user","content":"hi"}]}""";
    const string contents = """{"generationConfig":{"maxOutputTokens":1000,"temperature":0.9},"contents":[{"parts":[{"text":"hi"}]}]}""";

    static string Answer(string protocol) => protocol switch
    {
        "openai" => """{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":10}}""",
        "anthropic" => """{"usage":{"input_tokens":30,"output_tokens":10}}""",
        _ => """{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":10}}""",
    };

    async Task<string> AccountAsync(string policy)
    {
        var account = Host.NewAccount();
        Assert.Equal(200, (await Host.Put($"/v1/accounts/{account}/policy", policy)).Code);
        return account;
    }

    [Theory]
    [InlineData("openai", "openai", "/v1/chat/completions", chat, "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5")]
    [InlineData("anthropic", "anthropic", "/v1/messages", message, "anthropic/claude-haiku-4-5", "openai/gpt-4o-mini")]
    [InlineData("gemini", "google", "/v1beta/models/gemini-2.5-pro:generateContent", contents, "google/gemini-2.5-flash", "openai/gpt-4o-mini")]
    public async Task A_call_is_made_as_an_adaptive_limit_asks_with_another_model_and_without_tools(
        string protocol, string priced, string path, string body, string smaller, string foreign)
    {
        var (_, route) = await RouteAsync(protocol, priced);
        Provider.Answers(200, Answer(protocol));
        string Costs(string fallback) => $$$"""
            {"limits":[{"id":"money","unit":"cost","window":"lifetime","amount":"0.009","enforcement":"adaptive"}],
             "adaptive":{"measures":["use_smaller_model","reduce_temperature"],"fallbackModels":["{{{fallback}}}"]}}
            """;
        var model = smaller[(smaller.IndexOf('/') + 1)..];
        var account = await AccountAsync(Costs(smaller));
        var reply = await CallAsync($"/gate/{route}{path}", body, ("X-Purser-Account", account));
        Assert.True(reply.Code == 200, reply.Text);
        Assert.Equal($"model={model}, temperature=0.3", reply.Header("X-Purser-Changes"));
        var asked = Assert.Single(Provider.Asked);
        if (protocol == "gemini") Assert.Equal($"/v1beta/models/{model}:generateContent", asked.Path);
        else Assert.Equal(model, Text(asked.Json, "model"));
        var settings = protocol == "gemini" ? asked.Json.GetProperty("generationConfig") : asked.Json;
        Assert.Equal(0.3m, settings.GetProperty("temperature").GetDecimal());
        Assert.Equal(model, Text(Assert.Single(await RecordsAsync(account, wanted: 1)), "model"));

        // A model of another provider is nothing that this route leads to.
        var other = await AccountAsync(Costs(foreign));
        var refused = await CallAsync($"/gate/{route}{path}", body, ("X-Purser-Account", other));
        Assert.Equal(protocol == "openai" ? 429 : 402, refused.Code);
        Assert.Contains($"only {foreign} would fit, which this route does not lead to", refused.Text, StringComparison.Ordinal);
        await NothingIsHeldAsync(other);

        var tools = protocol switch
        {
            "openai" => $"[{{\"type\":\"function\",\"function\":{{{tool}}}}}]",
            "anthropic" => $"[{{{tool},\"input_schema\":{{\"type\":\"object\"}}}}]",
            _ => $"[{{\"functionDeclarations\":[{{{tool}}}]}}]",
        };
        var third = await AccountAsync("""
            {"limits":[{"id":"tokens","unit":"tokens","window":"lifetime","amount":1500,"enforcement":"adaptive"}],
             "adaptive":{"measures":["disable_tools"]}}
            """);
        var description = string.Concat(Enumerable.Repeat("tells the weather ", 300));
        var described = body[..^1] + ",\"tools\":" + tools.Replace("DESCRIPTION", description, StringComparison.Ordinal) + "}";
        var without = await CallAsync($"/gate/{route}{path}", described, ("X-Purser-Account", third));
        Assert.True(without.Code == 200, without.Text);
        Assert.Equal("tools=none", without.Header("X-Purser-Changes"));
        Assert.Equal(2, Provider.Asked.Count);
        Assert.False(Provider.Asked.Last().Json.TryGetProperty("tools", out _));
    }

    [Fact]
    public async Task An_attempt_that_breaks_off_again_is_booked_beside_the_one_before()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Task<Reply> Call() => CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account),
            ("Idempotency-Key", "thrice"), ("X-Purser-User", "ann"));
        Provider.Does(http =>
        {
            http.Abort();
            return Task.CompletedTask;
        });
        for (var attempts = 1; attempts <= 2; attempts++)
        {
            Assert.Equal(502, (await Call()).Code);
            var broken = await RecordsAsync(account, wanted: attempts);
            Assert.Equal(attempts, broken.Count);
            Assert.All(broken, record => Assert.Equal((1000, "ann"),
                (record.GetProperty("outputTokens").GetInt32(), Text(record, "user"))));
        }
        Provider.Answers(200, """{"choices":[],"usage":{"prompt_tokens":300,"completion_tokens":100}}""");
        Assert.Equal(200, (await Call()).Code);
        var records = await RecordsAsync(account, wanted: 4);
        var of = records.ToLookup(record => Text(record, "kind"), record => record.GetProperty("totalTokens").GetInt64());
        // The first doubt became what the third attempt tells, which went well as the doubt did not; the second one stays.
        Assert.Equal(0, of["unknown"].Sum() + of["adjustment"].Sum());
        Assert.Collection(of["reported"].Order(), told => Assert.Equal(400, told), doubt => Assert.InRange(doubt, 1001, 1100));
        await NothingIsHeldAsync(account);
    }

    // The hold ran out while the ledger was away, or somebody else said that nobody knows: what is in doubt is charged already.
    [Theory]
    [InlineData(1000, 1000, "unknown")]
    [InlineData(3, 40, "unknown adjustment reported")]
    public async Task A_call_in_doubt_whose_hold_was_charged_meanwhile_is_not_charged_again(int most, int output, string kinds)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var charged = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            var said = string.Concat(Enumerable.Repeat("word ", 40));
            await http.Response.WriteAsync($"data: {{\"choices\":[{{\"delta\":{{\"content\":\"{said}\"}},\"finish_reason\":null}}]}}\n\n");
            await http.Response.Body.FlushAsync();
            await charged.Task.WaitAsync(Servers.ServerProcess.Patience);
            http.Abort();
        });
        using var request = Request($"/gate/{route}/v1/chat/completions", "{\"model\":\"gpt-4o-mini\",\"stream\":true,\"max_tokens\":" + most
            + ",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", ("X-Purser-Account", account));
        using var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("word", await reader.ReadLineAsync(), StringComparison.Ordinal);
        var hold = Assert.Single(response.Headers.GetValues("X-Purser-Reservation"));
        var doubt = await Host.Post($"/v1/accounts/{account}/reservations/{hold}/settle", """{"outcome":"unknown"}""");
        Assert.True(doubt.Code is 200 or 201, doubt.Text);
        charged.SetResult();
        await Assert.ThrowsAnyAsync<IOException>(() => reader.ReadToEndAsync());
        var records = await RecordsAsync(account, wanted: kinds.Split(' ').Length);
        Assert.Equal(kinds.Split(' ').Order(), records.Select(record => Text(record, "kind")).Order());
        Assert.InRange(records.Sum(record => record.GetProperty("outputTokens").GetInt32()), output, output + 5);
        await NothingIsHeldAsync(account);
    }

    // Schemas of tools may be nested deeply; OpenAI's responses repeat them.
    [Theory]
    [InlineData("chat/completions", true)]
    [InlineData("responses", true)]
    [InlineData("responses", false)]
    public async Task What_is_nested_deeply_passes_and_is_read(string path, bool isStream)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const int depth = 200;
        var nested = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
        var tools = "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"function\":{\"name\":\"f\",\"parameters\":" + nested + "}}]";
        var whole = "{" + tools + ",\"output\":[],\"usage\":{\"input_tokens\":30,\"output_tokens\":10}}";
        if (!isStream) Provider.Answers(200, whole);
        else if (path == "responses") Provider.Streams("data: {\"type\":\"response.completed\",\"response\":" + whole + "}\n\n");
        else
            Provider.Streams("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n",
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":10}}\n\ndata: [DONE]\n\n");
        var asked = "\"input\":\"hi\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]," + tools;
        using var request = Request($"/gate/{route}/v1/{path}",
            "{\"model\":\"gpt-4o-mini\",\"stream\":" + (isStream ? "true" : "false") + "," + asked + "}", ("X-Purser-Account", account));
        using var response = await Host.Client.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Contains(nested, Assert.Single(Provider.Asked).Body, StringComparison.Ordinal);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal(("reported", 30, 10),
            (Text(record, "kind"), record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));
        await NothingIsHeldAsync(account);
    }

    [Theory]
    [InlineData("openai", "/v1/chat/completions", chat, "idempotency_error")]
    [InlineData("anthropic", "/v1/messages", message, "conflict_error")]
    [InlineData("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", """{"contents":[{"parts":[{"text":"hi"}]}]}""", "ABORTED")]
    public async Task A_second_attempt_beside_the_first_is_told_to_come_again(string protocol, string path, string body, string type)
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol);
        var (asked, ending) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            asked.TrySetResult();
            await ending.Task;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"usage":{"prompt_tokens":30,"completion_tokens":10,"input_tokens":30,"output_tokens":10},"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":10}}""");
        });
        Task<Reply> Call(string id) =>
            CallAsync($"/gate/{route}{path}", body, ("X-Purser-Account", account), ("Idempotency-Key", id));

        var first = Call("one");
        await asked.Task.WaitAsync(Servers.ServerProcess.Patience);
        var second = await Call("one");
        Assert.Equal((409, "1", "true"), (second.Code, second.Header("Retry-After"), second.Header("x-should-retry")));
        var error = second.Json.GetProperty("error");
        Assert.Equal(type, Text(error, protocol == "gemini" ? "status" : "type"));
        Assert.Contains("another attempt under this Idempotency-Key is under way", Text(error, "message"), StringComparison.Ordinal);
        Assert.Single(Provider.Asked);
        // Another id is another call.
        var other = Call("two");
        ending.SetResult();
        Assert.Equal((200, 200), ((await first).Code, (await other).Code));
        Assert.Equal(200, (await Call("one")).Code);
        var records = await RecordsAsync(account, wanted: 3);
        Assert.Equal([40L, 40L, 40L], records.Select(record => record.GetProperty("totalTokens").GetInt64()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Who_comes_again_after_going_away_is_a_call_of_its_own_while_the_first_is_read_to_its_end()
    {
        var (account, route) = await RouteAsync("openai", "openai", ",\"onAbort\":\"drain\"");
        var (asked, ending) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            asked.TrySetResult();
            await ending.Task;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":10}}""");
        });
        var path = $"/gate/{route}/v1/chat/completions";
        using (var leaving = new CancellationTokenSource())
        using (var request = Request(path, chat, ("X-Purser-Account", account), ("Idempotency-Key", "one")))
        {
            var first = Host.Client.SendAsync(request, leaving.Token);
            await asked.Task.WaitAsync(Servers.ServerProcess.Patience);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        }
        // Until the gate has seen that nobody waits any more.
        Reply? second = null;
        var again = Servers.ServerProcess.UntilAsync(async () =>
        {
            second = await CallAsync(path, chat, ("X-Purser-Account", account), ("Idempotency-Key", "one"));
            return second.Code != 409;
        }, () => second!.Text);
        await Servers.ServerProcess.UntilAsync(() => Provider.Asked.Count == 2, "the provider is not asked again");
        ending.SetResult();
        await again;
        Assert.Equal(200, second!.Code);
        var records = await RecordsAsync(account, wanted: 2);
        Assert.Equal([40L, 40L], records.Select(record => record.GetProperty("totalTokens").GetInt64()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_stream_that_says_more_than_was_held_holds_more()
    {
        var (_, route) = await RouteAsync("openai", "openai");
        var account = await AccountAsync(
            """{"limits":[{"id":"ever","unit":"tokens","window":"lifetime","amount":100000}],"holds":{"defaultMaxOutputTokens":10}}""");
        var seen = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            var said = string.Concat(Enumerable.Repeat("word ", 20));
            await http.Response.WriteAsync($"data: {{\"choices\":[{{\"delta\":{{\"content\":\"{said}\"}},\"finish_reason\":null}}]}}\n\n");
            await http.Response.Body.FlushAsync();
            await seen.Task.WaitAsync(Servers.ServerProcess.Patience);
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":21}}\n\ndata: [DONE]\n\n");
        });
        async Task<(long Settled, long Held)> StandAsync()
        {
            var limit = (await Host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
            return (limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
        }
        var stream = StreamAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}""", ("X-Purser-Account", account));
        var now = (Settled: 0L, Held: 0L);
        await Servers.ServerProcess.UntilAsync(async () => (now = await StandAsync()).Held > 256, () => $"{now}");
        seen.SetResult();
        await stream;
        await RecordsAsync(account, wanted: 1);
        Assert.Equal((30, 0), await StandAsync());
    }

    const string said = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"one two three four five\"}\n\n";
    const string unsaid = "event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r\",\"usage\":null}}\n\n";

    // The end of a stream is its end, whether it tells what was used or not: the words are counted then, as those of a chat are.
    [Theory]
    [InlineData("gpt-4o-mini", said, "completed", """{"response":{"id":"r","usage":null}}""", 5, null)]
    [InlineData("gpt-4o-mini", said, "incomplete", """{"response":{"id":"r"}}""", 5, null)]
    [InlineData("gpt-4o-mini", said, "failed", """{"response":{"id":"r","error":{"code":"server_error"}}}""", 5, "server_error")]
    [InlineData("gpt-4o-mini", unsaid, "completed", """{"response":{"output":[{"content":[{"type":"output_text","text":"one two three"}]}]}}""", 3, null)]
    [InlineData("gpt-4o-mini", said, "failed", """{"response":{"error":{"code":"server_error"},"usage":{"input_tokens":9,"output_tokens":21}}}""", 21, "server_error")]
    // Nobody knows what was thought, or done without a word.
    [InlineData("gpt-4o-mini", unsaid, "failed", """{"response":{"error":{"code":"server_error"}}}""", null, "server_error")]
    [InlineData("gpt-4o-mini", unsaid, "failed", """{"error":{"code":"server_error"}}""", null, "server_error")]
    [InlineData("gpt-5-mini", said, "completed", """{"response":{"id":"r"}}""", null, null)]
    public async Task A_stream_of_responses_that_ends_without_its_usage_has_ended(
        string model, string begins, string type, string whole, int? output, string? error)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var end = $"event: response.{type}\ndata: {{\"type\":\"response.{type}\",{whole[1..]}\n\n";
        Provider.Streams(begins, end);
        var text = await StreamAsync($"/gate/{route}/v1/responses",
            "{\"model\":\"" + model + "\",\"stream\":true,\"max_output_tokens\":1000,\"input\":\"hi\"}", ("X-Purser-Account", account));
        Assert.Equal(begins + end, text);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((output is null, output ?? 1000L), (Text(record, "kind") == "unknown", record.GetProperty("outputTokens").GetInt64()));
        Assert.Equal(error is null, record.GetProperty("success").GetBoolean());
        Assert.Contains(error ?? "", Text(record, "error") ?? "", StringComparison.Ordinal);
        await NothingIsHeldAsync(account);
    }

    // What Claude thinks is paid as what it says. It is all that there is to count where the stream ends before its first word.
    [Theory]
    [InlineData(true, 1000, "the client went away")]
    [InlineData(false, 3, "the provider's answer broke off")]
    public async Task What_was_thought_counts_where_a_stream_is_left_or_breaks_off(bool leaves, int most, string error)
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic");
        var (left, seen) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-sonnet-4-5\","
                + "\"usage\":{\"input_tokens\":100,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                + "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
            for (var i = 0; i < 20; i++)
                await http.Response.WriteAsync("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                    + "\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hmm well \"}}\n\n");
            await http.Response.WriteAsync(": all of it\n\n");
            await http.Response.Body.FlushAsync();
            using var heard = http.RequestAborted.Register(left.SetResult);
            await (leaves ? left : seen).Task.WaitAsync(Servers.ServerProcess.Patience);
            http.Abort();
        });
        using (var request = Request($"/gate/{route}/v1/messages", "{\"model\":\"claude-sonnet-4-5\",\"stream\":true,\"max_tokens\":" + most
            + ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            while (await reader.ReadLineAsync() is { } line && line != ": all of it")
            {
            }
            seen.SetResult();
            if (!leaves) await Assert.ThrowsAnyAsync<IOException>(() => reader.ReadToEndAsync());
        }
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        // Forty words and what two seconds more would have made, which is at most as many again.
        Assert.InRange(record.GetProperty("outputTokens").GetInt64(), 40, 150);
        Assert.Equal((100, error), (record.GetProperty("inputTokens").GetInt32(), Text(record, "error")));
        await NothingIsHeldAsync(account);
    }

    // Words say little of what was used by who thinks out of sight and tells it at the end alone.
    [Theory]
    [InlineData("xai", "grok-4", true)]
    [InlineData("xai", "grok-4.5", true)]
    [InlineData("xai", "grok-4-fast-non-reasoning", false)]
    [InlineData("google", "gemini-2.5-flash", true)]
    [InlineData("google", "gemini-2.0-flash", false)]
    [InlineData("openai", "gpt-6-sol", true)]
    [InlineData("openai", "gpt-4o", false)]
    [InlineData("azure-openai", "gpt-35-turbo", false)]
    public async Task Who_leaves_a_model_that_thinks_out_of_sight_pays_what_was_held(string provider, string model, bool isInDoubt)
    {
        var (account, route) = await RouteAsync("openai", provider);
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"one two three\"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
            var left = new TaskCompletionSource();
            using var heard = http.RequestAborted.Register(left.SetResult);
            await left.Task.WaitAsync(Servers.ServerProcess.Patience);
        });
        using (var request = Request($"/gate/{route}/v1/chat/completions", "{\"model\":\"" + model
            + "\",\"stream\":true,\"max_tokens\":1000,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", ("X-Purser-Account", account)))
        using (var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.Contains("three", await reader.ReadLineAsync(), StringComparison.Ordinal);
        }
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((isInDoubt, isInDoubt), (Text(record, "kind") == "unknown", record.GetProperty("outputTokens").GetInt32() == 1000));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task What_a_failure_of_the_provider_costs_follows_from_what_it_says()
    {
        var (_, route) = await RouteAsync("anthropic", "anthropic");
        foreach (var (status, isCharged) in ((int, bool)[])[(400, false), (404, false), (413, false), (429, false), (500, false),
            (503, false), (529, false), (408, true), (502, true), (504, true), (520, true), (522, false), (524, true)])
        {
            var account = Host.NewAccount();
            var error = $$$"""{"type":"error","error":{"type":"of {{{status}}}","message":"as it is"}}""";
            Provider.Answers(status, error, ("request-id", "req-1"), ("x-should-retry", "true"));
            var reply = await CallAsync($"/gate/{route}/v1/messages", message, ("X-Purser-Account", account));
            Assert.Equal((status, error, "req-1", "true"),
                (reply.Code, reply.Text, reply.Header("request-id"), reply.Header("x-should-retry")));
            var records = await RecordsAsync(account, wanted: isCharged ? 1 : 0);
            Assert.Equal((status, isCharged), (status, records.Count == 1));
            if (isCharged) Assert.Equal(("unknown", false), (Text(records[0], "kind"), records[0].GetProperty("success").GetBoolean()));
            else Assert.Empty(records);
            await NothingIsHeldAsync(account);
        }
    }

    [Fact]
    public async Task How_long_to_wait_is_told_where_waiting_for_a_minute_helps()
    {
        var (_, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, Answer("openai"));
        var account = await AccountAsync("""{"limits":[{"id":"minutely","unit":"requests","window":"minute","amount":1}]}""");
        // A minute may end between two calls.
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        for (var times = 0; reply.Code == 200 && times < 10; times++)
            reply = await CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        Assert.Equal((429, "false"), (reply.Code, reply.Header("x-should-retry")));
        Assert.InRange(int.Parse(reply.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
        Assert.Contains("\"minutely\";remaining=\"0\"", reply.Header("X-Purser-Budget"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Caches_searches_and_what_other_models_did_inside_of_a_call_are_booked_for_themselves()
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic");
        Provider.Answers(200, """
            {"model":"claude-sonnet-4-5","usage":{"input_tokens":100,"cache_read_input_tokens":1000,"cache_creation_input_tokens":200,
             "cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":150},"output_tokens":20,
             "server_tool_use":{"web_search_requests":2},
             "iterations":[{"type":"message","input_tokens":100,"cache_read_input_tokens":1000,"cache_creation_input_tokens":200,"output_tokens":20},
              {"type":"advisor_message","model":"claude-opus-4-1","input_tokens":40,"output_tokens":5}]}}
            """);
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/messages", message, ("X-Purser-Account", account))).Code);
        var records = (await RecordsAsync(account, wanted: 2)).ToDictionary(record => Text(record, "model")!);
        Assert.Equal(["claude-opus-4-1", "claude-sonnet-4-5"], records.Keys.Order());
        var own = records["claude-sonnet-4-5"];
        Assert.Equal((1300, 20), (own.GetProperty("inputTokens").GetInt32(), own.GetProperty("outputTokens").GetInt32()));
        Assert.Equal((1000, 50, 150, 2m), (own.GetProperty("cachedInputTokens").GetInt32(),
            own.GetProperty("cacheWrite5mTokens").GetInt32(), own.GetProperty("cacheWrite1hTokens").GetInt32(),
            own.GetProperty("webSearches").GetDecimal()));
        var advisor = records["claude-opus-4-1"];
        Assert.Equal((40, 5), (advisor.GetProperty("inputTokens").GetInt32(), advisor.GetProperty("outputTokens").GetInt32()));
        await NothingIsHeldAsync(account);
    }

    const string response = "{\"output\":[" + search + "," + opened + "," + search + ",{\"type\":\"message\",\"content\":[]}],"
        + "\"usage\":{\"input_tokens\":30,\"output_tokens\":10}}";
    const string search = """{"type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}}""";
    const string opened = """{"type":"web_search_call","status":"completed","action":{"type":"open_page","url":"u"}}""";
    const string found = "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":" + search + "}\n\n";
    const string completed = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":" + response + "}\n\n";
    const string without = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":"
        + "{\"output\":[],\"usage\":{\"input_tokens\":30,\"output_tokens\":10}}}\n\n";
    const string grounded = """{"modelVersion":"MODEL","candidates":[{"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["a","b","a",""]}}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":10}}""";
    const string ungrounded = """{"modelVersion":"MODEL","candidates":[{"finishReason":"STOP","groundingMetadata":{}}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":10}}""";
    const string searched = """{"model":"MODEL-2025-03-11","choices":[{"message":{"content":"found"}}],"usage":{"prompt_tokens":30,"completion_tokens":10}}""";
    const string searching = "data: {\"model\":\"MODEL-2025-03-11\",\"choices\":[{\"delta\":{\"content\":\"found\"},\"finish_reason\":\"stop\"}]}\n\n"
        + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":10}}\n\ndata: [DONE]\n\n";

    // Thirty tokens and ten, and what the searches cost, each at the price of the catalogue.
    [Theory]
    [InlineData("openai", "responses", "gpt-5", response, 2, "0.0201375")]
    [InlineData("openai", "responses", "gpt-5", found + found + completed, 2, "0.0201375")]
    [InlineData("openai", "responses", "gpt-5", found + found + without, 2, "0.0201375")]
    [InlineData("openai", "responses", "gpt-5", without, 0, "0.0001375")]
    [InlineData("openai", "chat/completions", "gpt-4o-search-preview", searched, 1, "0.050175")]
    [InlineData("openai", "chat/completions", "gpt-4o-search-preview", searching, 1, "0.050175")]
    [InlineData("openai", "chat/completions", "gpt-4o", searched, 0, "0.000175")]
    [InlineData("gemini", "generateContent", "gemini-2.5-flash", grounded, 1, "0.035034")]
    [InlineData("gemini", "generateContent", "gemini-2.5-flash", ungrounded, 0, "0.000034")]
    [InlineData("gemini", "generateContent", "gemini-3-flash-preview", grounded, 2, "0.028045")]
    [InlineData("gemini", "streamGenerateContent", "gemini-3-flash-preview", "data: " + grounded + "\n\ndata: " + grounded + "\n\n", 2, "0.028045")]
    public async Task Searches_that_no_usage_tells_are_booked(
        string protocol, string path, string model, string answer, int searches, string cost)
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol);
        var told = answer.Replace("MODEL", model, StringComparison.Ordinal);
        if (told[0] == '{') Provider.Answers(200, told);
        else Provider.Streams(told);
        var isStream = told[0] == '{' ? "false" : "true";
        var reply = protocol == "gemini"
            ? await CallAsync($"/gate/{route}/v1beta/models/{model}:{path}", contents, ("X-Purser-Account", account))
            : await CallAsync($"/gate/{route}/v1/{path}", $$$"""
                {"model":"{{{model}}}","stream":{{{isStream}}},"stream_options":{"include_usage":true},"max_completion_tokens":100,
                 "web_search_options":{"search_context_size":"high"},"input":"hi","messages":[{"role":"user","content":"hi"}]}
                """, ("X-Purser-Account", account));
        Assert.True(reply.Code == 200, reply.Text);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((searches, decimal.Parse(cost, System.Globalization.CultureInfo.InvariantCulture)),
            (record.TryGetProperty("webSearches", out var booked) ? booked.GetInt32() : 0,
                decimal.Parse(Text(record, "cost")!, System.Globalization.CultureInfo.InvariantCulture)));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Every_answer_of_a_model_that_always_searches_is_a_search()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, searched.Replace("MODEL", "gpt-5-search-api", StringComparison.Ordinal));
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-5-search-api","max_completion_tokens":100,"messages":[]}""", ("X-Purser-Account", account))).Code);
        Assert.Equal(1, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("webSearches").GetInt32());
    }

    [Fact]
    public async Task An_upstream_of_azure_is_a_route_and_its_clients_show_their_key_in_their_own_way()
    {
        var account = Host.NewAccount();
        await PutAsync(account,
            $$"""{"name":"{{account}}","protocol":"openai","provider":"azure-openai","upstream":"{{Provider.Url}}/openai","key":"stand-in"}""");
        Provider.Answers(200, Answer("openai"));
        var key = Host.GateKey ?? "any";
        var reply = await CallAsync($"/gate/{account}/v1/chat/completions?api-version=preview", chat, ("X-Purser-Account", account),
            ("Authorization", ""), ("api-key", key));
        Assert.True(reply.Code == 200, reply.Text);
        var asked = Assert.Single(Provider.Asked);
        Assert.Equal("/openai/v1/chat/completions?api-version=preview", asked.Path);
        Assert.Equal("Bearer " + ProviderStandIn.Secret, asked.Header("Authorization"));
        Assert.DoesNotContain(asked.Headers, header => header.Key == "api-key");
        Assert.Equal("azure-openai", Text(Assert.Single(await RecordsAsync(account, wanted: 1)), "provider"));
    }
}
