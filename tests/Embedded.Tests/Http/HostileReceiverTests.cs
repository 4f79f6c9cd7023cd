// Receivers that do not answer, answer byte by byte, without an end, or with another address: each costs one attempt of bounded time and
// size, and nothing else.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

public sealed class HostileReceiverTests : IDisposable
{
    readonly ManualTime time = new();
    readonly WebhookSender sender;

    public HostileReceiverTests() => sender = new(new LedgerClock(time), anywhere: true, time);

    public void Dispose() => sender.Dispose();

    /// <summary>Takes a request, and does with the connection what a test says.</summary>
    sealed class Hostile : IDisposable
    {
        readonly TcpListener listener = new(IPAddress.Loopback, ServerProcess.FreePort());
        readonly TaskCompletionSource<Socket> taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Hostile()
        {
            listener.Start();
            _ = TakeAsync();
        }

        public string Url => string.Create(CultureInfo.InvariantCulture, $"http://{listener.LocalEndpoint}/");

        public bool WasAsked => taken.Task.IsCompleted;

        /// <summary>The connection, once a whole request came over it.</summary>
        public Task<Socket> TakenAsync() => taken.Task;

        async Task TakeAsync()
        {
            try
            {
                var socket = await listener.AcceptSocketAsync();
                var (read, buffer) = ("", new byte[4096]);
                while (!read.EndsWith("{}", StringComparison.Ordinal))
                    read += Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer.AsMemory()));
                taken.SetResult(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        public void Dispose()
        {
            listener.Dispose();
            if (taken.Task.IsCompletedSuccessfully) taken.Task.Result.Dispose();
        }
    }

    Task<Attempt> SendAsync(Hostile receiver) => sender.PostAsync(receiver.Url, "{}"u8.ToArray(), default);

    [Fact]
    public async Task One_that_never_answers_is_given_up()
    {
        using var receiver = new Hostile();
        var sending = SendAsync(receiver);
        await receiver.TakenAsync();
        time.Advance(TimeSpan.FromSeconds(14));
        Assert.False(sending.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((false, "no answer within 15 seconds"), ((await sending).Arrived, (await sending).Error));
    }

    [Fact]
    public async Task One_that_answers_byte_by_byte_is_given_up_at_the_same_time()
    {
        using var receiver = new Hostile();
        var sending = SendAsync(receiver);
        var socket = await receiver.TakenAsync();
        foreach (var one in "HTTP/1.1 200 OK"u8.ToArray())
        {
            Assert.False(sending.IsCompleted);
            await socket.SendAsync(new[] { one }.AsMemory());
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal("no answer within 15 seconds", (await sending).Error);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", 200)]
    [InlineData("HTTP/1.1 500 Broken\r\n\r\n", 500)]
    [InlineData("HTTP/1.1 200 OK\r\nX-Endless: ", null)]
    public async Task One_that_sends_without_an_end_is_hung_up_on(string head, int? status)
    {
        using var receiver = new Hostile();
        var sending = SendAsync(receiver);
        var socket = await receiver.TakenAsync();
        socket.SendBufferSize = 64 * 1024;
        await socket.SendAsync(Encoding.ASCII.GetBytes(head).AsMemory());
        var (sent, much) = (0L, Enumerable.Repeat((byte)'x', 64 * 1024).ToArray());
        const long most = 64L * 1024 * 1024;
        try
        {
            while (sent < most) sent += await socket.SendAsync(much.AsMemory());
        }
        catch (SocketException)
        {
            // Hung up.
        }
        Assert.True(sent < most, "it was listened to all that was sent");
        var attempt = await sending;
        Assert.Equal(status, attempt.Status);
        Assert.Equal(status == 200, attempt.Arrived);
    }

    [Fact]
    public async Task Where_it_redirects_to_nothing_is_sent()
    {
        using var receiver = new Hostile();
        using var other = new Hostile();
        var sending = SendAsync(receiver);
        var socket = await receiver.TakenAsync();
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 307 Elsewhere\r\nLocation: {other.Url}\r\nContent-Length: 0\r\n\r\n").AsMemory());
        Assert.Equal((307, "answered 307", false), ((await sending).Status, (await sending).Error, (await sending).Arrived));
        Assert.False(other.WasAsked);
    }

    [Fact]
    public async Task One_that_hangs_up_is_named()
    {
        using var receiver = new Hostile();
        var sending = SendAsync(receiver);
        (await receiver.TakenAsync()).Close();
        Assert.Null((await sending).Status);
        Assert.NotEmpty((await sending).Error!);
    }
}
