// What the gate adds to a streamed call: the same provider is called directly and through the gate, in turn.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

static class GateSpeed
{
    const string Account = "gate";
    const int Callers = 8;
    const string Question = """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Say hello."}],"max_tokens":100}""";

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        using var folder = new TemporaryFolder();
        await using var provider = await OwnProcess.StartAsync(StandInProvider.Command);
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("PURSER_GATE_UPSTREAMS", "any"),
            ("Logging__LogLevel__Default", "Warning"));
        var client = host.Client;
        var upstream = new Uri($"http://127.0.0.1:{provider.Port}");
        await PutAsync(client, "/v1/gate/routes",
            $$"""{"routes":[{"name":"bench","protocol":"openai","provider":"openai","upstream":"{{upstream}}"}]}""");
        await PutAsync(client, $"/v1/accounts/{Account}/policy",
            $$"""{"limits":[{"id":"all","unit":"tokens","window":"month","amount":{{Call.Plenty}}}]}""");
        var ways = new[] { new Way(new(upstream, "/v1/chat/completions")), new Way(new(client.BaseAddress!,
            "/gate/bench/v1/chat/completions")) };
        var each = options.Quick ? 5 : 100;
        var calls = 0;
        // What was measured first is thrown away: both ways have to be warm.
        await RunAsync(ways, each);
        calls += each * Callers;
        foreach (var way in ways) way.Forget();
        for (var round = 0; round < options.Rounds; round++, calls += each * Callers) await RunAsync(ways, each);
        var (direct, gate) = (ways[0], ways[1]);
        const string name = "through the gate, streaming";
        foreach (var row in gate.First.Beyond(direct.First, name, "to the first byte", "< 1", "< 5")) results.Add(row);
        foreach (var row in gate.Chunks.Beyond(direct.Chunks, name, "from the sending of a chunk to its arrival", p99: "< 5"))
            results.Add(row);
        var booked = await BookedAsync(client, calls);
        results.Add(new(name, "calls that were not booked once", Math.Abs(calls - booked), Goal: "= 0") { IsPromise = true });
    }

    sealed class Way(Uri address)
    {
        public Uri Address => address;
        public Samples First { get; private set; } = new();
        public Samples Chunks { get; private set; } = new();

        public void Forget() => (First, Chunks) = (new(), new());
    }

    static Task RunAsync(Way[] ways, int each) => Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
    {
        using var client = new HttpClient();
        for (var i = 0; i < each; i++)
            foreach (var way in ways) await CallAsync(client, way);
    })));

    static async Task CallAsync(HttpClient client, Way way)
    {
        var started = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, way.Address)
        {
            Content = new StringContent(Question, Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer the callers own");
        request.Headers.TryAddWithoutValidation("X-Purser-Account", Account);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException(
                $"{way.Address} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        await using var stream = await response.Content.ReadAsStreamAsync();
        var (buffer, kept, chunks, isFirst) = (new byte[16384], 0, 0, true);
        while (await stream.ReadAsync(buffer.AsMemory(kept)) is > 0 and var read)
        {
            var now = Stopwatch.GetTimestamp();
            lock (way)
            {
                if (isFirst) way.First.Add(now - started);
                isFirst = false;
                (kept, var found) = Take(buffer, kept + read, now, way.Chunks);
                chunks += found;
            }
        }
        if (chunks != StandInProvider.Chunks) throw new InvalidOperationException($"{chunks} of {StandInProvider.Chunks} chunks came");
    }

    /// <summary>The whole events of what was read; what is left of the last one moves to the front.</summary>
    static (int Kept, int Chunks) Take(byte[] buffer, int length, long now, Samples lags)
    {
        var text = buffer.AsSpan(0, length);
        var (chunks, sent) = (0, Encoding.UTF8.GetBytes(StandInProvider.Sent));
        while (text.IndexOf("\n\n"u8) is >= 0 and var end)
        {
            var line = text[..end];
            if (line.IndexOf(sent) is >= 0 and var at)
            {
                var digits = line[(at + sent.Length)..];
                lags.Add(now - long.Parse(digits[..digits.IndexOf((byte)'"')], CultureInfo.InvariantCulture));
                chunks++;
            }
            text = text[(end + 2)..];
        }
        text.CopyTo(buffer);
        return (text.Length, chunks);
    }

    /// <summary>A call is settled when its stream has ended, a moment after its caller has seen the end.</summary>
    static async Task<long> BookedAsync(HttpClient client, int expected)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var report = JsonDocument.Parse(await client.GetStringAsync($"/v1/reports?account={Account}&from=2000-01-01"));
            var booked = report.RootElement.GetProperty("summary").GetProperty("totalRequests").GetInt64();
            if (booked >= expected || attempt == 100) return booked;
            await Task.Delay(100);
        }
    }

    static async Task PutAsync(HttpClient client, string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await client.PutAsync(path, content);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{path}: {await answer.Content.ReadAsStringAsync()}");
    }
}
