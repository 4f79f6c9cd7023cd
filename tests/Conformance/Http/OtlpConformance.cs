// Spans of OpenTelemetry become usage records: in protobuf and JSON, under the names of several conventions, each call once.
using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class OtlpConformance(HttpFacade host)
{
    const string Path = "/v1/otlp/v1/traces";
    static int spans;

    static string NewTrace() => Guid.NewGuid().ToString("N");

    static string NewSpan() => Interlocked.Increment(ref spans).ToString("x16", CultureInfo.InvariantCulture);

    static string Attribute(string key, object value) => value is string text
        ? $$$"""{"key": "{{{key}}}", "value": {"stringValue": {{{JsonSerializer.Serialize(text)}}}}}"""
        : value is double ? string.Create(CultureInfo.InvariantCulture, $$$"""{"key": "{{{key}}}", "value": {"doubleValue": {{{value}}}}}""")
        : $$$"""{"key": "{{{key}}}", "value": {"intValue": "{{{value}}}"}}""";

    static string Span(string trace, string id, string parent, params (string Key, object Value)[] attributes) => $$$"""
        {"traceId": "{{{trace}}}", "spanId": "{{{id}}}", "parentSpanId": "{{{parent}}}", "name": "x", "kind": 3, "unknown": {"a": 1},
         "startTimeUnixNano": "1773500000000000000", "endTimeUnixNano": "1773500002500000000",
         "attributes": [{{{string.Join(',', attributes.Select(one => Attribute(one.Key, one.Value)))}}}], "status": {}}
        """;

    static string Request(string account, params string[] spans) => $$"""
        {"resourceSpans": [{"resource": {"attributes": [{{Attribute("purser.account", account)}}]},
          "scopeSpans": [{"scope": {"name": "s"}, "spans": [{{string.Join(',', spans)}}]}]}]}
        """;

    Task<Reply> SendAsync(string json) => host.Post(Path, json);

    async Task<JsonElement[]> RecordsAsync(string account) =>
        [.. (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray()];

    [Fact]
    public async Task A_call_is_booked_once_however_often_its_span_comes()
    {
        var account = host.NewAccount();
        var (trace, id) = (NewTrace(), NewSpan());
        var request = Request(account, Span(trace, id, "", ("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-5"), ("gen_ai.response.model", "gpt-5"), ("gen_ai.usage.input_tokens", 100),
            ("gen_ai.usage.output_tokens", 40), ("gen_ai.usage.cache_read.input_tokens", 60),
            ("gen_ai.usage.reasoning.output_tokens", 30), ("gen_ai.conversation.id", "c1")));
        for (var time = 0; time < 3; time++) (await SendAsync(request)).Is(200, "{}");
        var record = Assert.Single(await RecordsAsync(account));
        Assert.Equal(($"otlp-{trace}-{id}", "gpt-5", "openai", "c1"), (record.GetProperty("id").GetString(),
            record.GetProperty("model").GetString(), record.GetProperty("provider").GetString(), record.GetProperty("session")
                .GetString()));
        Assert.Equal((100, 40, 60, 30, 2500), (record.GetProperty("inputTokens").GetInt64(), record.GetProperty("outputTokens").GetInt64(),
            record.GetProperty("cachedInputTokens").GetInt64(), record.GetProperty("reasoningTokens").GetInt64(),
            record.GetProperty("durationMs").GetInt64()));
    }

    [Fact]
    public async Task An_id_that_can_not_be_kept_costs_nobody_the_call()
    {
        var account = host.NewAccount();
        (await SendAsync(Request(account, Span(NewTrace(), NewSpan(), "", ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m"),
            ("gen_ai.usage.input_tokens", 7), ("gen_ai.response.id", "x\0y"))))).Is(200, "{}");
        var record = Assert.Single(await RecordsAsync(account));
        Assert.Equal(7, record.GetProperty("inputTokens").GetInt64());
        Assert.Equal("x\uFFFDy", record.GetProperty("requestId").GetString());
    }

    [Fact]
    public async Task Conventions_of_before_and_of_other_libraries_are_read()
    {
        var account = host.NewAccount();
        var trace = NewTrace();
        (await SendAsync(Request(account,
            Span(trace, NewSpan(), "", ("gen_ai.system", "anthropic"), ("gen_ai.request.model", "m1"), ("gen_ai.usage.prompt_tokens", 10),
                ("gen_ai.usage.completion_tokens", "5"), ("llm.request.type", "chat"), ("llm.usage.total_tokens", 15)),
            Span(trace, NewSpan(), "", ("openinference.span.kind", "LLM"), ("llm.model_name", "m2"), ("llm.token_count.prompt", 20),
                ("llm.token_count.completion", 6), ("llm.token_count.prompt_details.cache_read", 4), ("session.id", "s")),
            Span(trace, NewSpan(), "", ("ai.operationId", "ai.generateText.doGenerate"), ("ai.model.id", "m3"),
                ("ai.usage.promptTokens", 30.0), ("ai.usage.completionTokens", 7.0))))).Is(200, "{}");
        Assert.Equal(["m1 10 5", "m2 20 6", "m3 30 7"], (await RecordsAsync(account)).Select(record =>
            $"{record.GetProperty("model")} {record.GetProperty("inputTokens")} {record.GetProperty("outputTokens")}").Order());
    }

    [Fact]
    public async Task A_call_is_paid_at_the_tier_that_served_it()
    {
        var account = host.NewAccount();
        (string, object)[] call = [("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-5-mini"),
            ("gen_ai.usage.input_tokens", 1000), ("gen_ai.usage.output_tokens", 100)];
        var trace = NewTrace();
        (await SendAsync(Request(account,
            Span(trace, NewSpan(), "", [.. call, ("openai.request.service_tier", "flex"), ("openai.response.service_tier", "priority")]),
            Span(trace, NewSpan(), "", [.. call, ("gen_ai.openai.request.service_tier", "flex")]),
            Span(trace, NewSpan(), "", [.. call, ("openai.response.service_tier", "of tomorrow")])))).Is(200, "{}");
        var wanted = new List<string?>();
        foreach (var tier in (string[])["priority", "flex", "standard"])
            wanted.Add((await host.Post("/v1/quotes", "{\"provider\":\"openai\",\"model\":\"gpt-5-mini\",\"serviceTier\":\"" + tier
                + "\",\"usage\":{\"inputTokens\":1000,\"outputTokens\":100}}")).Member("cost"));
        Assert.Equal(3, wanted.Distinct().Count());
        Assert.Equal(wanted.Order(), (await RecordsAsync(account)).Select(record => record.GetProperty("cost").GetString()).Order());
    }

    [Fact]
    public async Task What_repeats_the_usage_of_its_children_is_not_counted_again()
    {
        var account = host.NewAccount();
        var trace = NewTrace();
        var (agent, outer, call) = (NewSpan(), NewSpan(), NewSpan());
        (string, object)[] usage = [("gen_ai.request.model", "m"), ("gen_ai.usage.input_tokens", 10), ("gen_ai.usage.output_tokens", 5)];
        var child = Span(trace, call, outer, [("gen_ai.operation.name", "chat"), .. usage]);
        var around = Span(trace, outer, agent, [("gen_ai.operation.name", "chat"), .. usage]);
        var whole = Span(trace, agent, "", [("gen_ai.operation.name", "invoke_agent"), .. usage]);
        (await SendAsync(Request(account, child, around, whole))).Is(200, "{}");
        Assert.Single(await RecordsAsync(account));
        // What is around ends later, and often comes in a later request.
        var (later, inner) = (NewSpan(), NewSpan());
        (await SendAsync(Request(account, Span(trace, inner, later, [("gen_ai.operation.name", "embeddings"), .. usage])))).Is(200, "{}");
        (await SendAsync(Request(account, Span(trace, later, "", [("gen_ai.operation.name", "embeddings"), .. usage])))).Is(200, "{}");
        Assert.Equal(2, (await RecordsAsync(account)).Length);
    }

    [Fact]
    public async Task What_can_not_be_booked_is_counted_and_named_and_stops_nothing_else()
    {
        var account = host.NewAccount();
        var trace = NewTrace();
        (string, object)[] usage = [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m"), ("gen_ai.usage.input_tokens", 10)];
        var reply = await SendAsync(Request(account, Span(trace, NewSpan(), "", usage),
            Span(trace, NewSpan(), "", ("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", -4)),
                Span("ab", NewSpan(), "", usage)));
        Assert.Equal(200, reply.Code);
        var partial = reply.Json.GetProperty("partialSuccess");
        Assert.Equal(2, partial.GetProperty("rejectedSpans").GetInt64());
        Assert.Contains("gen_ai.usage.input_tokens is no count of tokens", partial.GetProperty("errorMessage").GetString(),
            StringComparison.Ordinal);
        Assert.Single(await RecordsAsync(account));
        var nobody = await SendAsync("""{"resourceSpans": [{"scopeSpans": [{"spans": [""" + Span(trace, NewSpan(), "", usage) + "]}]}]}");
        Assert.Contains("names no account", nobody.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Protobuf_is_read_and_answered_packed_or_not()
    {
        var account = host.NewAccount();
        var trace = Guid.NewGuid().ToByteArray();
        foreach (var packed in new[] { false, true })
        {
            var span = (byte[])[.. Field(1, trace), .. Field(2, [0, 0, 0, 0, 0, 0, 0, packed ? (byte)2 : (byte)1]), .. Field(5, "x"u8),
                .. Fixed(7, 1773500000000000000), .. Fixed(8, 1773500001000000000),
                    .. Field(9, KeyValue("gen_ai.operation.name", "chat"u8)),
                .. Field(9, KeyValue("gen_ai.request.model", "m"u8)),
                .. Field(9, (byte[])[.. Field(1, "gen_ai.usage.input_tokens"u8), .. Field(2, [24, 200, 1])])];
            // The resource stands behind its spans, as it may.
            var request =
                Field(1,
                    (byte[])[.. Field(2, Field(2, span)),
                        .. Field(1, Field(1, KeyValue("service.name", Encoding.UTF8.GetBytes(account))))]);
            var content = new ByteArrayContent(packed ? Gzip(request) : request);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
            if (packed) content.Headers.ContentEncoding.Add("gzip");
            var reply = await host.Send(HttpMethod.Post, Path, content);
            Assert.Equal((200, "", "application/x-protobuf"), (reply.Code, reply.Text, reply.ContentType));
        }
        Assert.Equal([200, 200], (await RecordsAsync(account)).Select(record => record.GetProperty("inputTokens").GetInt64()));

        static byte[] KeyValue(string key, ReadOnlySpan<byte> text) =>
            [.. Field(1, Encoding.UTF8.GetBytes(key)), .. Field(2, Field(1, text))];
        static byte[] Fixed(int number, ulong value) => [(byte)((number << 3) | 1), .. BitConverter.GetBytes(value)];
        static byte[] Field(int number, ReadOnlySpan<byte> bytes)
        {
            var length = new List<byte>();
            for (var left = bytes.Length; ; left >>= 7)
            {
                length.Add((byte)(left >= 0x80 ? (left & 0x7f) | 0x80 : left));
                if (left < 0x80) break;
            }
            return [(byte)((number << 3) | 2), .. length, .. bytes];
        }
    }

    static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    [Theory]
    [InlineData("application/x-protobuf", "\u00ff\u00ff\u00ff", 400, "invalid")]
    [InlineData("application/json", "{", 400, "invalid")]
    [InlineData("application/json", "[]", 400, "invalid")]
    [InlineData("application/json", """{"resourceSpans": [{"scopeSpans": 1}]}""", 400, "invalid")]
    [InlineData("text/plain", "x", 415, "unsupported-media-type", "Content-Type")]
    public async Task What_is_no_request_is_refused(string type, string text, int status, string slug, string? field = null)
    {
        var content = new ByteArrayContent(Encoding.Latin1.GetBytes(text));
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        (await host.Send(HttpMethod.Post, Path, content)).IsProblem(status, slug, field);
    }
}
