// A provider in a process of its own that streams an answer in the protocol of OpenAI; each chunk says when it was sent.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Purser.Bench;

static class StandInProvider
{
    public const string Command = "stand-in-provider";

    public const int Chunks = 10;

    static readonly TimeSpan pause = TimeSpan.FromMilliseconds(2);

    /// <summary>Behind it stands when the chunk was sent: all processes of a machine count the same ticks.</summary>
    public const string Sent = "\"content\":\"";

    public static async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var wantsUsage = (await reader.ReadToEndAsync()).Contains("include_usage", StringComparison.Ordinal);
        http.Response.ContentType = "text/event-stream";
        for (var i = 0; i < Chunks; i++)
        {
            if (i > 0) await Task.Delay(pause);
            await SendAsync(string.Create(CultureInfo.InvariantCulture,
                $$$"""{"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"{{{Stopwatch.GetTimestamp()}}}"},"finish_reason":null}]}"""));
        }
        await SendAsync("""{"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");
        if (wantsUsage)
            await SendAsync(string.Create(CultureInfo.InvariantCulture,
                $$$"""{"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":{{{Call.Input}}},"completion_tokens":{{{Call.Output}}},"total_tokens":{{{Call.Actual}}}}}"""));
        await SendAsync("[DONE]");

        async Task SendAsync(string data)
        {
            await http.Response.WriteAsync($"data: {data}\n\n");
            await http.Response.Body.FlushAsync();
        }
    }
}
