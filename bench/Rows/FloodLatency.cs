// What a flood does to others: the latency of a quiet account beside 200 callers of another one, and what a host answers at ten times what
// it has places for.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

static class FloodLatency
{
    const int Callers = 200, Places = 64, Times = 10;

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        await OthersAsync(options, results);
        await SharesAsync(options, results);
        await OverloadAsync(options, results);
    }

    static TimeSpan TimeOf(BenchOptions options) => options.Round * options.Rounds;

    /// <summary>The quiet account asks one call after the other; alone, beside as many callers of as many accounts, and beside a flood of
    /// one account.</summary>
    static async Task OthersAsync(BenchOptions options, Results results)
    {
        using var folder = new TemporaryFolder();
        await using var host = await StartAsync(folder);
        using var client = ClientOf(host);
        await BesideAsync(Callers, caller => $"warm-{caller}", options.WarmUp);
        var (alone, _) = await BesideAsync(0, _ => "", TimeOf(options));
        var (spread, _) = await BesideAsync(Callers, caller => $"spread-{caller}", TimeOf(options));
        var unhindered = await PerSecondAsync(TimeOf(options));
        var (flooded, perSecond) = await BesideAsync(Callers, _ => "flood", TimeOf(options));
        const string unit = "ms, p99 of a hold of a quiet account";
        results.Add(new("alone", unit, alone.Millis(0.99)));
        results.Add(new($"beside {Callers} callers of {Callers} accounts", unit, spread.Millis(0.99)));
        results.Add(new($"beside {Callers} callers of one account", unit, flooded.Millis(0.99), "alone", alone.Millis(0.99), "< 3"));
        results.Add(new("the same, beside what spread callers cost", unit, flooded.Millis(0.99), "as many callers spread",
            spread.Millis(0.99), "< 3"));
        results.Add(new($"the {Callers} callers of one account beside the quiet one", "holds/s", perSecond, "without it", unhindered));

        Task<(Samples Quiet, double PerSecond)> BesideAsync(int callers, Func<int, string> accountOf, TimeSpan time) =>
            FloodLatency.BesideAsync(host, client, callers, accountOf, time);

        async Task<double> PerSecondAsync(TimeSpan time)
        {
            var (flood, clock) = (new Flood(client, Callers, _ => "flood", waitsAsTold: false), Stopwatch.StartNew());
            await Task.Delay(time);
            var perSecond = flood.Admitted / clock.Elapsed.TotalSeconds;
            await flood.DisposeAsync();
            return perSecond;
        }
    }

    /// <summary>What the share of one account in a host that others call too does: to a quiet account beside a flood of another, and to the
    /// flood. Side by side, in rounds; the largest share is what an account has that is alone.</summary>
    static async Task SharesAsync(BenchOptions options, Results results)
    {
        var alone = 32 * Environment.ProcessorCount;
        int[] shares = options.Quick ? [alone, alone / 8] : [alone, alone / 2, alone / 4, alone / 8, alone / 16];
        var hosts = new List<Shared>();
        try
        {
            foreach (var share in shares) hosts.Add(await Shared.StartAsync(share, options.WarmUp));
            var rounds = new List<(double Times, double PerSecond)[]>();
            for (var round = 0; round < (options.Quick ? 1 : options.Rounds); round++)
            {
                var measured = new (double, double)[shares.Length];
                for (var i = 0; i < measured.Length; i++)
                {
                    var no = (round + i) % measured.Length;
                    measured[no] = await hosts[no].MeasureAsync(options.Round);
                }
                rounds.Add(measured);
            }
            for (var i = 0; i < shares.Length; i++)
            {
                var no = i;
                double Of(Func<(double Times, double PerSecond)[], double> figure) => rounds.Select(figure).Median();
                var name = string.Create(CultureInfo.InvariantCulture, $"{shares[i]} at once of one account beside others");
                results.Add(new(name, "times the p99 alone, of a quiet account beside a flood", Of(round => round[no].Times), Goal: "< 3"));
                results.Add(new(name, "of the flood's holds a second with the largest share",
                    Of(round => round[no].PerSecond / round[0].PerSecond)));
            }
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }

    /// <summary>A quiet account that asks one call after the other beside callers, and how many holds a second those get.</summary>
    static async Task<(Samples Quiet, double PerSecond)> BesideAsync(
        HostProcess host, HttpClient client, int callers, Func<int, string> accountOf, TimeSpan time)
    {
        var (flood, clock) = (new Flood(client, callers, accountOf, waitsAsTold: false), Stopwatch.StartNew());
        var seen = await Probe.AskAsync(host.Client.BaseAddress!.Port, "quiet", time);
        var perSecond = flood.Admitted / clock.Elapsed.TotalSeconds;
        await flood.DisposeAsync();
        return seen is { Refused.Count: 0, Wrong: 0 } ? (seen.Times, perSecond)
            : throw new InvalidOperationException("the quiet account was refused");
    }

    /// <summary>A host in which an account beside others has a certain share.</summary>
    sealed class Shared(HostProcess host, HttpClient client, TemporaryFolder folder) : IAsyncDisposable
    {
        public static async Task<Shared> StartAsync(int share, TimeSpan warmUp)
        {
            var folder = new TemporaryFolder();
            var host = await FloodLatency.StartAsync(folder, ("PURSER_ACCOUNT_CONTENDED", share.ToString(CultureInfo.InvariantCulture)));
            var shared = new Shared(host, ClientOf(host), folder);
            await shared.BesideAsync(warmUp);
            return shared;
        }

        public async Task<(double Times, double PerSecond)> MeasureAsync(TimeSpan time)
        {
            var alone = await Probe.AskAsync(host.Client.BaseAddress!.Port, "quiet", time);
            var (beside, perSecond) = await BesideAsync(time);
            return (beside.Millis(0.99) / alone.Times.Millis(0.99), perSecond);
        }

        Task<(Samples Quiet, double PerSecond)> BesideAsync(TimeSpan time) =>
            FloodLatency.BesideAsync(host, client, Callers, _ => "flood", time);

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await host.DisposeAsync();
            folder.Dispose();
        }
    }

    /// <summary>As many callers as there are places, and ten times as many: what is admitted, and how soon the rest is told. Once with
    /// callers who wait as they are told, and once with callers who come again at once.</summary>
    static async Task OverloadAsync(BenchOptions options, Results results)
    {
        using var folder = new TemporaryFolder();
        await using var host = await StartAsync(folder, ("PURSER_MOST_REQUESTS", Places.ToString(CultureInfo.InvariantCulture)));
        using var client = ClientOf(host);
        await RunAsync(Places, true, options.WarmUp);
        var (usual, _) = await RunAsync(Places - 1, true, TimeOf(options));
        const string unit = "ms, p99 over HTTP with 64 places";
        results.Add(new($"{Places} callers, admitted", unit, usual.Times.Millis(0.99)));
        foreach (var (how, waits) in new[] { ("who wait as told", true), ("who do not wait", false) })
        {
            var (seen, told) = await RunAsync(Times * Places, waits, TimeOf(options));
            var name = $"{Times * Places} callers {how}";
            if (seen.Admitted.Count > 0)
                results.Add(new($"{name}, admitted", unit, seen.Times.Millis(0.99), $"{Places} callers", usual.Times.Millis(0.99)));
            if (seen.Refused.Count > 0)
                results.Add(new($"{name}, refused", unit, seen.Refusals.Millis(0.99), $"{Places} callers, admitted",
                    usual.Times.Millis(0.99)));
            results.Add(new(name, "answers other than 201, or 503 with Retry-After", seen.Wrong + told.Wrong, Goal: "= 0")
            {
                IsPromise = true,
            });
            results.Add(new(name, "calls admitted a second", told.Admitted / TimeOf(options).TotalSeconds));
            results.Add(new(name, "answers of 503, in 100", 100.0 * told.Refused / Math.Max(1, told.Refused + told.Admitted)));
        }

        async Task<(Seen Seen, Flood Told)> RunAsync(int callers, bool waits, TimeSpan time)
        {
            var flood = new Flood(client, callers, caller => $"over-{caller}", waits);
            var seen = await Probe.AskAsync(host.Client.BaseAddress!.Port, "one-more", time);
            await flood.DisposeAsync();
            return (seen, flood);
        }
    }

    /// <summary>Callers that hold again and again, each for an account, until they are told to end.</summary>
    sealed class Flood : IAsyncDisposable
    {
        readonly CancellationTokenSource end = new();
        readonly Task all;
        int admitted, refused, wrong;

        public Flood(HttpClient client, int callers, Func<int, string> accountOf, bool waitsAsTold) =>
            all = Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
            {
                while (!end.IsCancellationRequested)
                {
                    var (status, wait) = await HoldAsync(client, accountOf(caller));
                    Interlocked.Increment(
                        ref status == 201 ? ref admitted : ref status == 503 && wait is not null ? ref refused : ref wrong);
                    if (waitsAsTold && wait is { } time)
                        await Task.Delay(time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            })));

        public int Admitted => Volatile.Read(ref admitted);
        public int Refused => refused;
        public int Wrong => wrong;

        public async ValueTask DisposeAsync()
        {
            await end.CancelAsync();
            await all;
            end.Dispose();
        }
    }

    static Task<HostProcess> StartAsync(TemporaryFolder folder, params (string Name, string Value)[] more) =>
        HostProcess.StartAsync([("PURSER_DATA", folder.Path), ("Logging__LogLevel__Default", "Warning"), .. more]);

    static HttpClient ClientOf(HostProcess host) => ClientOf(host.Client.BaseAddress!);

    static HttpClient ClientOf(Uri address) => new(new SocketsHttpHandler { MaxConnectionsPerServer = 20 * Places })
    {
        BaseAddress = address, DefaultRequestVersion = HttpVersion.Version11,
    };

    /// <summary>A hold, and how long a refusal says to wait.</summary>
    static async Task<(int Status, TimeSpan? Wait)> HoldAsync(HttpClient client, string account)
    {
        using var content = new StringContent(Call.HoldBody(Call.NextId()), Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync($"/v1/accounts/{account}/reservations", content);
        return ((int)answer.StatusCode, answer.Headers.RetryAfter?.Delta);
    }
}
