// `./run bench soak`: a host at half of its rate for an hour, while its clock jumps, clients are cut off, old records go and the journal is
// compacted: memory, disk and latency stay flat, and at the end the books are equal.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

sealed class Soak : IAsyncDisposable
{
    const int Accounts = 200;
    const int Callers = 32;
    const int Samples = 12;

    readonly TemporaryFolder folder = new();
    readonly TextWriter to;
    readonly Random random = new(1);
    readonly ConcurrentQueue<double> latencies = new();
    readonly long[] settled = new long[Accounts];

    /// <summary>Each caller speaks through one of these; one is broken off now and then, as if its process was killed.</summary>
    readonly HttpClient[] clients = new HttpClient[Callers];
    HostProcess host = null!;
    long started;
    long done;
    long repeated;
    long unexpected;
    string lastUnexpected = "";

    Soak(TextWriter to) => this.to = to;

    string ShiftFile => Path.Combine(folder.Path, "shift");

    static string? ClockLibrary => Directory.Exists("/usr/lib") ? Directory.EnumerateFiles("/usr/lib", "libfaketime.so.1",
        new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).FirstOrDefault() : null;

    public static async Task<int> RunAsync(TextWriter to, string[] arguments)
    {
        if (arguments is not ([] or ["--minutes", _]) || !double.TryParse(arguments is [_, var given] ? given : "60",
            NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var minutes) || minutes <= 0)
        {
            await Console.Error.WriteLineAsync("usage: ./run bench soak [--minutes N]    (60 where it is not given)");
            return 2;
        }
        await using var soak = new Soak(to);
        return await soak.RunAsync(TimeSpan.FromMinutes(minutes)) ? 0 : 1;
    }

