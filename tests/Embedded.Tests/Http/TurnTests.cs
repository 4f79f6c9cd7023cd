// The turns of requests at the door of a real host: the budgets are held, and what reaches them is let go one by one.
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api;
using Purser.Conformance;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Http;

public sealed class TurnTests
{
    [Fact]
    public async Task An_account_that_comes_after_a_flood_is_next_but_one_and_neither_slow_senders_nor_calls_hold_others_up()
    {
        await using var host = await HeldHost.StartAsync("PURSER_REQUESTS_AT_ONCE", "1");
        var (door, asked, goOn) = (host.Door, host.Asked, host.GoOn);

        // Somebody who does not send what it announced has no turn yet, and takes none away.
        var send = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = host.HoldAsync("slow", new LateBody(Json, send.Task));
        var all = new List<Task<HttpStatusCode>> { host.HoldAsync("flood") };
        Assert.Equal("flood", await asked.Reader.ReadAsync());
        for (var i = 0; i < 4; i++) all.Add(host.HoldAsync("flood"));
        await ServerProcess.UntilAsync(() => door.Waiting == 4, "the flood does not wait");
        all.Add(host.HoldAsync("quiet"));
        await ServerProcess.UntilAsync(() => door.Waiting == 5, "the other one does not wait");
        // Questions have turns of their own.
        using (var status = await host.Client.GetAsync(new Uri("/v1/accounts/quiet", UriKind.Relative)))
            Assert.Equal(HttpStatusCode.OK, status.StatusCode);
        Assert.False(asked.Reader.TryRead(out _), "two are worked for at once");
        // Whoever goes away while it waits has no turn.
        using (var going = new CancellationTokenSource())
        {
            var gone = host.HoldAsync("gone", cancellation: going.Token);
            await ServerProcess.UntilAsync(() => door.Waiting == 6, "the one that goes does not wait");
            await going.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
            await ServerProcess.UntilAsync(() => door.Waiting == 5, "who has gone still waits");
        }
        send.SetResult();
        await ServerProcess.UntilAsync(() => door.Waiting == 6, "the slow one does not wait");
        all.Add(slow);

        foreach (var expected in new[] { "flood", "quiet", "slow", "flood", "flood", "flood" })
        {
            goOn.Release();
            Assert.Equal(expected, await asked.Reader.ReadAsync());
        }
        goOn.Release();
        Assert.All(await Task.WhenAll(all), code => Assert.Equal(HttpStatusCode.Created, code));
        Assert.Equal(0, door.Waiting);
    }

    [Fact]
    public async Task An_account_has_no_more_turns_than_are_set_for_one_and_others_pass_it()
    {
        await using var host = await HeldHost.StartAsync("PURSER_ACCOUNT_AT_ONCE", "2");
        var (door, asked, goOn) = (host.Door, host.Asked, host.GoOn);
        var all = Enumerable.Range(0, 5).Select(_ => host.HoldAsync("flood")).ToList();
        await ServerProcess.UntilAsync(() => door.Waiting == 3, "the flood does not wait");
        all.AddRange([host.HoldAsync("a"), host.HoldAsync("b")]);
        var inside = new List<string>();
        while (inside.Count < 4) inside.Add(await asked.Reader.ReadAsync());
        Assert.Equal(["a", "b", "flood", "flood"], inside.Order(StringComparer.Ordinal));
        Assert.Equal(3, door.Waiting);
        goOn.Release(all.Count);
        Assert.All(await Task.WhenAll(all), code => Assert.Equal(HttpStatusCode.Created, code));
    }

    [Fact]
    public async Task A_flood_that_has_the_host_to_itself_gives_its_turns_up_when_another_account_comes()
    {
        await using var host = await HeldHost.StartAsync("PURSER_ACCOUNT_CONTENDED", "1", new ManualTime());
        var (door, asked, goOn) = (host.Door, host.Asked, host.GoOn);
        var all = Enumerable.Range(0, 5).Select(_ => host.HoldAsync("flood")).ToList();
        for (var i = 0; i < 5; i++) Assert.Equal("flood", await asked.Reader.ReadAsync());
        all.Add(host.HoldAsync("quiet"));
        Assert.Equal("quiet", await asked.Reader.ReadAsync());
        all.AddRange(Enumerable.Range(0, 3).Select(_ => host.HoldAsync("flood")));
        await ServerProcess.UntilAsync(() => door.Waiting == 3, "the flood goes on as before");
        // Nobody else of the flood follows before only one of it is left.
        goOn.Release(6);
        for (var waiting = 2; waiting >= 0; waiting--)
        {
            Assert.Equal("flood", await asked.Reader.ReadAsync());
            Assert.Equal(waiting, door.Waiting);
            Assert.False(asked.Reader.TryRead(out _), "two of the flood are worked for");
            goOn.Release();
        }
        Assert.All(await Task.WhenAll(all), code => Assert.Equal(HttpStatusCode.Created, code));
    }

