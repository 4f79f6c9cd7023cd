// The whole comparison: every contender in turn, round after round, so that whatever else the machine does meets all of them alike.
using System.Globalization;
using Purser.Conformance.Servers;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

/// <summary>A contender under one kind of load. Those on memory start anew each round: what they keep would fill the machine.</summary>
sealed record Load(Entrant Entrant, bool Hot, int Callers)
{
    public List<Measured> Rounds { get; } = [];

    public double Median(Func<Measured, double> of) => Rounds.Select(of).Median();

    public string Name => $"{Entrant.Name}, {(Hot ? "one account" : "10,000 accounts")}, {Callers} {(Callers == 1 ? "caller" : "callers")}";
}

sealed class Entrant(string name, Func<Task<IContender>> start, bool anew = false)
{
    static readonly string[] hot = ["hot"];
    static readonly string[] spread =
        [.. Enumerable.Range(0, 10_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"account-{i:D5}"))];

    IContender? running;
    bool isWarm;

    public string Name => name;

    public static IReadOnlyList<string> Accounts(bool isHot) => isHot ? hot : spread;

    public async Task<IContender> StartAsync(TimeSpan warmUp)
    {
        if (running is not null) return running;
        running = await start();
        await running.PrepareAsync([.. hot, .. spread], Call.Plenty);
        // A new one of the same kind finds its code compiled.
        if (isWarm) warmUp /= 4;
        await WarmingUp.RunAsync(running, [hot, spread], warmUp);
        isWarm = true;
        return running;
    }

    public async Task PauseAsync()
    {
        if (anew) await EndAsync();
    }

    public async Task EndAsync()
    {
        if (running is not null) await running.DisposeAsync();
        running = null;
        GC.Collect();
    }
}

public static class Comparison
{
    const string Redis = "Redis, Lua scripts";
    public const string StackExchange = "Redis, Lua scripts, StackExchange.Redis";
    const string RowLocks = "PostgreSQL, row-locking UPDATEs";
    const string OnMemory = "Purser on memory";
    const string OnSqlite = "Purser on SQLite";
    const string OnPostgres = "Purser on PostgreSQL";
    const string OverHttp = "Purser over HTTP, SQLite";
    const string Constant = "a constant over HTTP";

