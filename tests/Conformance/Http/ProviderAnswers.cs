// What a provider on this machine answers to the libraries of three of them: chats, streams, tools, pictures, sound and embeddings; a
// prompt that says "never end" is answered until its caller hangs up.
using Microsoft.AspNetCore.Http;

namespace Purser.Conformance.Http;

public static class ProviderAnswers
{
    public static async Task AnswerAsync(HttpContext http)
    {
        var (path, body) = (http.Request.Path.Value!, (string)http.Items["body"]!);
        var isStream = path.Contains(":stream", StringComparison.Ordinal) || body.Contains("\"stream\":true", StringComparison.Ordinal);
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        if (body.Contains("never end", StringComparison.Ordinal))
        {
            await http.Response.WriteAsync(path switch
            {
                "/v1/messages" => Named([.. anthropicHead, ("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
                    ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi there"}}""")]),
                "/v1/chat/completions" => Events("""{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"hi there"},"finish_reason":null}]}"""),
                _ => Events("""{"candidates":[{"content":{"role":"model","parts":[{"text":"hi there"}]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12}}"""),
            });
            await http.Response.Body.FlushAsync();
            var gone = new TaskCompletionSource();
            using (http.RequestAborted.Register(gone.SetResult)) await gone.Task;
            return;
        }
        var hasTools = body.Contains("\"tools\"", StringComparison.Ordinal);
        await http.Response.WriteAsync(path switch
        {
            "/v1/chat/completions" => Chat(body, isStream, hasTools),
            "/v1/responses" => Response(isStream),
            "/v1/messages" => Message(isStream, hasTools),
            "/v1/embeddings" when body.Contains("base64", StringComparison.Ordinal) =>
                """{"object":"list","model":"text-embedding-3-small","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgD4="}],"usage":{"prompt_tokens":1,"total_tokens":1}}""",
            "/v1/embeddings" =>
                """{"object":"list","model":"text-embedding-3-small","data":[{"object":"embedding","index":0,"embedding":[0.5,0.25]}],"usage":{"prompt_tokens":1,"total_tokens":1}}""",
            "/v1/images/generations" =>
                """{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":5,"output_tokens":272,"total_tokens":277}}""",
            "/v1/audio/transcriptions" => """{"text":"hello","usage":{"type":"duration","seconds":1}}""",
            "/v1/audio/speech" => "ID3abc",
            _ => Gemini(path, isStream, hasTools),
        });
    }

    /// <summary>As OpenAI does it: a stream tells its usage to those who ask, and then every chunk has the member.</summary>
    static string Chat(string body, bool isStream, bool hasTools)
    {
        const string usage = """{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}""";
        if (hasTools)
            return $$$"""{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"weather","arguments":"{}"}}]}}],"usage":{{{usage}}}}""";
        if (!isStream)
            return $$$"""{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi there"}}],"usage":{{{usage}}}}""";
        var asks = body.Contains("include_usage", StringComparison.Ordinal);
        var none = asks ? ",\"usage\":null" : "";
        List<string> events =
        [
            """{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"hi there"},"finish_reason":null}]""" + none + "}",
            """{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]""" + none + "}",
        ];
        if (asks) events.Add($$"""{"id":"c","model":"gpt-4o-mini","choices":[],"usage":{{usage}}}""");
        return Events([.. events, "[DONE]"]);
    }

    static string Response(bool isStream)
    {
        const string whole = """{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o-mini","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi there","annotations":[]}]}],"usage":{"input_tokens":1000,"output_tokens":100,"total_tokens":1100}}""";
        return !isStream ? whole : Named(
            ("response.created", """{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-4o-mini","output":[]}}"""),
            ("response.output_text.delta", """{"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"hi there"}"""),
            ("response.completed", $$"""{"type":"response.completed","sequence_number":2,"response":{{whole}}}"""));
    }

    static readonly (string Event, string Data)[] anthropicHead =
        [("message_start", """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}""")];

    static string Message(bool isStream, bool hasTools)
    {
        var reason = hasTools ? "tool_use" : "end_turn";
        var content = hasTools ? """{"type":"tool_use","id":"t","name":"weather","input":{"city":"Porto"}}""" : """{"type":"text","text":"hi there"}""";
        if (!isStream)
            return $$$"""{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{{{content}}}],"stop_reason":"{{{reason}}}","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":50}}""";
        (string, string)[] block = hasTools
            ? [("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"weather","input":{}}}"""),
                ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Porto\"}"}}""")]
            : [("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
                ("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi there"}}""")];
        return Named([.. anthropicHead, .. block, ("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            ("message_delta", $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{reason}}}","stop_sequence":null},"usage":{"output_tokens":50}}"""),
            ("message_stop", """{"type":"message_stop"}""")]);
    }

    static string Gemini(string path, bool isStream, bool hasTools)
    {
        const string usage = """{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}""";
        if (path.Contains("mbedContent", StringComparison.Ordinal))
            return path.EndsWith(":embedContent", StringComparison.Ordinal) ? """{"embedding":{"values":[0.5,0.25]}}"""
                : """{"embeddings":[{"values":[0.5,0.25]}]}""";
        var part = hasTools ? """{"functionCall":{"name":"weather","args":{}}}""" : """{"text":"hi there"}""";
        return !isStream
            ? $$"""{"candidates":[{"content":{"role":"model","parts":[{{part}}]},"finishReason":"STOP"}],"usageMetadata":{{usage}}}"""
            : Events(
                """{"candidates":[{"content":{"role":"model","parts":[{"text":"hi "}]}}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":1,"totalTokenCount":1001}}""",
                """{"candidates":[{"content":{"role":"model","parts":[{"text":"there"}]},"finishReason":"STOP"}],"usageMetadata":{{usage}}}"""
                    .Replace("{{usage}}", usage, StringComparison.Ordinal));
    }

    static string Events(params IEnumerable<string> data) => string.Concat(data.Select(one => $"data: {one}\n\n"));

    static string Named(params IEnumerable<(string Event, string Data)> events) =>
        string.Concat(events.Select(one => $"event: {one.Event}\ndata: {one.Data}\n\n"));
}
