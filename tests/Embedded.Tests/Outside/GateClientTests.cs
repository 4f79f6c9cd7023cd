// The providers' own libraries through the gate: calls, streams and embeddings as ever, and a refusal at which each of them stops.
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;
using Purser.Embedded.Tests.Http;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "npm")]
public sealed class GateClientTests
{
    [Fact]
    public async Task Libraries_of_three_providers_work_through_the_gate_and_stop_at_a_refusal()
    {
        using var folder = new TemporaryFolder();
        Script.Copy("tests/clients/gate", folder.Path);
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Does(AnswerAsync);
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, adminKey: null);
        using var client = HttpHost.ClientOf(app);
        (string, string)[] protocols = [("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google")];
        var routes = string.Join(",", protocols.Select(one =>
            $$"""{"name":"{{one.Item1}}-test","protocol":"{{one.Item1}}","provider":"{{one.Item2}}","upstream":"{{provider.Url}}"}"""));
        await PutAsync(client, "/v1/gate/routes", $$"""{"routes":[{{routes}}]}""");
        await PutAsync(client, "/v1/accounts/libraries-empty/policy",
            """{"limits":[{"id":"none","unit":"requests","window":"day","amount":0}]}""");

        Task<Script> Run(string program, params string[] arguments) => Script.RunAsync(folder.Path, new Dictionary<string, string>
        {
            ["GATE"] = app.Urls.First().TrimEnd('/') + "/gate", ["ACCOUNT"] = "libraries",
        }, program, arguments);
        (await Run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")).Succeeded();
        Assert.Equal("""
            openai hi there 1100
            openai stream hi there no usage
            openai embedding 2
            openai tool weather
            openai picture 1 272
            openai transcript hello
            openai speech 6
            openai abort hi there
            openai refused 429 true
            anthropic hi there 50
            anthropic stream hi there 50
            anthropic refused 402 true
            google hi there 1100
            google stream hi there
            google refused 402 true

            """, (await Run("node", "session.mjs")).Succeeded());

        // Each library asked once for each call, and nobody for those that were refused. Who hung up does not hear when it is booked.
        Assert.Equal(12, provider.Asked.Count);
        IReadOnlyList<System.Text.Json.JsonElement> records = [];
        await Conformance.Servers.ServerProcess.UntilAsync(async () =>
        {
            using var usage = System.Text.Json.JsonDocument.Parse(await client.GetStringAsync("/v1/accounts/libraries/usage"));
            records = [.. usage.RootElement.GetProperty("items").EnumerateArray().Select(item => item.Clone())];
            return records.Count == 12;
        }, () => $"{records.Count} records");
        Assert.Equal("the client went away",
            Assert.Single(records, record => !record.GetProperty("success").GetBoolean()).GetProperty("error").GetString());
    }

    static async Task PutAsync(HttpClient client, string path, string json)
    {
        using var content = new StringContent(json, null, "application/json");
        using var response = await client.PutAsync(path, content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    static async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        var isStream = path.Contains(":stream", StringComparison.Ordinal)
            || ((string)http.Items["body"]!).Contains("\"stream\":true", StringComparison.Ordinal);
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        if (((string)http.Items["body"]!).Contains("never end", StringComparison.Ordinal))
        {
            await http.Response.WriteAsync(Events(
                """{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"hi there"},"finish_reason":null}]}"""));
            await http.Response.Body.FlushAsync();
            var gone = new TaskCompletionSource();
            using (http.RequestAborted.Register(gone.SetResult)) await gone.Task;
            return;
        }
        if (((string)http.Items["body"]!).Contains("\"tools\"", StringComparison.Ordinal))
        {
            await http.Response.WriteAsync("""{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"weather","arguments":"{}"}}]}}],"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}""");
            return;
        }
        await http.Response.WriteAsync((path, isStream) switch
        {
            ("/v1/chat/completions", false) =>
                """{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi there"}}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}""",
            ("/v1/chat/completions", true) => Events(
                """{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"hi there"},"finish_reason":null}],"usage":null}""",
                """{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}""",
                """{"id":"c","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}""", "[DONE]"),
            ("/v1/embeddings", _) =>
                """{"object":"list","model":"text-embedding-3-small","data":[{"object":"embedding","index":0,"embedding":[0.5,0.25]}],"usage":{"prompt_tokens":1,"total_tokens":1}}""",
            ("/v1/images/generations", _) =>
                """{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":5,"output_tokens":272,"total_tokens":277}}""",
            ("/v1/audio/transcriptions", _) => """{"text":"hello","usage":{"type":"duration","seconds":1}}""",
            ("/v1/audio/speech", _) => "ID3abc",
            ("/v1/messages", false) =>
                """{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"hi there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":50}}""",
            ("/v1/messages", true) => Named(
                ("message_start", """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}"""),
                ("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
                ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi there"}}"""),
                ("content_block_stop", """{"type":"content_block_stop","index":0}"""),
                ("message_delta", """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":50}}"""),
                ("message_stop", """{"type":"message_stop"}""")),
            (_, false) =>
                """{"candidates":[{"content":{"role":"model","parts":[{"text":"hi there"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}}""",
            (_, true) => Events(
                """{"candidates":[{"content":{"role":"model","parts":[{"text":"hi "}]}}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":1,"totalTokenCount":1001}}""",
                """{"candidates":[{"content":{"role":"model","parts":[{"text":"there"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}}"""),
        });
    }

    static string Events(params string[] data) => string.Concat(data.Select(one => $"data: {one}\n\n"));

    static string Named(params (string Event, string Data)[] events) =>
        string.Concat(events.Select(one => $"event: {one.Event}\ndata: {one.Data}\n\n"));
}
