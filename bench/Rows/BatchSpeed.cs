// `/v1/batch` against the real host in a process of its own, on SQLite: lifecycles as lines, sent and read at the same time.
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

static class BatchSpeed
{
    const string Name = "batch over HTTP, SQLite";

    const int Accounts = 1000;

    const int MostToWarmUp = 6;

    /// <summary>Batches of half holds and half their settlements; figures are the median's, of one batch.</summary>
    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        var operations = options.Quick ? 20_000 : 100_000;
        using var folder = new TemporaryFolder();
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("Logging__LogLevel__Default", "Warning"));
        var (speeds, costs, pauses) = (new List<double>(), new List<double>(), new List<double>());
        // The first batch warms the host up, and further ones until it has compiled what it needs.
        var isWarm = false;
        for (var batch = 0; speeds.Count < options.Rounds; batch++)
        {
            var body = Body(operations, batch);
            var before = await HostMetrics.ReadAsync(host);
            var (processor, clock) = (Processor.TimeOf(host.Id), Stopwatch.StartNew());
            var answered = await SendAsync(host.Client.BaseAddress!, body);
            var took = clock.Elapsed;
            if (answered != operations) throw new InvalidOperationException($"{answered} of {operations} operations were done");
            var (spent, after) = (Processor.TimeOf(host.Id) - processor, await HostMetrics.ReadAsync(host));
            if (isWarm)
            {
                speeds.Add(operations / took.TotalSeconds);
                costs.Add(spent.TotalMicroseconds / operations);
                pauses.Add((after.Pauses - before.Pauses) / took);
            }
            isWarm |= options.Quick || batch + 1 >= MostToWarmUp || after.Compiled - before.Compiled <= HostMetrics.FewCompiled;
        }
        results.Add(new(Name, "operations/s", speeds.Median(), Goal: ">= 50000"));
        results.Add(new(Name, "µs of processor of the host per operation", costs.Median()));
        results.Add(new(Name, "of the time that the host stands still for collections", pauses.Median()));
    }

    static byte[] Body(int operations, int round)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < operations / 2; i++)
        {
            var (account, id) = ((i * 7919) % Accounts, $"{round}-{i}");
            lines.Append(CultureInfo.InvariantCulture, $$$"""
                {"operation":"reserve","account":"a{{{account}}}","body":{"id":"{{{id}}}","provider":"{{{Call.Provider}}}","model":"{{{Call.Model}}}","user":"{{{Call.User}}}","inputTokens":{{{Call.InputEstimate}}},"maxOutputTokens":{{{Call.MaxOutput}}}}}
                {"operation":"settle","account":"a{{{account}}}","reservation":"{{{id}}}","body":{"id":"{{{id}}}","inputTokens":{{{Call.Input}}},"outputTokens":{{{Call.Output}}},"durationMs":{{{Call.DurationMs}}}}}

                """);
        }
        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    /// <summary>Sends a batch, and counts the lines of its answer that were done while it is still being sent.</summary>
    static async Task<int> SendAsync(Uri address, byte[] body)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/batch HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n"
            + $"Content-Type: application/x-ndjson\r\nContent-Length: {body.Length}\r\n\r\n"));
        var sending = stream.WriteAsync(body).AsTask();
        var (buffer, kept, done) = (new byte[256 * 1024], 0, 0);
        var (created, settled) = ("\"status\":201,"u8.ToArray(), "\"status\":200,"u8.ToArray());
        while (await stream.ReadAsync(buffer.AsMemory(kept)) is > 0 and var read)
        {
            var text = buffer.AsSpan(0, kept + read);
            done += text.Count(created) + text.Count(settled);
            // What may be the beginning of a word that goes on in the next piece is kept.
            kept = Math.Min(text.Length, created.Length - 1);
            text[^kept..].CopyTo(buffer);
        }
        await sending;
        return done;
    }
}
