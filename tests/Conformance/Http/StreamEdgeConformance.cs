// The edges of the stream of events on a real host: a beat where nothing happens, listeners that never read, more listeners than there is
// room for, and positions from before a checkpoint.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NodaTime;

namespace Purser.Conformance.Http;

public abstract class StreamEdgeConformance(TellingFacade host)
{
    [Fact]
    public async Task A_listener_hears_a_beat_where_nothing_happens()
    {
        using var response = await host.StreamAsync($"/v1/events?account={host.NewAccount()}&types=account.paused");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        foreach (var line in (string[])["retry: 2000", ": connected", ""]) Assert.Equal(line, await reader.ReadLineAsync());
        for (var beats = 0; beats < 2; beats++)
        {
            var next = NextCommentAsync(reader);
            await Servers.ServerProcess.UntilAsync(async () =>
            {
                if (!next.IsCompleted) await host.PassAsync(TimeSpan.FromSeconds(15));
                return next.IsCompleted;
            }, () => "nothing comes");
            Assert.Equal(": beat", await next);
        }
    }

    static async Task<string> NextCommentAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
            if (line.StartsWith(':')) return line;
        return "the stream ended";
    }

    [Fact]
    public async Task A_listener_hears_a_beat_where_only_what_others_do_happens()
    {
        var (quiet, busy) = (host.NewAccount(), host.NewAccount());
        using var response = await host.StreamAsync($"/v1/events?account={quiet}");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": connected", await NextCommentAsync(reader));
        await using var other = await host.ListenAsync($"/v1/events?account={busy}&types=usage.recorded");
        for (var beats = 0; beats < 2; beats++)
        {
            var next = NextCommentAsync(reader);
            await Servers.ServerProcess.UntilAsync(async () =>
            {
                if (next.IsCompleted) return true;
                Assert.Equal(201, (await host.Post($"/v1/accounts/{busy}/usage", """{"inputTokens": 1}""")).Code);
                await other.NextAsync();
                await host.PassAsync(TimeSpan.FromSeconds(5));
                return next.IsCompleted;
            }, () => "nothing comes");
            Assert.Equal(": beat", await next);
        }
    }

    /// <summary>A listener that asks, once there is room for it, and never reads what it is sent.</summary>
    async Task<Socket> StuckAsync(string path)
    {
        var address = host.Client.BaseAddress!;
        Socket? socket = null;
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            socket?.Dispose();
            socket = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port));
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n").AsMemory());
            var head = new byte["HTTP/1.1 200".Length];
            for (var read = 0; read < head.Length;) read += await socket.ReceiveAsync(head.AsMemory(read));
            return Encoding.ASCII.GetString(head) == "HTTP/1.1 200";
        }, () => "there is no room for a listener");
        return socket!;
    }

    /// <summary>How much comes until the connection ends.</summary>
    static async Task<long> LeftAsync(Socket socket)
    {
        using var late = new CancellationTokenSource(Servers.ServerProcess.Patience);
        var (all, buffer) = (0L, new byte[64 * 1024]);
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), late.Token) is > 0 and var read) all += read;
        }
        catch (SocketException)
        {
            // Hung up on.
        }
        return all;
    }

    [Fact]
    public async Task Who_never_reads_is_let_go_hurts_nobody_and_holds_one_of_as_many_places_as_there_are()
    {
        const int batches = 15, perBatch = 100;
        var account = host.NewAccount();
        var path = $"/v1/events?account={account}&types=usage.recorded";
        var from = await host.Ledger.HeadAsync();
        using var response = await host.StreamAsync($"{path}&after={from}");
        using var one = await StuckAsync($"{path}&after={from}");
        using var other = await StuckAsync($"{path}&after={from}");
        var refused = await host.Get(path);
        refused.IsProblem(503, "unavailable");
        Assert.Equal("1", refused.Header("Retry-After"));
        Assert.Contains($"{TellingFacade.MostListeners} listeners, the most", refused.Text, StringComparison.Ordinal);

        // More than connections keep under way: twelve megabytes. Who reads misses nothing meanwhile.
        var reading = Task.Run(async () =>
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            for (var no = 0; no < batches * perBatch;)
                if (await reader.ReadLineAsync().WaitAsync(Servers.ServerProcess.Patience) is not { } line)
                    Assert.Fail($"the stream ended after {no} events");
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                    Assert.Contains($"\"subject\":\"u{(no++).ToString(CultureInfo.InvariantCulture)}\"", line, StringComparison.Ordinal);
        });
        var much = new string('x', 8_000);
        for (var batch = 0; batch < batches; batch++)
        {
            var usages = Enumerable.Range(batch * perBatch, perBatch).Select(no => string.Create(CultureInfo.InvariantCulture,
                $$"""{"id": "u{{no}}", "metadata": {"much": "{{much}}"}, "inputTokens": 1, "outputTokens": 0}"""));
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', usages)}]")).Code);
        }
        await reading;
        response.Dispose();

        // Half a minute later both are gone, and every place is free.
        var kept = new List<HttpResponseMessage>();
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            await host.PassAsync(TimeSpan.FromSeconds(31));
            var next = await host.Client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            if (next.IsSuccessStatusCode) kept.Add(next);
            else next.Dispose();
            return kept.Count == TellingFacade.MostListeners;
        }, () => $"only {kept.Count} places are free");
        Assert.InRange(await LeftAsync(one), 1, batches * perBatch * much.Length);
        Assert.InRange(await LeftAsync(other), 1, batches * perBatch * much.Length);
        foreach (var listener in kept) listener.Dispose();
    }

    [Fact]
    public async Task A_position_from_before_a_checkpoint_is_gone_and_the_answer_says_from_where_to_go_on()
    {
        var account = host.NewAccount();
        var at = $"/v1/accounts/{account}";
        var from = await host.Ledger.HeadAsync();
        for (var no = 0; no < 15; no++)
        {
            Assert.Equal(200, (await host.Post($"{at}/pause", """{"reason": "r"}""")).Code);
            Assert.Equal(200, (await host.Post($"{at}/resume")).Code);
        }
        while (await host.Ledger.FoldAsync(Instant.FromDateTimeOffset(host.Clock.GetUtcNow()), 10_000))
        {
        }
        await Servers.ServerProcess.UntilAsync(async () => await host.Ledger.CompactAsync(account, Instant.MaxValue, 20) > 0,
            () => "nothing is compacted");
        var gone = await host.Get($"/v1/events?account={account}&after={from}");
        gone.IsProblem(410, "gone", "after");
        (await host.Send(HttpMethod.Get, "/v1/events", (string?)null, ("Last-Event-ID", from.ToString(CultureInfo.InvariantCulture))))
            .IsProblem(410, "gone", "after");
        var next = long.Parse(System.Text.RegularExpressions.Regex.Match(gone.Text, @"after=(\d+)").Groups[1].Value,
            CultureInfo.InvariantCulture);
        Assert.InRange(next, from + 1, await host.Ledger.HeadAsync());
        await using var stream = await host.ListenAsync($"/v1/events?account={account}&after={next}");
        Assert.Equal(200, (await host.Post($"{at}/pause", """{"reason": "the last"}""")).Code);
        SentEvent told;
        do told = await stream.NextAsync();
        while (told.Type != "account.paused" || told.Data.GetProperty("reason").GetString() != "the last");
    }
}
