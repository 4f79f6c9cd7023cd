// A provider that thinks for longer than a hold lives: the gate gives the hold its time again. The ledger's clock stands still here, so
// the hold can not run out however slow the machine is.
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class GateHeartbeatTests(HttpHost host) : GateSuite(host)
{
    [Fact]
    public async Task A_call_that_takes_long_keeps_its_hold()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Assert.Equal(200, (await Host.Put($"/v1/accounts/{account}/policy", """{"holds":{"defaultTtlSeconds":1}}""")).Code);
        var thought = new TaskCompletionSource();
        Provider.Does(async http =>
        {
            await thought.Task.WaitAsync(Conformance.Servers.ServerProcess.Patience);
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":21}}""");
        });
        await using var events = await EventListener.OpenAsync(Host.Client, $"/v1/events?account={account}&types=reservation.extended");
        var call = CallAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}""", ("X-Purser-Account", account));
        var beats = await events.TakeAsync(2);
        thought.SetResult();
        var reply = await call;
        Assert.Equal(200, reply.Code);
        Assert.All(beats, beat => Assert.Equal((reply.Header("X-Purser-Reservation"), 0),
            (beat.Data.GetProperty("reservationId").GetString(), beat.Data.GetProperty("addedTokens").GetInt32())));
        Assert.Equal(30, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("totalTokens").GetInt32());
        await NothingIsHeldAsync(account);
    }
}
