// As much of the protocol of Redis as the baseline needs: commands go out as they come, replies come back in their order.
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Purser.Bench;

readonly record struct Reply(long Number, string Text);

sealed class RespConnection : IDisposable
{
    readonly Socket socket;

    /// <summary>Guards what is below: the order of the commands on the wire is the order of those who wait.</summary>
    readonly Lock gate = new();
    readonly Queue<TaskCompletionSource<Reply>> waiting = new();
    readonly byte[] command = new byte[8192];
    bool isClosed;

    RespConnection(Socket socket) => this.socket = socket;

    public static async Task<RespConnection> OpenAsync(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var connection = new RespConnection(socket);
        _ = connection.ReadAsync();
        return connection;
    }

    public Task<Reply> SendAsync(params ReadOnlySpan<string> words)
    {
        // Answered on the reader's own thread: one hop less, as good as a client can do.
        var reply = new TaskCompletionSource<Reply>();
        lock (gate)
        {
            if (isClosed) throw new SocketException((int)SocketError.ConnectionReset);
            var length = Line('*', words.Length, 0);
            foreach (var word in words)
            {
                length = Line('$', Encoding.UTF8.GetByteCount(word), length);
                length += Encoding.UTF8.GetBytes(word, command.AsSpan(length));
                command[length++] = (byte)'\r';
                command[length++] = (byte)'\n';
            }
            waiting.Enqueue(reply);
            for (var sent = 0; sent < length;) sent += socket.Send(command.AsSpan(sent, length - sent));
        }
        return reply.Task;
    }

    int Line(char kind, int number, int at)
    {
        command[at++] = (byte)kind;
        Utf8Formatter.TryFormat(number, command.AsSpan(at), out var digits);
        at += digits;
        command[at++] = (byte)'\r';
        command[at++] = (byte)'\n';
        return at;
    }

    async Task ReadAsync()
    {
        var buffer = new byte[65536];
        var have = 0;
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(have));
                if (read == 0) throw new SocketException((int)SocketError.ConnectionReset);
                have += read;
                var used = 0;
                while (TryParse(buffer.AsSpan(used, have - used), out var length, out var reply, out var fault))
                {
                    used += length;
                    TaskCompletionSource<Reply> next;
                    lock (gate) next = waiting.Dequeue();
                    if (fault is null) next.SetResult(reply);
                    else next.SetException(new InvalidOperationException("Redis: " + fault));
                }
                buffer.AsSpan(used, have - used).CopyTo(buffer);
                have -= used;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            lock (gate)
            {
                isClosed = true;
                while (waiting.TryDequeue(out var left)) left.TrySetException(e);
            }
        }
    }

    static bool TryParse(ReadOnlySpan<byte> from, out int length, out Reply reply, out string? fault)
    {
        (length, reply, fault) = (0, default, null);
        var end = from.IndexOf("\r\n"u8);
        if (end < 0) return false;
        var line = from[1..end];
        length = end + 2;
        switch ((char)from[0])
        {
            case ':':
                reply = new(Number(line), "");
                return true;
            case '+':
                reply = new(0, Encoding.UTF8.GetString(line));
                return true;
            case '-':
                fault = Encoding.UTF8.GetString(line);
                return true;
            default:
                var text = (int)Number(line);
                if (text < 0)
                {
                    // Nothing is there.
                    reply = new(0, "");
                    return true;
                }
                if (from.Length < length + text + 2) return false;
                reply = new(0, Encoding.UTF8.GetString(from.Slice(length, text)));
                length += text + 2;
                return true;
        }
    }

    static long Number(ReadOnlySpan<byte> line) => Utf8Parser.TryParse(line, out long number, out _)
        ? number : throw new InvalidDataException("not a number");

    public void Dispose() => socket.Dispose();
}
