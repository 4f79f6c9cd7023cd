// What a flood does to others: the latency of a quiet account beside 200 callers of another one, and what a host answers at ten times what
// it has places for.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

static class FloodLatency
{
    const int Callers = 200, Places = 64;

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        await OthersAsync(options, results);
        await OverloadAsync(options, results);
    }

    /// <summary>The quiet account asks one call after the other; alone, beside as many callers of as many accounts, and beside a flood of
    /// one account.</summary>
    static async Task OthersAsync(BenchOptions options, Results results)
    {
        using var folder = new TemporaryFolder();
        await using var host = await StartAsync(folder);
        using var client = ClientOf(host);
        await QuietAsync(options.WarmUp);
        var alone = await QuietAsync(options.Round);
        var spread = await BesideAsync(caller => $"spread-{caller}");
        var flooded = await BesideAsync(_ => "flood");
        const string unit = "ms, p99 of a hold of a quiet account";
        results.Add(new("alone", unit, alone.Millis(0.99)));
        results.Add(new($"beside {Callers} callers of {Callers} accounts", unit, spread.Millis(0.99)));
        results.Add(new($"beside {Callers} callers of one account", unit, flooded.Millis(0.99), "alone", alone.Millis(0.99), "< 3"));
        results.Add(new("the same, beside what spread callers cost", unit, flooded.Millis(0.99), "as many callers spread",
            spread.Millis(0.99), "< 3"));

        async Task<Samples> BesideAsync(Func<int, string> accountOf)
        {
            using var end = new CancellationTokenSource();
            var flood = Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
            {
                while (!end.IsCancellationRequested) await HoldAsync(client, accountOf(caller));
            })).ToArray();
            var quiet = await QuietAsync(options.Round);
            await end.CancelAsync();
            await Task.WhenAll(flood);
            return quiet;
        }

        async Task<Samples> QuietAsync(TimeSpan time)
        {
            var (samples, began) = (new Samples(), Stopwatch.GetTimestamp());
            while (Stopwatch.GetElapsedTime(began) < time)
            {
                var asked = Stopwatch.GetTimestamp();
                if ((await HoldAsync(client, "quiet")).Status != 201) throw new InvalidOperationException("the quiet account was refused");
                samples.AddSince(asked);
            }
            return samples;
        }
    }

    /// <summary>As many callers as there are places, and ten times as many: what is admitted, and how soon the rest is told.</summary>
    static async Task OverloadAsync(BenchOptions options, Results results)
    {
        using var folder = new TemporaryFolder();
        await using var host = await StartAsync(folder, ("PURSER_MOST_REQUESTS", Places.ToString(CultureInfo.InvariantCulture)));
        using var client = ClientOf(host);
        await RunAsync(Places, options.WarmUp);
        var (usual, _, _) = await RunAsync(Places, options.Round);
        var (admitted, refused, silent) = await RunAsync(10 * Places, options.Round);
        const string unit = "ms, p99 over HTTP with 64 places";
        results.Add(new($"{Places} callers, admitted", unit, usual.Millis(0.99)));
        results.Add(new($"{10 * Places} callers, admitted", unit, admitted.Millis(0.99), $"{Places} callers", usual.Millis(0.99)));
        if (refused.Count > 0) results.Add(new($"{10 * Places} callers, refused", unit, refused.Millis(0.99)));
        results.Add(new($"{10 * Places} callers", "answers other than 201, or 503 with Retry-After", silent,
            Goal: "= 0") { IsPromise = true });
        results.Add(new($"{10 * Places} callers", "answers of 503, in 100", 100.0 * refused.Count / (refused.Count + admitted.Count)));

        async Task<(Samples Admitted, Samples Refused, int Wrong)> RunAsync(int callers, TimeSpan time)
        {
            var (ok, busy, wrong, began) = (new ConcurrentBag<long>(), new ConcurrentBag<long>(), 0, Stopwatch.GetTimestamp());
            await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
            {
                while (Stopwatch.GetElapsedTime(began) < time)
                {
                    var asked = Stopwatch.GetTimestamp();
                    var (status, says) = await HoldAsync(client, $"over-{caller}");
                    if (status == 201) ok.Add(Stopwatch.GetTimestamp() - asked);
                    else if (status == 503 && says) busy.Add(Stopwatch.GetTimestamp() - asked);
                    else Interlocked.Increment(ref wrong);
                }
            })));
            return (Of(ok), Of(busy), wrong);
        }

        static Samples Of(IEnumerable<long> ticks)
        {
            var samples = new Samples();
            foreach (var one in ticks) samples.Add(one);
            return samples;
        }
    }

    static Task<HostProcess> StartAsync(TemporaryFolder folder, params (string Name, string Value)[] more) =>
        HostProcess.StartAsync([("PURSER_DATA", folder.Path), ("Logging__LogLevel__Default", "Warning"), .. more]);

    static HttpClient ClientOf(HostProcess host) => new(new SocketsHttpHandler { MaxConnectionsPerServer = 20 * Places })
    {
        BaseAddress = host.Client.BaseAddress, DefaultRequestVersion = HttpVersion.Version11,
    };

    /// <summary>A hold, and whether a refusal says when to come again.</summary>
    static async Task<(int Status, bool SaysWhen)> HoldAsync(HttpClient client, string account)
    {
        using var content = new StringContent(string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{Call.NextId()}}","inputTokens":{{Call.InputEstimate}},"maxOutputTokens":{{Call.MaxOutput}}}"""), Encoding.UTF8,
            "application/json");
        using var answer = await client.PostAsync($"/v1/accounts/{account}/reservations", content);
        return ((int)answer.StatusCode, answer.Headers.RetryAfter is not null);
    }
}
