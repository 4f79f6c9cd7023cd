// A provider's chat completions as far as the samples need them: an answer, a stream, one that breaks, failures of every kind.
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Embedded.Tests.Outside;

sealed class StandInProvider : IAsyncDisposable
{
    const string Usage = """{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17}""";

    readonly WebApplication app;

    StandInProvider(WebApplication app) => this.app = app;

    public string Url => app.Urls.First();

    public static async Task<StandInProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/v1/chat/completions", AnswerAsync);
        await app.StartAsync();
        return new(app);
    }

    static async Task AnswerAsync(HttpContext http)
    {
        var asked = await JsonNode.ParseAsync(http.Request.Body);
        var (model, streams) = ((string)asked!["model"]!, (bool?)asked["stream"] ?? false);
        if (model == "drops") http.Abort();
        else if (model is "fails" or "refuses")
        {
            http.Response.StatusCode = model == "fails" ? 500 : 400;
            await http.Response.WriteAsync("""{"error":{"message":"no"}}""");
        }
        else if (!streams)
        {
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync($$$"""{"model":"{{{model}}}","choices":[{"message":{"content":"Hello."}}],"usage":{{{Usage}}}}""");
        }
        else
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("""data: {"choices":[{"delta":{"content":"Hel"}}]}""" + "\n\n");
            await http.Response.Body.FlushAsync();
            // The stream ends before it says what was used. (A connection that is reset may lose what was sent already.)
            if (model == "breaks") return;
            await http.Response.WriteAsync("""data: {"choices":[{"delta":{"content":"lo."}}]}""" + "\n\n");
            await http.Response.WriteAsync($$$"""data: {"choices":[],"usage":{{{Usage}}}}""" + "\n\ndata: [DONE]\n\n");
        }
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