    async Task<bool> RunAsync(TimeSpan length)
    {
        await StartAsync();
        var rate = await HighestAsync() / 2;
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{length.TotalMinutes:0.#} minutes at {rate:0} lifecycles/s, half of the highest rate over {Callers} connections; "
                + $"{Accounts} accounts"));
        to.WriteLine("| minute | lifecycles/s | p50 ms | p99 ms | memory MiB | disk MiB | 503 and repeated | event |");
        to.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        latencies.Clear();
        var clock = Stopwatch.StartNew();
        using var end = new CancellationTokenSource();
        var load =
            Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller, rate / Callers, end.Token))));
        var (before, last) = (Interlocked.Read(ref done), TimeSpan.Zero);
        for (var sample = 1; sample <= Samples; sample++)
        {
            var happened = await EventAsync(sample);
            await Task.Delay((length * sample / Samples) - clock.Elapsed is { Ticks: > 0 } rest ? rest : TimeSpan.Zero);
            var (now, at) = (Interlocked.Read(ref done), clock.Elapsed);
            Print(at, (now - before) / (at - last).TotalSeconds, happened);
            (before, last) = (now, at);
        }
        await end.CancelAsync();
        await load;
        return await CompareAsync();
    }

    async Task StartAsync()
    {
        await SetClockAsync("+0");
        var settings = new List<(string, string)>
        {
            ("PURSER_DATA", Path.Combine(folder.Path, "data")), ("PURSER_COMPACTION", "on"), ("PURSER_RETENTION_DAYS", "1"),
            ("Logging__LogLevel__Default", "None"),
        };
        if (ClockLibrary is { } library)
            settings.AddRange([("LD_PRELOAD", library), ("FAKETIME_TIMESTAMP_FILE", ShiftFile), ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
        host = await HostProcess.StartAsync([.. settings]);
        for (var i = 0; i < Callers; i++) clients[i] = NewClient();
        const string policy = """{"limits":[{"id":"hourly","unit":"tokens","window":"hour","amount":1000000000000},{"id":"ever","unit":"tokens","window":"lifetime","amount":1000000000000}]}""";
        for (var account = 0; account < Accounts; account++)
        {
            using var set = await host.Client.PutAsync($"/v1/accounts/soak-{account}/policy", Json(policy));
            set.EnsureSuccessStatusCode();
        }
    }

    HttpClient NewClient() =>
        new(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = host.Client.BaseAddress };

    async Task<double> HighestAsync()
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var (clock, before) = (Stopwatch.StartNew(), Interlocked.Read(ref done));
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller, double.MaxValue, end.Token))));
        return (Interlocked.Read(ref done) - before) / clock.Elapsed.TotalSeconds;
    }

    /// <summary>Lifecycles at a pace, until the end; one that was begun is finished.</summary>
    async Task CallAsync(int caller, double perSecond, CancellationToken end)
    {
        var clock = Stopwatch.StartNew();
        for (var sent = 0L; !end.IsCancellationRequested; sent++)
        {
            if (perSecond < double.MaxValue && TimeSpan.FromSeconds(sent / perSecond) - clock.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early, CancellationToken.None);
            var number = Interlocked.Increment(ref started);
            var account = (int)(number % Accounts);
            var began = Stopwatch.GetTimestamp();
            await SendAsync(caller, $"/v1/accounts/soak-{account}/reservations", $$"""{"id":"h{{number}}","tokens":100,"ttlSeconds":600}""", 201);
            await SendAsync(caller, $"/v1/accounts/soak-{account}/reservations/h{number}/settle",
                $$"""{"id":"u{{number}}","inputTokens":60,"outputTokens":20,"user":"user-{{number % 50}}"}""", 200);
            latencies.Enqueue(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            Interlocked.Add(ref settled[account], 80);
            Interlocked.Increment(ref done);
        }
    }

    /// <summary>Again and again with the same id, until there is an answer.</summary>
    async Task SendAsync(int caller, string path, string body, int wanted)
    {
        while (true)
        {
            try
            {
                using var answer = await clients[caller].PostAsync(path, Json(body));
                if ((int)answer.StatusCode == wanted) return;
                if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
                {
                    Interlocked.Increment(ref unexpected);
                    lastUnexpected = await answer.Content.ReadAsStringAsync();
                    return;
                }
            }
            catch (Exception broken) when (
                broken is HttpRequestException or OperationCanceledException or ObjectDisposedException or IOException)
            {
                // Its client was broken off; nobody knows what became of the call.
            }
            Interlocked.Increment(ref repeated);
            await Task.Delay(20);
        }
    }

    static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>What befalls the host in a part of the run.</summary>
    async Task<string> EventAsync(int sample)
    {
        for (var i = 0; i < 4; i++)
        {
            var caller = random.Next(Callers);
            var old = clients[caller];
            clients[caller] = NewClient();
            old.Dispose();
        }
        if (ClockLibrary is null) return "4 clients cut off (no libfaketime: the clock does not jump)";
        switch (sample)
        {
            case 3:
                await SetClockAsync("+30d");
                return "4 clients cut off; clock +30 d, held back";
            case 4:
                await SetClockAsync("+0");
                return "4 clients cut off; clock back";
            case 5:
                await SetClockAsync("-1d");
                return "4 clients cut off; clock -1 d, held back";
            case 6:
                await SetClockAsync("+0");
                return "4 clients cut off; clock back";
            case 8:
                await SetClockAsync("+3d");
                return "4 clients cut off; clock +3 d, held back";
            case 9:
                using (var accepted = await host.Client.PostAsync("/v1/clock/accept", Json("""{"reason":"soak"}""")))
                    return $"4 clients cut off; +3 d accepted ({(int)accepted.StatusCode}): records go, compaction";
            default:
                return "4 clients cut off";
        }
    }

    async Task SetClockAsync(string shift)
    {
        await File.WriteAllTextAsync(ShiftFile + ".new", shift);
        File.Move(ShiftFile + ".new", ShiftFile, overwrite: true);
    }

    void Print(TimeSpan at, double rate, string happened)
    {
        var sorted = new List<double>(latencies.Count);
        while (latencies.TryDequeue(out var one)) sorted.Add(one);
        sorted.Sort();
        double Quantile(double part) => sorted.Count == 0 ? 0 : sorted[(int)Math.Min(sorted.Count - 1, part * sorted.Count)];
        using var process = Process.GetProcessById(host.Id);
        var disk = new DirectoryInfo(Path.Combine(folder.Path, "data")).EnumerateFiles().Sum(file => file.Length);
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {at.TotalMinutes:0.0} | {rate:0} | {Quantile(0.5):0.00} | {Quantile(0.99):0.0} | {process.WorkingSet64 >> 20} | "
                + $"{disk >> 20} | "
                + $"{Interlocked.Exchange(ref repeated, 0)} | {happened} |"));
    }

    async Task<bool> CompareAsync()
    {
        var wrong = 0;
        for (var account = 0; account < Accounts; account++)
        {
            var report = await AskAsync($"/v1/reports?account=soak-{account}");
            var status = await AskAsync($"/v1/accounts/soak-{account}");
            var limit = status.GetProperty("limits").EnumerateArray().First(one => one.GetProperty("limitId").GetString() == "ever");
            var (booked, counted, held) = (report.GetProperty("summary").GetProperty("totalTokens").GetInt64(),
                limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
            if (booked == settled[account] && counted == settled[account] && held == 0) continue;
            if (++wrong <= 5)
                to.WriteLine($"soak-{account}: {settled[account]} acknowledged, {booked} reported, {counted} counted, {held} held");
        }
        using var verified = await host.Client.PostAsync("/v1/verify", null);
        var holds = JsonDocument.Parse(await verified.Content.ReadAsStringAsync()).RootElement.GetProperty("holds").GetBoolean();
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Interlocked.Read(ref done)} lifecycles; {unexpected} answers that nobody expected {lastUnexpected}; books of "
                + $"{Accounts - wrong} of {Accounts} "
                + $"accounts equal; verify {(holds ? "holds" : "finds something")}"));
        return wrong == 0 && unexpected == 0 && holds;
    }

    async Task<JsonElement> AskAsync(string path)
    {
        using var answer = await host.Client.GetAsync(path);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) client?.Dispose();
        if (host is not null) await host.DisposeAsync();
        folder.Dispose();
    }
}
