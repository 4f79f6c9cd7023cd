// The turns of requests at the door of a real host: the budgets are held, and what reaches them is let go one by one.
using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Http;

public sealed class TurnTests
{
    [Fact]
    public async Task An_account_that_comes_after_a_flood_is_next_but_one_and_neither_slow_senders_nor_calls_hold_others_up()
    {
        await using var authority = new ObservedAuthority();
        var (asked, goOn) = (Channel.CreateUnbounded<string>(), new SemaphoreSlim(0));
        authority.Before = account =>
        {
            asked.Writer.TryWrite(account);
            return goOn.WaitAsync();
        };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_REQUESTS_AT_ONCE"] = "1";
        await using var app = await HttpHost.StartAsync(authority, null, builder);
        var door = app.Services.GetRequiredService<InFlight>();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };

        // Somebody who does not send what it announced has no turn yet, and takes none away.
        var send = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = HoldAsync("slow", new LateBody(Json, send.Task));
        var all = new List<Task<HttpStatusCode>> { HoldAsync("flood") };
        Assert.Equal("flood", await asked.Reader.ReadAsync());
        for (var i = 0; i < 4; i++) all.Add(HoldAsync("flood"));
        await ServerProcess.UntilAsync(() => door.Waiting == 4, "the flood does not wait");
        all.Add(HoldAsync("quiet"));
        await ServerProcess.UntilAsync(() => door.Waiting == 5, "the other one does not wait");
        // Questions have turns of their own.
        using (var status = await client.GetAsync(new Uri("/v1/accounts/quiet", UriKind.Relative)))
            Assert.Equal(HttpStatusCode.OK, status.StatusCode);
        Assert.False(asked.Reader.TryRead(out _), "two are worked for at once");
        // Whoever goes away while it waits has no turn.
        using (var going = new CancellationTokenSource())
        {
            var gone = HoldAsync("gone", cancellation: going.Token);
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

        async Task<HttpStatusCode> HoldAsync(string account, HttpContent? late = null, CancellationToken cancellation = default)
        {
            using var body = late ?? new StringContent(Json, Encoding.UTF8, "application/json");
            using var answer = await client.PostAsync(
                new Uri(string.Create(CultureInfo.InvariantCulture, $"/v1/accounts/{account}/reservations"), UriKind.Relative), body,
                cancellation);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task An_account_has_no_more_turns_than_are_set_for_one_and_others_pass_it()
    {
        await using var authority = new ObservedAuthority();
        var (asked, goOn) = (Channel.CreateUnbounded<string>(), new SemaphoreSlim(0));
        authority.Before = account =>
        {
            asked.Writer.TryWrite(account);
            return goOn.WaitAsync();
        };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_ACCOUNT_AT_ONCE"] = "2";
        await using var app = await HttpHost.StartAsync(authority, null, builder);
        var door = app.Services.GetRequiredService<InFlight>();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        var all = Enumerable.Range(0, 5).Select(_ => HoldAsync("flood")).ToList();
        await ServerProcess.UntilAsync(() => door.Waiting == 3, "the flood does not wait");
        all.AddRange([HoldAsync("a"), HoldAsync("b")]);
        var inside = new List<string>();
        while (inside.Count < 4) inside.Add(await asked.Reader.ReadAsync());
        Assert.Equal(["a", "b", "flood", "flood"], inside.Order(StringComparer.Ordinal));
        Assert.Equal(3, door.Waiting);
        goOn.Release(all.Count);
        Assert.All(await Task.WhenAll(all), code => Assert.Equal(HttpStatusCode.Created, code));

        async Task<HttpStatusCode> HoldAsync(string account)
        {
            using var body = new StringContent(Json, Encoding.UTF8, "application/json");
            using var answer = await client.PostAsync(new Uri($"/v1/accounts/{account}/reservations", UriKind.Relative), body);
            return answer.StatusCode;
        }
    }

    const string Json = """{"tokens":1}""";

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
