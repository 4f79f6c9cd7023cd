// Purser as its users meet it: the real host in a process of its own, on SQLite, asked over 64 connections that stay open.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

sealed class HttpContender : IContender
{
    public const int MostConnections = 64;

    readonly string name;
    readonly int process;
    readonly int port;
    readonly Connection[] connections = new Connection[MostConnections];
    readonly IAsyncDisposable server;
    readonly IDisposable? also;

    HttpContender(string name, int process, int port, IAsyncDisposable server, IDisposable? also) =>
        (this.name, this.process, this.port, this.server, this.also) = (name, process, port, server, also);

    public string Name => name;

    public IEnumerable<int> Servers => [process];

    /// <summary>A host on a folder of its own, or, with settings that say so, on another ledger.</summary>
    public static async Task<HttpContender> StartAsync(string name, params (string Name, string Value)[] settings)
    {
        var folder = new TemporaryFolder();
        var host = await HostProcess.StartAsync([("PURSER_DATA", folder.Path), ("Logging__LogLevel__Default", "Warning"), .. settings]);
        return await new HttpContender(name, host.Id, host.Client.BaseAddress!.Port, host, folder).ConnectAsync();
    }

    /// <summary>A server that answers a constant: see <see cref="ConstantAnswers"/>.</summary>
    public static async Task<HttpContender> StartConstantAsync(string name)
    {
        var server = await OwnProcess.StartAsync(ConstantAnswers.Command);
        return await new HttpContender(name, server.Id, server.Port, server, null).ConnectAsync();
    }

    /// <summary>Opens its connections, and in place of those that it has: a host hangs up on who says nothing for long.</summary>
    public async Task<HttpContender> ConnectAsync()
    {
        for (var i = 0; i < connections.Length; i++)
        {
            connections[i]?.Dispose();
            connections[i] = await Connection.OpenAsync(port);
        }
        return this;
    }

    public async Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens)
    {
        var policy = string.Create(CultureInfo.InvariantCulture,
            $$"""{"limits":[{"id":"hourly","unit":"tokens","window":"hour","amount":{{limitTokens}}},{"id":"monthly","unit":"tokens","window":"month","amount":{{limitTokens}}}]}""");
        await Task.WhenAll(connections.Select((connection, i) => Task.Run(async () =>
        {
            for (var account = i; account < accounts.Count; account += connections.Length)
                if (await connection.SendAsync("PUT", $"/v1/accounts/{accounts[account]}/policy", policy)
                    is not (200 or 201) and var status)
                    throw new InvalidOperationException($"the policy was answered with {status}");
        })));
    }

    public async Task<long> CompiledAsync() => server is HostProcess host ? (await HostMetrics.ReadAsync(host)).Compiled : 0;

    public async Task<bool> ReserveAsync(int caller, string account, string id)
    {
        var body = string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{id}}","provider":"{{Call.Provider}}","model":"{{Call.Model}}","user":"{{Call.User}}","inputTokens":{{Call.InputEstimate}},"maxOutputTokens":{{Call.MaxOutput}}}""");
        return await Of(caller).SendAsync("POST", $"/v1/accounts/{account}/reservations", body) switch
        {
            201 => true,
            429 => false,
            var status => throw new InvalidOperationException($"a reservation was answered with {status}"),
        };
    }

    public async Task SettleAsync(int caller, string account, string id)
    {
        var body = string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{id}}","inputTokens":{{Call.Input}},"outputTokens":{{Call.Output}},"durationMs":{{Call.DurationMs}}}""");
        var status = await Of(caller).SendAsync("POST", $"/v1/accounts/{account}/reservations/{id}/settle", body);
        if (status != 200) throw new InvalidOperationException($"a settlement was answered with {status}");
    }

    Connection Of(int caller) => connections[caller % connections.Length];

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) connection.Dispose();
        await server.DisposeAsync();
        also?.Dispose();
    }

    /// <summary>
    /// One request at a time, and of the reply only what is needed to find its end: the load generator shares the machine with the host,
    /// and a full client would take more of it than the host.
    /// </summary>
    sealed class Connection(Socket socket) : IDisposable
    {
        readonly SemaphoreSlim free = new(1);
        readonly byte[] request = new byte[4096];
        byte[] reply = new byte[16384];

        public static async Task<Connection> OpenAsync(int port)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return new(socket);
        }

        public async Task<int> SendAsync(string method, string path, string body)
        {
            await free.WaitAsync();
            try
            {
                var length = Encoding.UTF8.GetBytes(
                    string.Create(CultureInfo.InvariantCulture,
                        $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                            + $"{body.Length}\r\n\r\n{body}"), request);
                await socket.SendAsync(request.AsMemory(0, length));
                var read = 0;
                while (true)
                {
                    var more = await socket.ReceiveAsync(reply.AsMemory(read));
                    if (more == 0) throw new InvalidOperationException("the host closed the connection");
                    read += more;
                    if (HttpReply.IsWhole(reply.AsSpan(0, read))) return HttpReply.StatusOf(reply);
                    if (read == reply.Length) Array.Resize(ref reply, read * 2);
                }
            }
            finally
            {
                free.Release();
            }
        }

        public void Dispose()
        {
            socket.Dispose();
            free.Dispose();
        }
    }
}
