// Whatever is sent to any operation: the answer is 2xx, 4xx or 503, never an error inside; what was refused changed nothing.
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Purser.Conformance.Http;
using Purser.Core;
using Purser.Embedded.Tests.Http;
using Purser.Engine;
using Purser.Ledgers.Memory;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Fuzzing;

public sealed class FuzzTests(ITestOutputHelper output)
{
    const int RequestsPerHost = 2000;

    [Fact]
    public async Task Two_thousand_made_up_requests_are_answered_and_refusals_change_nothing() => await RunAsync(hosts: 1, firstSeed: 1);

    [Fact]
    [Trait("run", "long")]
    public async Task A_hundred_thousand_made_up_requests_are_answered_and_refusals_change_nothing() =>
        await RunAsync(hosts: 50, firstSeed: 1000);

    async Task RunAsync(int hosts, int firstSeed)
    {
        var (answers, clock) = (new SortedDictionary<int, int>(), Stopwatch.StartNew());
        for (var seed = firstSeed; seed < firstSeed + hosts; seed++)
        {
            await using var authority = new ObservedAuthority();
            await using var app = await HttpHost.StartAsync(authority, adminKey: null);
            // Comparing every answer with the description takes ten times as long as the answers.
            // A connection for each request: when one was broken off, the host's last one is closed when all that was sent is done.
            var way = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero };
            using var connections = new OpenConnections(app);
            using var client = seed == firstSeed ? AnswerCheck.ClientOf(new(app.Urls.First()), way)
                : new HttpClient(way) { BaseAddress = new(app.Urls.First()) };
            client.Timeout = TimeSpan.FromSeconds(60);
            var description = JsonDocument.Parse(await client.GetStringAsync("/openapi/v1.json")).RootElement;
            var source = new FuzzSource(seed, description);
            for (var number = 0; number < RequestsPerHost; number++)
            {
                var request = source.Next(number);
                var before = await StateOf(authority.Ledger);
                var status = request.Raw is null ? await SendAsync(client, request) : await SendRawAsync(client.BaseAddress!, request.Raw);
                answers[status] = answers.GetValueOrDefault(status) + 1;
                var name = $"seed {seed}, request {number}, answer {status}: {request}";
                Assert.True(status is (>= 200 and < 300) or (>= 400 and < 500) or 503 or 0 or 304, name);
                // Where the connection was broken off nobody knows whether it was a refusal; what it does comes before the next request.
                if (status == 0) await connections.ClosedAsync();
                if (status < 400) continue;
                var after = await StateOf(authority.Ledger, before.Head, request);
                if (before != after) Assert.Fail($"{before} became {after} ({await EventsAsync(authority.Ledger, before.Head)}) by {name}");
            }
        }
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{hosts * RequestsPerHost} requests in {clock.Elapsed.TotalSeconds:0} s: ")
            + string.Join(", ", answers.Select(one => $"{one.Value} x {one.Key}")));
    }

    static async Task<string> EventsAsync(IEventFeed feed, long after) => string.Join(", ", (await feed.ReadAsync(after, 1000)).Entries
        .SelectMany(entry => entry.Announcement is { } announced ? [announced.Type] : entry.Events.Select(one => one.GetType().Name)));

    /// <summary>What there is: entries, settings, documents that hosts share.</summary>
    sealed record State(long Head, long Settings, string Shared);

    static async Task<State> StateOf(MemoryLedger ledger, long after = -1, FuzzRequest? refused = null)
    {
        var (feed, shared) = ((IEventFeed)ledger, (ISharedState)ledger);
        var head = await feed.HeadAsync();
        // That an account takes a new default policy comes with whatever is asked of it next, a refusal too. A settlement that is refused
        // for what it says is remembered with its hold, which is charged when it runs out: the call was made all the same.
        if (after >= 0 && head > after)
        {
            var page = await feed.ReadAsync(after, 1000);
            // What a host announces, it announces behind the change that it is of.
            if (page.Entries.All(entry => entry.Announcement is not null || (entry.Events.Count > 0 && entry.Events.All(one =>
                one is PolicyChanged { Policy: null } or Expired or WindowReset or ThresholdCrossed or ThresholdRearmed
                    || (one is SettleRefused && refused?.IsSettling == true))))) head = after;
        }
        var documents = await shared.ListAsync("", "", 10_000);
        return new(head, await ledger.SettingsVersionAsync(), string.Join(' ', documents.Where(one => !IsMovedByTheHost(one.Name))
            .Select(one => $"{one.Name} {one.Document.Version}")));
    }

    /// <summary>What a host writes beside the requests: how far announcements, alerts and deliveries to webhooks are, and who
    /// sees to them.</summary>
    static bool IsMovedByTheHost(string name) => movedByTheHost.Any(start => name.StartsWith(start, StringComparison.Ordinal));

    static readonly string[] movedByTheHost =
        ["announce", "webhook-progress/", "webhook-delivery/", "feed-watch", "alert/", "alert-active/", "alert-channel-use/"];

    static async Task<int> SendAsync(HttpClient client, FuzzRequest request)
    {
        using var message = new HttpRequestMessage(new(request.Method), request.Path);
        if (request.Body is not null)
        {
            message.Content = request.Chunked ? new ChunkedContent(request.Body) : new ByteArrayContent(request.Body);
            if (request.ContentType is not null) message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }
        foreach (var (name, value) in request.Headers)
            if (!message.Headers.TryAddWithoutValidation(name, value)) message.Content?.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
            // A stream of events has no end.
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") _ = await response.Content.ReadAsByteArrayAsync();
            return (int)response.StatusCode;
        }
        catch (HttpRequestException unsendable) when (unsendable.Message.Contains("header", StringComparison.OrdinalIgnoreCase)
            || unsendable.InnerException is IOException)
        {
            // The client itself refuses to send it, or the host refused before it was sent.
            return 0;
        }
    }

    /// <summary>The status of what comes back; 0 where the connection is closed without an answer.</summary>
    static async Task<int> SendRawAsync(Uri host, byte[] bytes)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(host.Host, host.Port);
        var stream = connection.GetStream();
        await stream.WriteAsync(bytes);
        connection.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        try
        {
            return await reader.ReadLineAsync() is { Length: > 12 } line ? int.Parse(line.AsSpan(9, 3), CultureInfo.InvariantCulture) : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    sealed class ChunkedContent(byte[] bytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            for (var at = 0; at < bytes.Length; at += 7)
            {
                await stream.WriteAsync(bytes.AsMemory(at, Math.Min(7, bytes.Length - at)));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
