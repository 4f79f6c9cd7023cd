// `./run bench soak`: a host at half of its rate for an hour, while its clock jumps, client processes are killed, old records go and the
// journal is compacted: memory, disk and latency stay flat, and at the end the books are equal.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

sealed class Soak : IAsyncDisposable
{
    const int Accounts = 200;
    const int Clients = 4;
    const int CallersEach = 8;
    const int Samples = 12;

    static readonly TimeSpan fullRun = TimeSpan.FromSeconds(5);

    readonly TemporaryFolder folder = new();
    readonly TextWriter to;
    readonly ConcurrentQueue<double> latencies = new();
    readonly long[] settled = new long[Accounts];

    /// <summary>Processes that call; one of them is killed in each part of the run, and another repeats what it had begun.</summary>
    readonly Caller?[] callers = new Caller?[Clients];
    HostProcess host = null!;
    long numbered;
    long done;
    long repeated;
    long inherited;
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
        var rate = await HighestAsync(length / 4 < fullRun ? length / 4 : fullRun) / 2;
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{length.TotalMinutes:0.#} minutes at {rate:0} lifecycles/s, half of the highest rate of {Clients} clients with {CallersEach} "
                + $"connections each; {Accounts} accounts"));
        to.WriteLine("| minute | lifecycles/s | p50 ms | p99 ms | memory MiB | disk MiB | sent again | event |");
        to.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        latencies.Clear();
        var clock = Stopwatch.StartNew();
        for (var place = 0; place < Clients; place++) await StartClientAsync(place, rate / Clients);
        var (before, last) = (Interlocked.Read(ref done), TimeSpan.Zero);
        for (var sample = 1; sample <= Samples; sample++)
        {
            var happened = await EventAsync(sample, rate / Clients);
            await Task.Delay((length * sample / Samples) - clock.Elapsed is { Ticks: > 0 } rest ? rest : TimeSpan.Zero);
            var (now, at) = (Interlocked.Read(ref done), clock.Elapsed);
            Print(at, (now - before) / (at - last).TotalSeconds, happened);
            (before, last) = (now, at);
        }
        await EndClientsAsync();
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
        const string policy = """{"limits":[{"id":"hourly","unit":"tokens","window":"hour","amount":1000000000000},{"id":"ever","unit":"tokens","window":"lifetime","amount":1000000000000}]}""";
        for (var account = 0; account < Accounts; account++)
        {
            using var set = await host.Client.PutAsync($"/v1/accounts/soak-{account}/policy", Json(policy));
            set.EnsureSuccessStatusCode();
        }
    }

    async Task<double> HighestAsync(TimeSpan length)
    {
        var (clock, before) = (Stopwatch.StartNew(), Interlocked.Read(ref done));
        for (var place = 0; place < Clients; place++) await StartClientAsync(place, 0);
        await Task.Delay(length);
        await EndClientsAsync();
        // Half of nothing would be no pace at all.
        return Math.Max(2, (Interlocked.Read(ref done) - before) / clock.Elapsed.TotalSeconds);
    }

    /// <summary>Another process in a place. It begins with what the one before it had begun and not finished.</summary>
    async Task StartClientAsync(int place, double perSecond, IReadOnlyCollection<long>? unfinished = null)
    {
        // Numbers that no process had yet, each process its own.
        var from = Interlocked.Add(ref numbered, 1_000_000_000);
        var load = new SoakLoad(host.Client.BaseAddress!, CallersEach, from, perSecond, Accounts);
        callers[place] = await Caller.StartAsync(load, unfinished ?? [], this);
    }

    async Task EndClientsAsync() => await Task.WhenAll(callers.OfType<Caller>().Select(caller => caller.EndAsync()));

    /// <summary>kill -9 in the middle of its calls, and a process in its place that repeats them under the same ids.</summary>
    async Task<string> KillOneAsync(int sample, double perSecond)
    {
        var place = sample % Clients;
        var unfinished = await callers[place]!.KillAsync();
        inherited += unfinished.Count;
        await StartClientAsync(place, perSecond, unfinished);
        return "a client killed";
    }

    /// <summary>A client's process, and what it said of its lifecycles.</summary>
    sealed class Caller : IAsyncDisposable
    {
        readonly Process process;
        readonly HashSet<long> open;
        readonly Task hearing;

        Caller(Process process, IReadOnlyCollection<long> unfinished, Soak soak)
        {
            (this.process, open) = (process, [.. unfinished]);
            hearing = HearAsync(soak);
        }

        public static async Task<Caller> StartAsync(SoakLoad load, IReadOnlyCollection<long> unfinished, Soak soak)
        {
            var process = ServerProcess.Start(new ProcessStartInfo(Environment.ProcessPath!, load.ToArguments())
            {
                RedirectStandardInput = true, RedirectStandardOutput = true,
            });
            foreach (var number in unfinished) await process.StandardInput.WriteLineAsync(SoakLoad.Text(number));
            await process.StandardInput.WriteLineAsync();
            await process.StandardInput.FlushAsync();
            return new(process, unfinished, soak);
        }

        async Task HearAsync(Soak soak)
        {
            while (await process.StandardOutput.ReadLineAsync() is { } line)
                switch (line.Split(' ', 4))
                {
                    case ["begun", var number]:
                        open.Add(SoakLoad.Number(number));
                        break;
                    case ["done", var number, var milliseconds, var repeats]:
                        open.Remove(SoakLoad.Number(number));
                        soak.Done(SoakLoad.Number(number), double.Parse(milliseconds, CultureInfo.InvariantCulture),
                            SoakLoad.Number(repeats));
                        break;
                    default:
                        soak.Unexpected(line);
                        break;
                }
        }

        /// <summary>What it had begun, or was still to repeat, when it was killed.</summary>
        public async Task<IReadOnlyCollection<long>> KillAsync()
        {
            process.Kill();
            await process.WaitForExitAsync();
            await hearing;
            return [.. open];
        }

        /// <summary>It finishes what it has begun.</summary>
        public async Task EndAsync()
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            await hearing;
            if (process.ExitCode != 0 || open.Count > 0)
                throw new InvalidOperationException($"a client ended with {process.ExitCode} and {open.Count} unfinished lifecycles");
        }

        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    void Done(long number, double milliseconds, long repeats)
    {
        latencies.Enqueue(milliseconds);
        Interlocked.Add(ref settled[number % Accounts], SoakLoad.Tokens);
        Interlocked.Add(ref repeated, repeats);
        Interlocked.Increment(ref done);
    }

    void Unexpected(string line)
    {
        Interlocked.Increment(ref unexpected);
        lastUnexpected = line;
    }

    static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>What befalls the host in a part of the run. The clock first: what a killed client had begun is repeated in its own
    /// time.</summary>
    async Task<string> EventAsync(int sample, double perSecond)
    {
        var jump = ClockLibrary is null ? " (no libfaketime: the clock does not jump)" : await JumpAsync(sample, perSecond);
        return await KillOneAsync(sample, perSecond) + jump;
    }

    async Task<string> JumpAsync(int sample, double perSecond)
    {
        switch (sample)
        {
            case 3:
                await SetClockAsync("+30d");
                return "; clock +30 d, held back";
            case 5:
                await SetClockAsync("-1d");
                return "; clock -1 d, held back";
            case 4 or 6:
                await SetClockAsync("+0");
                return "; clock back";
            case 8:
                await SetClockAsync("+3d");
                return "; clock +3 d, held back";
            case 9:
                // What is held now runs out when the clock is accepted: the calls end first.
                await EndClientsAsync();
                using (var accepted = await host.Client.PostAsync("/v1/clock/accept", Json("""{"reason":"soak"}""")))
                {
                    for (var place = 0; place < Clients; place++) await StartClientAsync(place, perSecond);
                    return $"; +3 d accepted ({(int)accepted.StatusCode}): records go, compaction";
                }
            default:
                return "";
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
        var verification = await verified.Content.ReadAsStringAsync();
        var holds = JsonDocument.Parse(verification).RootElement.GetProperty("holds").GetBoolean();
        if (!holds) to.WriteLine(verification);
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Interlocked.Read(ref done)} lifecycles; {Samples} clients killed, whose {inherited} unfinished lifecycles others finished; "
                + $"{unexpected} answers that nobody expected {lastUnexpected}; books of "
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
        foreach (var caller in callers.OfType<Caller>()) await caller.DisposeAsync();
        if (host is not null) await host.DisposeAsync();
        folder.Dispose();
    }
}
