// Names that move to an address inside between the look at it and the connection, or between two messages, or after a redirect: nothing is
// connected to but what was looked at.
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Purser.Api.Events;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

public sealed class MovingNameTests
{
    static readonly IPAddress outside = IPAddress.Parse("1.1.1.1"), inside = IPAddress.Loopback;

    /// <summary>A name service of a test, and a network in which every address is the receiver's.</summary>
    sealed class Network(int port)
    {
        public ConcurrentQueue<IPAddress[]> Answers { get; } = new();

        /// <summary>What was connected to.</summary>
        public ConcurrentQueue<IPAddress> Reached { get; } = new();

        public int Asked;

        public Reach Reach => new(
            (_, _) =>
            {
                Interlocked.Increment(ref Asked);
                return Task.FromResult(Answers.TryDequeue(out var answer) ? answer : [inside]);
            },
            async (addresses, _, cancellation) =>
            {
                foreach (var address in addresses) Reached.Enqueue(address);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            });
    }

    static WebhookSender Sender(Network network) => new(new LedgerClock(TimeProvider.System), anywhere: false, reach: network.Reach);

    static readonly Webhook webhook = new() { Id = "wh", Url = "http://hook.example/", Secret = Webhook.NewSecret() };

    static Task<Attempt> SendAsync(WebhookSender sender, string url) =>
        sender.SendAsync(webhook with { Url = url }, "evt_1", "{}"u8.ToArray(), default);

    static int PortOf(Receiver receiver) => new Uri(receiver.Url).Port;

    static string UrlOf(Receiver receiver) => new UriBuilder(receiver.Url) { Host = "hook.example" }.Uri.ToString();

    [Fact]
    public async Task A_name_is_resolved_once_and_what_was_looked_at_is_connected_to()
    {
        await using var receiver = await Receiver.StartAsync();
        // Whoever asked again would be told of an address inside.
        var network = new Network(PortOf(receiver));
        network.Answers.Enqueue([outside]);
        using var sender = Sender(network);
        Assert.True((await SendAsync(sender, UrlOf(receiver))).Arrived);
        Assert.Equal((1, outside), (network.Asked, Assert.Single(network.Reached)));
        Assert.True((await receiver.NextAsync()).IsSignedBy(webhook.Secret));
    }

    [Fact]
    public async Task A_name_that_has_moved_inside_by_the_next_connection_is_refused()
    {
        // Every answer ends its connection.
        using var listener = new TcpListener(IPAddress.Loopback, ServerProcess.FreePort());
        listener.Start();
        var network = new Network(((IPEndPoint)listener.LocalEndpoint).Port);
        network.Answers.Enqueue([outside]);
        using var sender = Sender(network);
        var first = SendAsync(sender, "http://hook.example/");
        using (var socket = await listener.AcceptSocketAsync())
            await socket.SendAsync("HTTP/1.1 503 Later\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        Assert.Equal(503, (await first).Status);
        var second = await SendAsync(sender, "http://hook.example/");
        Assert.Equal((null, "hook.example is 127.0.0.1, which is not an address of the internet"), (second.Status, second.Error));
        Assert.Equal([outside], network.Reached);
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("fd00::1")]
    public async Task One_address_inside_among_others_is_enough_to_refuse_the_name(string address)
    {
        await using var receiver = await Receiver.StartAsync();
        var network = new Network(PortOf(receiver));
        network.Answers.Enqueue([outside, IPAddress.Parse(address)]);
        using var sender = Sender(network);
        var refused = await SendAsync(sender, UrlOf(receiver));
        Assert.Contains("not an address of the internet", refused.Error, StringComparison.Ordinal);
        Assert.Empty(network.Reached);
        Assert.Equal(0, receiver.Count);
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://hook.example:{0}/elsewhere")]
    [InlineData("http://other.example/")]
    public async Task A_redirect_is_an_answer_and_leads_nowhere(string to)
    {
        using var listener = new TcpListener(IPAddress.Loopback, ServerProcess.FreePort());
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var network = new Network(port);
        network.Answers.Enqueue([outside]);
        using var sender = Sender(network);
        var sending = SendAsync(sender, "http://hook.example/");
        using (var socket = await listener.AcceptSocketAsync())
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(
                $"HTTP/1.1 308 Elsewhere\r\nLocation: {string.Format(CultureInfo.InvariantCulture, to, port)}\r\n"
                    + "Connection: close\r\nContent-Length: 0\r\n\r\n"));
        Assert.Equal((308, "answered 308"), ((await sending).Status, (await sending).Error));
        // Neither was a name asked for nor anything connected to again.
        Assert.Equal(1, network.Asked);
        Assert.Equal([outside], network.Reached);
        Assert.False(listener.Pending());
    }
}
