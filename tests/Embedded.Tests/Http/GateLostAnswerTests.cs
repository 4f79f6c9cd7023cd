// The answer to the gate's reservation is lost on its way, and the gate asks again: a call has one hold all the same.
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class GateLostAnswerTests(HttpHost host) : GateSuite(host), IDisposable
{
    [Fact]
    public async Task A_call_with_an_id_whose_first_answer_was_lost_holds_once()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Does(async http =>
        {
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":21}}""");
        });
        host.Authority.LosesAnswers = true;
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}""",
            ("X-Purser-Account", account), ("Idempotency-Key", "once"));
        Assert.Equal(200, reply.Code);
        Assert.Equal(30, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("totalTokens").GetInt32());
        // A second hold would be charged when it runs out, where the policy says so.
        await NothingIsHeldAsync(account);
    }

    public void Dispose() => host.Authority.LosesAnswers = false;
}
