// Latency at a fixed pace: calls come when they come, whether or not those before them are answered, and wait from the moment they were
// due.
using System.Diagnostics;
using System.Runtime.InteropServices;
using Purser.Conformance.Servers;

namespace Purser.Bench;

static class PacedLatency
{
    static readonly string[] accounts = [.. Entrant.Accounts(isHot: false).Take(1000)];

    /// <summary>Milliseconds of one round, sorted: until the hold was answered, until the settlement was, and how late the sender
    /// was.</summary>
    sealed record Paced(long[] Hold, long[] Lifecycle, long[] Late);

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        await using var postgres = PostgresServer.Missing is null ? await PostgresServer.StartAsync() : null;
        // The projector and snapshots always run; compaction does where it is on.
        (string, string)[] compacting = [("PURSER_COMPACTION", "on")];
        List<(string Name, Func<Task<IContender>> StartAsync)> entrants =
            [("Purser over HTTP, SQLite", async () => await HttpContender.StartAsync("Purser over HTTP, SQLite", compacting))];
        if (postgres is not null)
            entrants.Add(("Purser over HTTP, PostgreSQL", async () => await HttpContender.StartAsync("Purser over HTTP, PostgreSQL",
                [("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", await postgres.NewDatabaseAsync()), .. compacting])));
        // What the machine, the server and the sender themselves take of it.
        entrants.Add(("Constant answers over HTTP", async () => await HttpContender.StartConstantAsync("Constant answers over HTTP")));
        if (RedisServer.Missing is null) entrants.Add(("Redis, Lua scripts", async () => await RedisContender.StartAsync()));
        if (postgres is not null)
            entrants.Add(("PostgreSQL, row-locking UPDATEs", async () => await RowLockContender.StartAsync(postgres)));
        (string Name, double Highest)? first = null;
        foreach (var (name, startAsync) in entrants.Where(entrant => options.Includes(entrant.Name)))
        {
            await using var contender = await startAsync();
            await contender.PrepareAsync(accounts, Call.Plenty);
            // At the same pace as the first one, as far as they can.
            var highest = await OneAsync(name, contender, options, results, first);
            first ??= (name, highest);
        }
    }

    /// <summary>The highest rate.</summary>
    static async Task<double> OneAsync(string name, IContender contender, BenchOptions options, Results results,
        (string Name, double Highest)? first)
    {
        await WarmingUp.RunAsync(contender, [accounts], options.WarmUp);
        var highest = (await Measuring.RunAsync(contender, accounts, HttpContender.MostConnections, options.Round)).PerSecond;
        results.Add(new($"{name}, 64 callers without a pace", "lifecycles/s, the highest rate", highest));
        var half = first is { } other && other.Highest < highest
            ? ($"half of the highest rate of {other.Name}", other.Highest / 2) : ("half of its highest rate", highest / 2);
        var rates = options.Quick ? [("50/s", 50.0)] : new[] { ("1,000/s", 1000.0), ("2,000/s", 2000.0), half };
        foreach (var (title, rate) in rates)
        {
            List<Paced> rounds = [];
            for (var round = 0; round < options.Rounds; round++)
                rounds.Add(await PaceAsync(contender, rate, TimeSpan.FromSeconds(options.Quick ? 1 : 4)));
            var isPurser = name.StartsWith("Purser", StringComparison.Ordinal);
            foreach (var (quantile, of, goal) in new[] { (0.5, "p50", "< 1.5"), (0.99, "p99", "< 5"), (0.999, "p99.9", "< 20") })
            {
                results.Add(new($"{name}, {title}", $"ms, {of} of a hold at a pace", Median(rounds, quantile, one => one.Hold),
                    Goal: isPurser ? goal : null));
                results.Add(new($"{name}, {title}", $"ms, {of} of a lifecycle at a pace",
                    Median(rounds, quantile, one => one.Lifecycle)));
            }
            results.Add(new($"{name}, {title}", "ms, p99 that the sender itself was late", Median(rounds, 0.99, one => one.Late)));
            BenchCommand.Say($"latency: {name}, {title}: p99 of a hold {Median(rounds, 0.99, one => one.Hold):0.00} ms");
        }
        return highest;
    }

    static double Median(List<Paced> rounds, double quantile, Func<Paced, long[]> of) =>
        rounds.Select(one => Measuring.Millis(of(one), quantile)).Median();

    static async Task<Paced> PaceAsync(IContender contender, double rate, TimeSpan duration)
    {
        var count = (int)(rate * duration.TotalSeconds);
        var (hold, lifecycle, late) = (new long[count], new long[count], new long[count]);
        var running = new Task[count];
        var sender = new Thread(() =>
        {
            var (start, step) = (Stopwatch.GetTimestamp(), Stopwatch.Frequency / rate);
            for (var i = 0; i < count; i++)
            {
                var due = start + (long)(i * step);
                // Finer than the sleep of .NET, and without taking a processor from those that are measured.
                while (Stopwatch.GetTimestamp() < due) _ = Sleep(100);
                var number = i;
                running[i] = Task.Run(() => CallAsync(number, due));
            }
        });
        sender.Start();
        await Task.Run(sender.Join);
        await Task.WhenAll(running);
        foreach (var times in new[] { hold, lifecycle, late }) Array.Sort(times);
        return new(hold, lifecycle, late);

        async Task CallAsync(int number, long due)
        {
            late[number] = Stopwatch.GetTimestamp() - due;
            var (account, id) = (accounts[number * 7919 % accounts.Length], Call.NextId());
            if (!await contender.ReserveAsync(number, account, id))
                throw new InvalidOperationException($"{contender.Name} refused a call that fits");
            hold[number] = Stopwatch.GetTimestamp() - due;
            await contender.SettleAsync(number, account, id);
            lifecycle[number] = Stopwatch.GetTimestamp() - due;
        }
    }

    [DllImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int Sleep(uint microseconds);
}
