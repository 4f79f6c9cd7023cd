// A mail server on this machine: speaks as much SMTP as a client needs, and keeps what it got.
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Purser.Conformance.Http;

public sealed record ReceivedMail(string From, IReadOnlyList<string> To, string Data)
{
    public string Header(string name) => Data.Split("\r\n").First(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))
        [(name.Length + 2)..];
}

public sealed class MailReceiver : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource closing = new();
    readonly Channel<ReceivedMail> received = Channel.CreateUnbounded<ReceivedMail>();
    readonly Task serving;

    public MailReceiver()
    {
        listener.Start();
        serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Mails that came and were not looked at.</summary>
    public int Count => received.Reader.Count;

    /// <summary>What it says to a recipient; 250 is yes.</summary>
    public string ToRecipients { get; set; } = "250 yes";

    public async Task<ReceivedMail> NextAsync() => await received.Reader.ReadAsync().AsTask().WaitAsync(Servers.ServerProcess.Patience);

    async Task ServeAsync()
    {
        try
        {
            while (true) await TalkAsync(await listener.AcceptTcpClientAsync(closing.Token));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    async Task TalkAsync(TcpClient client)
    {
        using var _ = client;
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        async Task Say(string line) => await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), closing.Token);
        var (from, to) = ("", new List<string>());
        await Say("220 test");
        while (await reader.ReadLineAsync(closing.Token) is { } line)
        {
            var verb = line.Split(' ', ':')[0].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO": await Say("250-test\r\n250 8BITMIME"); break;
                case "MAIL":
                    from = Address(line);
                    await Say("250 yes");
                    break;
                case "RCPT":
                    to.Add(Address(line));
                    await Say(ToRecipients);
                    break;
                case "DATA":
                    await Say("354 go on");
                    var data = new StringBuilder();
                    while (await reader.ReadLineAsync(closing.Token) is { } text && text != ".") data.Append(text).Append("\r\n");
                    await received.Writer.WriteAsync(new(from, [.. to], data.ToString()));
                    await Say("250 kept");
                    break;
                case "QUIT":
                    await Say("221 bye");
                    return;
                default: await Say("250 yes"); break;
            }
        }
    }

    static string Address(string line) =>
        line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await serving;
        listener.Stop();
        closing.Dispose();
    }
}
