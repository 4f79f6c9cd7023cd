// One caller in a process of its own, with a thread and a socket that block: how long its calls take says what the host does, and nothing
// of how a load generator queues within itself.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Purser.Bench;

/// <summary>What one caller saw: times of calls that were admitted and that were told to come again, in ticks, and of other
/// answers.</summary>
sealed record Seen(IReadOnlyList<long> Admitted, IReadOnlyList<long> Refused, int Wrong)
{
    public Samples Times => Samples.Of(Admitted);

    public Samples Refusals => Samples.Of(Refused);
}

static class Probe
{
    /// <summary>The command by which this program is a probe: `probe PORT ACCOUNT MILLISECONDS`.</summary>
    public const string Command = "probe";

    /// <summary>Holds of one account, one after the other, by a process of its own.</summary>
    public static async Task<Seen> AskAsync(int port, string account, TimeSpan time)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!,
            [Command, Text(port), account, Text((long)time.TotalMilliseconds)]) { RedirectStandardOutput = true })!;
        var seen = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? JsonSerializer.Deserialize<Seen>(seen)!
            : throw new InvalidOperationException($"the probe ended with {process.ExitCode}");
    }

    /// <summary>What the process does.</summary>
    public static int Run(string port, string account, string millis)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));
        var (admitted, refused, wrong, reply) = (new List<long>(), new List<long>(), 0, new byte[64 * 1024]);
        var (began, time) = (Stopwatch.GetTimestamp(), TimeSpan.FromMilliseconds(long.Parse(millis, CultureInfo.InvariantCulture)));
        while (Stopwatch.GetElapsedTime(began) < time)
        {
            var asked = Stopwatch.GetTimestamp();
            socket.Send(HoldOf(account));
            var read = 0;
            do read += socket.Receive(reply.AsSpan(read));
            while (read > 0 && !HttpReply.IsWhole(reply.AsSpan(0, read)));
            var took = Stopwatch.GetTimestamp() - asked;
            var head = Encoding.ASCII.GetString(reply, 0, read);
            switch (HttpReply.StatusOf(reply))
            {
                case 201:
                    admitted.Add(took);
                    break;
                case 503 when head.Contains("Retry-After: ", StringComparison.Ordinal):
                    refused.Add(took);
                    break;
                default:
                    wrong++;
                    break;
            }
        }
        Console.Out.Write(JsonSerializer.Serialize(new Seen(admitted, refused, wrong)));
        return 0;
    }

    static byte[] HoldOf(string account)
    {
        // Other probes ask about the same account, under ids of their own.
        var body = Call.HoldBody(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Call.NextId()}"));
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"POST /v1/accounts/{account}/reservations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {body.Length}\r\n\r\n{body}"));
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