    const int OverspendCallers = 256;

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        await using var postgres = await PostgresAsync();
        var entrants = Entrants(postgres).Where(entrant => options.Includes(entrant.Name)).ToArray();
        var loads = entrants.SelectMany(LoadsOf).ToArray();
        try
        {
            for (var round = 0; round < options.Rounds; round++)
                foreach (var load in loads)
                {
                    var contender = await load.Entrant.StartAsync(options.WarmUp);
                    load.Rounds.Add(await Measuring.RunAsync(contender, Entrant.Accounts(load.Hot), load.Callers, options.Round));
                    BenchCommand.Say($"round {round + 1}: {load.Name}: {load.Rounds[^1].PerSecond:0}/s");
                    await load.Entrant.PauseAsync();
                }
            Report(loads, results);
            foreach (var entrant in entrants.Where(entrant => entrant.Name != Constant))
            {
                var (over, unused) = await Measuring.OverspendAsync(await entrant.StartAsync(options.WarmUp), OverspendCallers);
                var (name, isPromise) = ($"{entrant.Name}, {OverspendCallers} callers on one limit", entrant.Name.StartsWith("Purser"));
                results.Add(new(name, "tokens over the limit", over, Goal: "= 0") { IsPromise = isPromise });
                results.Add(new(name, "tokens refused although they fit", unused, Goal: "= 0") { IsPromise = isPromise });
                await entrant.PauseAsync();
            }
        }
        finally
        {
            foreach (var entrant in entrants) await entrant.EndAsync();
        }
    }

    static async Task<PostgresServer?> PostgresAsync()
    {
        if (PostgresServer.Missing is not { } missing) return await PostgresServer.StartAsync();
        BenchCommand.Say("left out: everything on PostgreSQL: " + missing);
        return null;
    }

    static IEnumerable<Entrant> Entrants(PostgresServer? postgres)
    {
        // Baselines first: each row is set against what they did in the same round.
        if (RedisServer.Missing is { } missing) BenchCommand.Say("left out: the baseline on Redis: " + missing);
        else
        {
            yield return new(Redis, async () => await RedisContender.StartAsync());
            yield return new(StackExchange, async () => await StackExchangeContender.StartAsync());
        }
        if (postgres is not null) yield return new(RowLocks, async () => await RowLockContender.StartAsync(postgres));
        yield return new(OnMemory, () => Task.FromResult<IContender>(new PurserContender(OnMemory, new MemoryLedger())), anew: true);
        yield return new(OnSqlite, async () =>
        {
            var folder = new TemporaryFolder();
            return new PurserContender(OnSqlite, await SqliteLedger.OpenAsync(folder.Path), also: folder);
        });
        if (postgres is not null)
            yield return new(OnPostgres, async () => new PurserContender(
                OnPostgres, await PostgresLedger.OpenAsync(await postgres.NewDatabaseAsync()), () => postgres.IsPrivate
                    ? Processor.WithChildren(postgres.ProcessId) : []));
        yield return new(Constant, async () => await HttpContender.StartConstantAsync(Constant));
        yield return new(OverHttp, async () => await HttpContender.StartAsync(OverHttp));
    }

    static IEnumerable<Load> LoadsOf(Entrant entrant)
    {
        foreach (var hot in new[] { true, false })
        {
            yield return new(entrant, hot, 64);
            if (entrant.Name is not (OverHttp or Constant)) yield return new(entrant, hot, 512);
        }
        // One caller is one transaction for each operation: what group commit is measured against.
        if (entrant.Name == OnPostgres) yield return new(entrant, true, 1);
    }

    static void Report(IReadOnlyList<Load> loads, Results results)
    {
        foreach (var load in loads)
        {
            var against = Against(load) is { } baseline
                ? loads.FirstOrDefault(other => other.Entrant.Name == baseline && other.Hot == load.Hot && other.Callers == load.Callers)
                    : null;
            results.Add(new(load.Name, "lifecycles/s", load.Median(round => round.PerSecond), against?.Entrant.Name,
                against?.Median(round => round.PerSecond), against is null ? null : Goal(load)));
        }
        if (loads.FirstOrDefault(load => load.Entrant.Name == OnPostgres && load is { Hot: true, Callers: 64 }) is { } grouped
            && loads.FirstOrDefault(load => load.Entrant.Name == OnPostgres && load.Callers == 1) is { } alone)
            results.Add(new(
                "group commit: " + grouped.Name, "lifecycles/s", grouped.Median(round => round.PerSecond), "one transaction per operation",
                alone.Median(round => round.PerSecond), ">= 10"));
        foreach (var http in loads.Where(load => load.Entrant.Name == OverHttp))
        {
            var constant = loads.FirstOrDefault(load => load.Entrant.Name == Constant && load.Hot == http.Hot);
            results.Add(new(http.Name, "lifecycles/s through HTTP", http.Median(round => round.PerSecond), Goal: ">= 15000"));
            if (constant is not null)
                results.Add(new(http.Name, "lifecycles/s through HTTP, of a constant's", http.Median(round => round.PerSecond), Constant,
                    constant.Median(round => round.PerSecond), ">= 0.6"));
        }
        foreach (var load in loads) results.Add(new(load.Name, "ms, p50 of a lifecycle", load.Median(round => round.P50Ms)));
        foreach (var load in loads)
            results.Add(new(load.Name, "ms, p99 of a lifecycle", load.Median(round => round.P99Ms), Goal: load.Entrant.Name == OverHttp
                ? "< 10" : null));
        foreach (var load in loads)
            results.Add(new(load.Name, "µs of processor per lifecycle, client included", load.Median(round => round.CpuMicros),
                Goal: load.Entrant.Name == OnSqlite ? "< 40" : null));
        // Of the others nothing but the client is in this process.
        foreach (var load in loads.Where(load => load.Entrant.Name is OnMemory or OnSqlite or OnPostgres))
            results.Add(new(load.Name, "bytes allocated per lifecycle, client included", load.Median(round => round.Bytes)));
    }

    static string? Against(Load load) => load.Entrant.Name switch
    {
        OnMemory or OnSqlite or OverHttp => Redis,
        OnPostgres => RowLocks,
        _ => null,
    };

    static string? Goal(Load load) => (load.Entrant.Name, load.Callers, load.Hot) switch
    {
        (OnSqlite, 64, _) => ">= 3",
        (OnSqlite, 512, _) => ">= 2",
        (OnPostgres, > 1, true) => ">= 15",
        (OnPostgres, > 1, false) => ">= 5",
        _ => null,
    };

}
