// Hundreds of listeners that never read, over real connections: the host keeps nothing for them, writes and others who listen do not notice
// them, and they are let go.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Api;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;
using Purser.Engine;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Http;

/// <summary>A measurement: it runs where it is asked for.</summary>
public sealed class MeasurementFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => Environment.GetEnvironmentVariable("PURSER_MEASURE") is "1" ? null : "it measures: PURSER_MEASURE=1 ./test StuckListener";
        set => throw new NotSupportedException();
    }
}

[Collection(Alone.Name)]
public sealed class StuckListenerTests(ITestOutputHelper output)
{
    const int Batches = 6, PerBatch = 100, EachBytes = 8_000;

    /// <summary>What is told to each listener: kept for all of them it would be gigabytes.</summary>
    const long Told = (long)Batches * PerBatch * EachBytes;

    [Fact]
    public async Task Two_hundred_that_never_read_are_kept_nothing_for_hinder_nobody_and_are_let_go()
    {
        const int listeners = 200;
        using var folder = new TemporaryFolder();
        var clock = new ShiftedTime(DateTimeOffset.UtcNow);
        var options = new ServerOptions { Urls = "http://127.0.0.1:0", Data = folder.Path };
        await using var ledger = await Api.EmbeddedHost.OpenLedgerAsync(options);
        await using var app = Server.Build(WebApplication.CreateSlimBuilder(), options, services =>
        {
            services.AddEmbeddedHost(ledger, options).AddSingleton<TimeProvider>(clock);
            services.AddSingleton<IBudgetAuthority>(provider => new EmbeddedAuthority(ledger, clock,
                log: provider.GetRequiredService<ILogger<EmbeddedAuthority>>(),
                histories: provider.GetRequiredService<EmbeddedHistories>()));
        });
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()), Timeout = ServerProcess.Patience };
        var stuck = await StuckAsync(client.BaseAddress!, listeners);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await TellAsync(client);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, listeners * Told / 4);
        // Half a minute later they are hung up on.
        var tail = app.Services.GetRequiredService<EventTail>();
        await ServerProcess.UntilAsync(() =>
        {
            if (tail.IsFollowed) clock.Shift(TimeSpan.FromSeconds(31));
            return !tail.IsFollowed;
        }, "a listener that does not read is kept");
        Assert.All(await Task.WhenAll(stuck.Select(LeftAsync)), left => Assert.InRange(left, 1, Told / 2));
        foreach (var one in stuck) one.Dispose();
        await app.StopAsync();
    }

    /// <summary>With a host of its own, whose memory and processor time can be told.</summary>
    [MeasurementFact]
    public async Task What_two_thousand_that_never_read_cost_a_host()
    {
        const int listeners = 2000;
        using var folder = new TemporaryFolder();
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path));
        await TellAsync(host.Client);
        var (alone, memoryAlone) = (await TellAsync(host.Client), MemoryOf(host.Id));
        var stuck = await StuckAsync(host.Client.BaseAddress!, listeners);
        var connected = MemoryOf(host.Id);
        var (first, filled) = (await TellAsync(host.Client), MemoryOf(host.Id));
        var (second, further) = (await TellAsync(host.Client), MemoryOf(host.Id));
        // Who reads what is left is not stuck any more, and would be told further events: nobody does before all are let go.
        var since = Stopwatch.StartNew();
        await ServerProcess.UntilAsync(async () => await OpenRequestsAsync(host.Client) <= 1, () => "listeners that do not read are kept");
        since.Stop();
        var left = await Task.WhenAll(stuck.Select(LeftAsync));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{listeners} listeners that never read: {memoryAlone} MB without them, {connected} connected, {filled} once their "
                + $"connections are full, {further} after as much again; {Batches * PerBatch} records of {EachBytes} bytes took "
                + $"{alone.TotalSeconds:0.0} s without, {first.TotalSeconds:0.0} while they fill, {second.TotalSeconds:0.0} once they are "
                + $"full; all were let go {since.Elapsed.TotalSeconds:0} s later"));
        Assert.InRange(further, 0, connected + 300);
        Assert.InRange(further, 0, filled + 100);
        Assert.All(left, one => Assert.InRange(one, 1, Told));
        foreach (var one in stuck) one.Dispose();
    }

    /// <summary>Resident, in MB.</summary>
    static int MemoryOf(int process) => int.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:",
        StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;

    /// <summary>Requests that are being answered, the one that asks included.</summary>
    static async Task<long> OpenRequestsAsync(HttpClient client) => (await client.GetStringAsync(new Uri("/metrics", UriKind.Relative)))
        .Split('\n').Where(line => line.StartsWith("http_server_active_requests{", StringComparison.Ordinal))
        .Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    static async Task<Socket[]> StuckAsync(Uri address, int count)
    {
        const int tcp = 6, largestSegment = 2;
        var sockets = new List<Socket>();
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            // Systems keep more for connections of this machine, whose segments are large.
            socket.SetRawSocketOption(tcp, largestSegment, BitConverter.GetBytes(536));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port));
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /v1/events HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n").AsMemory());
            sockets.Add(socket);
        }
        foreach (var socket in sockets)
        {
            var head = new byte["HTTP/1.1 200".Length];
            for (var read = 0; read < head.Length;) read += await socket.ReceiveAsync(head.AsMemory(read));
            Assert.Equal("HTTP/1.1 200", Encoding.ASCII.GetString(head));
        }
        return [.. sockets];
    }

    /// <summary>How much comes until the connection ends.</summary>
    static async Task<long> LeftAsync(Socket socket)
    {
        using var late = new CancellationTokenSource(ServerProcess.Patience);
        var (all, buffer) = (0L, new byte[16 * 1024]);
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

    /// <summary>Books records while somebody reads what is told of them; how long the records took.</summary>
    static async Task<TimeSpan> TellAsync(HttpClient client)
    {
        var account = "a" + Guid.NewGuid().ToString("N");
        using var response = await client.GetAsync(
            new Uri($"/v1/events?account={account}&types=usage.recorded", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        var much = new string('x', EachBytes);
        var took = Stopwatch.StartNew();
        for (var batch = 0; batch < Batches; batch++)
        {
            var usages = Enumerable.Range(batch * PerBatch, PerBatch).Select(no => string.Create(CultureInfo.InvariantCulture,
                $$"""{"id": "u{{no}}", "metadata": {"much": "{{much}}"}, "inputTokens": 1, "outputTokens": 0}"""));
            using var body = new StringContent($"[{string.Join(',', usages)}]", Encoding.UTF8, "application/json");
            using var booked = await client.PostAsync(new Uri($"/v1/accounts/{account}/usage", UriKind.Relative), body);
            Assert.Equal(HttpStatusCode.Created, booked.StatusCode);
        }
        took.Stop();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var no = 0; no < Batches * PerBatch;)
        {
            var line = await reader.ReadLineAsync().WaitAsync(ServerProcess.Patience);
            Assert.NotNull(line);
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                Assert.Contains($"\"subject\":\"u{(no++).ToString(CultureInfo.InvariantCulture)}\"", line, StringComparison.Ordinal);
        }
        return took.Elapsed;
    }
}