    [Fact]
    public async Task Who_has_the_beginning_of_its_answer_may_come_again_before_it_was_sent_to_its_end()
    {
        using var send = new SemaphoreSlim(0);
        await using var host = await HeldHost.StartAsync("PURSER_REQUESTS_AT_ONCE", "1", answers: new HeldAnswers(send));
        host.GoOn.Release(2);
        var all = new List<Task<HttpStatusCode>> { host.HoldAsync("a"), host.HoldAsync("a") };
        try
        {
            for (var i = 0; i < 2; i++)
                await ServerProcess.UntilAsync(() => host.Asked.Reader.TryRead(out _), "a turn lasts until its answer was sent");
            Assert.All(all, one => Assert.False(one.IsCompleted));
        }
        finally
        {
            send.Release(1000);
        }
        Assert.All(await Task.WhenAll(all), code => Assert.Equal(HttpStatusCode.Created, code));
    }

    /// <summary>Answers begin, and what they say is not sent before it is let go.</summary>
    sealed class HeldAnswers(SemaphoreSlim send) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (http, rest) =>
            {
                http.Response.Body = new HeldBody(http.Response, send);
                await rest(http);
            });
            next(app);
        };
    }

    sealed class HeldBody(HttpResponse response, SemaphoreSlim send) : MemoryStream
    {
        readonly Stream body = response.Body;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellation = default)
        {
            await response.StartAsync(cancellation);
            await send.WaitAsync(cancellation);
            await body.WriteAsync(buffer, cancellation);
        }

        public override Task FlushAsync(CancellationToken cancellation) => body.FlushAsync(cancellation);
    }

    const string Json = """{"tokens":1}""";

    /// <summary>A host on which each call that reaches a budget waits until it is let go on.</summary>
    sealed class HeldHost : IAsyncDisposable
    {
        readonly ObservedAuthority authority;
        readonly WebApplication app;

        HeldHost(ObservedAuthority authority, WebApplication app)
        {
            (this.authority, this.app) = (authority, app);
            authority.Before = account =>
            {
                Asked.Writer.TryWrite(account);
                return GoOn.WaitAsync();
            };
            Client = new() { BaseAddress = new(app.Urls.First()) };
        }

        /// <summary>The accounts whose calls have reached their budget, in that order.</summary>
        public Channel<string> Asked { get; } = Channel.CreateUnbounded<string>();

        /// <summary>Lets so many of them go on.</summary>
        public SemaphoreSlim GoOn { get; } = new(0);

        public HttpClient Client { get; }

        public InFlight Door => app.Services.GetRequiredService<InFlight>();

        public static async Task<HeldHost> StartAsync(
            string setting, string value, TimeProvider? time = null, IStartupFilter? answers = null)
        {
            var authority = new ObservedAuthority();
            var builder = WebApplication.CreateSlimBuilder();
            builder.Configuration[setting] = value;
            if (time is not null) builder.Services.AddSingleton(time);
            if (answers is not null) builder.Services.AddSingleton(answers);
            return new(authority, await HttpHost.StartAsync(authority, null, builder));
        }

        public async Task<HttpStatusCode> HoldAsync(string account, HttpContent? late = null, CancellationToken cancellation = default)
        {
            using var body = late ?? new StringContent(Json, Encoding.UTF8, "application/json");
            using var answer = await Client.PostAsync(new Uri($"/v1/accounts/{account}/reservations", UriKind.Relative), body, cancellation);
            return answer.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            // Where a test has failed, calls may still wait.
            GoOn.Release(1000);
            Client.Dispose();
            await app.DisposeAsync();
            await authority.DisposeAsync();
            GoOn.Dispose();
        }
    }

    /// <summary>Says how long it is, and is sent once it may.</summary>
    sealed class LateBody : HttpContent
    {
        readonly byte[] json;
        readonly Task send;

        public LateBody(string json, Task send)
        {
            (this.json, this.send) = (Encoding.UTF8.GetBytes(json), send);
            Headers.ContentType = new("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(json.AsMemory(0, 1));
            await stream.FlushAsync();
            await send;
            await stream.WriteAsync(json.AsMemory(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = json.Length;
            return true;
        }
    }
}
