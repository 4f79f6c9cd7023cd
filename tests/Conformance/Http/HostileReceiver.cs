// A receiver of webhooks that means no good: takes every message, and answers with a megabyte, or byte by byte and never to the end.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public sealed class HostileReceiver : IAsyncDisposable
{
    static readonly byte[] large =
        [.. Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), .. new byte[1_000_000]];
    static readonly byte[] slow = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nX-Slow: " + new string('x', 4000));

    readonly TcpListener listener = new(IPAddress.Loopback, ServerProcess.FreePort());
    readonly CancellationTokenSource ends = new();
    readonly bool isSlow;
    readonly Task accepting;
    int taken;

    public HostileReceiver(bool isSlow)
    {
        this.isSlow = isSlow;
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://{listener.LocalEndpoint}/");

    /// <summary>Messages that it took.</summary>
    public int Taken => Volatile.Read(ref taken);

    async Task AcceptAsync()
    {
        var talking = new List<Task>();
        try
        {
            while (true) talking.Add(TalkAsync(await listener.AcceptSocketAsync(ends.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(talking);
        }
    }

    async Task TalkAsync(Socket socket)
    {
        using var _ = socket;
        try
        {
            var buffer = new byte[64 * 1024];
            if (await socket.ReceiveAsync(buffer.AsMemory(), ends.Token) == 0) return;
            Interlocked.Increment(ref taken);
            if (!isSlow)
            {
                for (var sent = 0; sent < large.Length;) sent += await socket.SendAsync(large.AsMemory(sent), ends.Token);
                // What is sent along still is taken, until the other side has had enough.
                while (await socket.ReceiveAsync(buffer.AsMemory(), ends.Token) > 0)
                {
                }
                return;
            }
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            for (var sent = 0; sent < slow.Length; sent++)
            {
                await socket.SendAsync(slow.AsMemory(sent, 1), ends.Token);
                await pace.WaitForNextTickAsync(ends.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Hung up on, or the test is over.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ends.CancelAsync();
        await accepting;
        listener.Dispose();
        ends.Dispose();
    }
}
