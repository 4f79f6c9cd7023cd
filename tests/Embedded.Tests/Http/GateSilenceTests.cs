// Providers that say nothing: before the head of an answer, in the middle of one, or before there is a connection. The gate's time stands
// still here until a test moves it.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Gate;

namespace Purser.Embedded.Tests.Http;

public abstract class HostOfItsOwn : HttpFacade
{
    protected abstract void Set(IServiceCollection services);

    protected override async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        Set(builder.Services);
        Client = Add(HttpHost.ClientOf(Add(await HttpHost.StartAsync(Add(new ObservedAuthority()), adminKey: null, builder))));
    }

    public override Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings) =>
        throw new NotSupportedException();
}

public sealed class StillHost : HostOfItsOwn
{
    public ManualTime Now { get; } = new();

    protected override void Set(IServiceCollection services) => services.AddSingleton<TimeProvider>(Now);
}

/// <summary>No connection to a provider is ever made.</summary>
public sealed class UnreachedHost : HostOfItsOwn
{
    protected override void Set(IServiceCollection services) => services.AddSingleton(new Upstreams(TimeSpan.FromMilliseconds(1),
        async (_, givenUp) =>
        {
            var never = new TaskCompletionSource<Stream>();
            await using (givenUp.Register(() => never.TrySetCanceled(givenUp))) return await never.Task;
        }));
}

public sealed class GateSilenceTests(StillHost host) : GateSuite(host), IClassFixture<StillHost>
{
    const string chat = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";
    const string streamed = """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""";

    /// <summary>The provider takes the request, says something or nothing, and stays.</summary>
    (Task Asked, Task Left) StaysSilent(string? first = null)
    {
        var (asked, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            if (first is not null)
            {
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync(first);
                await http.Response.Body.FlushAsync();
            }
            using var heard = http.RequestAborted.Register(left.SetResult);
            asked.SetResult();
            await left.Task;
        });
        return (asked.Task.WaitAsync(ServerProcess.Patience), left.Task.WaitAsync(ServerProcess.Patience));
    }

    /// <summary>Hosts know a route within a second.</summary>
    async Task<(string Account, string Route)> KnownRouteAsync(string protocol, string priced, string more = "")
    {
        var made = await RouteAsync(protocol, priced, more);
        host.Now.Advance(TimeSpan.FromSeconds(1));
        return made;
    }

    async Task IsInDoubtAsync(string account)
    {
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal(("unknown", 1000L, false), (Text(record, "kind"), record.GetProperty("outputTokens").GetInt64(),
            record.GetProperty("success").GetBoolean()));
        await NothingIsHeldAsync(account);
    }

    [Theory]
    [InlineData(streamed, 10)]
    [InlineData(chat, 20)]
    public async Task An_answer_that_never_begins_is_given_up_and_charged_in_doubt(string body, int minutes)
    {
        var (account, route) = await KnownRouteAsync("openai", "openai");
        var (asked, left) = StaysSilent();
        var call = CallAsync($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account));
        await asked;
        host.Now.Advance(TimeSpan.FromMinutes(minutes));
        var reply = await call.WaitAsync(ServerProcess.Patience);
        Assert.Equal(502, reply.Code);
        Assert.Contains("did not answer", reply.Text, StringComparison.Ordinal);
        await left;
        await IsInDoubtAsync(account);
    }

    [Theory]
    [InlineData(streamed, 10)]
    [InlineData(chat, 20)]
    public async Task An_answer_that_is_read_although_nobody_waits_is_given_up_too(string body, int minutes)
    {
        var (account, route) = await KnownRouteAsync("openai", "openai", ",\"onAbort\":\"drain\"");
        var (asked, left) = StaysSilent();
        using (var leaving = new CancellationTokenSource())
        using (var request = Request($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account)))
        {
            var call = Host.Client.SendAsync(request, leaving.Token);
            await asked;
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }
        host.Now.Advance(TimeSpan.FromMinutes(minutes));
        await left;
        await IsInDoubtAsync(account);
    }

    // All of the work is done before the first byte of an answer that is no stream.
    [Fact]
    public async Task A_whole_answer_may_take_longer_than_a_stream_may_be_silent()
    {
        var (account, route) = await KnownRouteAsync("openai", "openai");
        var (asked, thought) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            asked.SetResult();
            await thought.Task;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":10}}""");
        });
        var call = CallAsync($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account));
        await asked.Task.WaitAsync(ServerProcess.Patience);
        host.Now.Advance(TimeSpan.FromMinutes(19));
        thought.SetResult();
        Assert.Equal(200, (await call.WaitAsync(ServerProcess.Patience)).Code);
        Assert.Equal(40, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("totalTokens").GetInt64());
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task An_answer_that_falls_silent_is_given_up_and_charged_in_doubt()
    {
        var (account, route) = await KnownRouteAsync("openai", "openai");
        var (asked, left) = StaysSilent("data: {\"choices\":[{\"delta\":{\"content\":\"half a\"},\"finish_reason\":null}]}\n\n");
        using var request = Request($"/gate/{route}/v1/chat/completions", streamed, ("X-Purser-Account", account));
        using var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        Assert.True(await body.ReadAtLeastAsync(new byte[16], 16) >= 16);
        await asked;
        // The gate begins to wait a moment after it has handed on what came.
        await ServerProcess.UntilAsync(() =>
        {
            host.Now.Advance(TimeSpan.FromMinutes(10));
            return left.IsCompleted;
        }, "the provider is still waited for");
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null).WaitAsync(ServerProcess.Patience));
        await IsInDoubtAsync(account);
    }

    [Fact]
    public async Task What_passes_unmetered_is_given_up_too()
    {
        var (_, route) = await KnownRouteAsync("openai", "openai", ",\"passThrough\":[\"GET /v1/models\"]");
        var (asked, left) = StaysSilent();
        var call = SendAsync(HttpMethod.Get, $"/gate/{route}/v1/models", null);
        await asked;
        host.Now.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(502, (await call.WaitAsync(ServerProcess.Patience)).Code);
        await left;
    }
}

public sealed class GateConnectTests(UnreachedHost host) : GateSuite(host), IClassFixture<UnreachedHost>
{
    [Fact]
    public async Task A_connection_that_is_not_made_in_its_time_costs_nothing()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var reply = await CallAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""", ("X-Purser-Account", account));
        Assert.Equal(502, reply.Code);
        Assert.Empty(Provider.Asked);
        Assert.Empty(await RecordsAsync(account));
        await NothingIsHeldAsync(account);
    }
}
