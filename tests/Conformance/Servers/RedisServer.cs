// A private Redis for tests: real, with its append-only file, on a free port of the loopback.
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Purser.Conformance.Servers;

public sealed class RedisServer : IAsyncDisposable
{
    static readonly Lazy<Task<RedisServer>> shared = new(() => StartAsync());

    readonly string folder = ServerProcess.NewFolder("redis");
    readonly string appendFsync;

    RedisServer(int port, string appendFsync) => (Port, this.appendFsync) = (port, appendFsync);

    /// <summary>Why no server can be had on this machine; null where one can.</summary>
    public static string? Missing => ServerProcess.Find("redis-server") is null
        ? "Redis is not installed (Debian: apt-get install redis-server)" : null;

    public int Port { get; }

    public int ProcessId { get; private set; }

    /// <summary>In the form that StackExchange.Redis reads.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>One server for all the tests of a process; ends with the process.</summary>
    public static Task<RedisServer> SharedAsync() => shared.Value;

    /// <summary><paramref name="appendFsync"/>: `always`, `everysec` or `no`, as Redis knows them.</summary>
    public static async Task<RedisServer> StartAsync(string appendFsync = "everysec")
    {
        if (Missing is { } missing) throw new InvalidOperationException(missing);
        for (var attempt = 1; ; attempt++)
        {
            var server = new RedisServer(ServerProcess.FreePort(), appendFsync);
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
                // Somebody took the port meanwhile.
                ServerProcess.DeleteFolder(server.folder);
            }
        }
    }

    /// <summary>Starts the server, on the same port and data, after it was stopped or killed.</summary>
    public async Task StartAgainAsync()
    {
        var log = Path.Combine(folder, "log");
        using var starting = ServerProcess.Start(Signal.Kill, folder,
            log, ServerProcess.Find("redis-server")!, "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir",
                folder,
            "--appendonly", "yes", "--appendfsync", appendFsync, "--save", "", "--maxmemory-policy", "noeviction");
        ProcessId = starting.Id;
        await ServerProcess.UntilAsync(
            async () => starting.HasExited ? throw new InvalidOperationException("Redis does not start: " + ServerProcess.LogOf(log))
                : await AnswersAsync(),
            () => "Redis does not start: " + ServerProcess.LogOf(log));
    }

    async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            var stream = client.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray());
            var reply = new byte[7];
            await stream.ReadExactlyAsync(reply);
            return reply.AsSpan().SequenceEqual("+PONG\r\n"u8);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    public Task KillAsync() => EndAsync(Signal.Kill);

    public Task StopAsync() => EndAsync(Signal.Terminate);

    async Task EndAsync(Signal signal)
    {
        ServerProcess.Send(ProcessId, signal);
        await ServerProcess.UntilAsync(() => !ServerProcess.IsAlive(ProcessId), "Redis does not end");
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(Signal.Kill);
        ServerProcess.DeleteFolder(folder);
    }
}
