// The table of the field: how many calls each way to keep a budget lets through beyond a limit, refuses although they fit, and forgets when
// its processes are killed.
using System.Collections.Concurrent;
using System.Diagnostics;
using Purser.Conformance.Servers;

namespace Purser.Bench;

static class Field
{
    /// <summary>All at once on one limit, with room for <see cref="Fits"/> of their calls.</summary>
    public const int Callers = 256;
    const int Asks = 4;
    const int Fits = 100;

    /// <summary>Calls at once on a limit that has room for just these.</summary>
    const int Burst = 20;

    /// <summary>Callers that are in the middle of something when everything is killed.</summary>
    const int KilledCallers = 64;

    const long Tokens = Call.Estimate;

    /// <summary>How long a call is on its way to the provider: short, for a model.</summary>
    static readonly TimeSpan call = TimeSpan.FromMilliseconds(20);

    /// <summary>While everything is killed: so short that the kill meets many of them in the middle of a step.</summary>
    static readonly TimeSpan killedCall = TimeSpan.FromMilliseconds(2);

    /// <summary>The figures, in calls, with the heads of their columns. None of them may be other than 0 for Purser.</summary>
    public static readonly (string Unit, string Head)[] Figures =
    [
        ("calls over the limit", "over the limit"), ("calls refused although they fit", "refused, fit"),
        ($"calls refused of {Burst} that fit", $"refused of {Burst}"),
        ($"calls refused of {Burst} that fit, after one that did not", "after a refusal"),
        ($"calls counted twice of {Burst} whose answers were lost", $"twice of {Burst}"),
        ("calls forgotten after kill -9", "forgotten"), ("calls counted twice after kill -9", "twice, killed"),
    ];

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        await using var postgres = PostgresServer.Missing is null ? await PostgresServer.StartAsync() : null;
        await using var redis = RedisServer.Missing is null ? await RedisServer.StartAsync("always") : null;
        using var npm = new TemporaryFolder();
        foreach (var (name, start) in Contenders(postgres, redis, npm.Path))
        {
            if (!options.Includes(name)) continue;
            if (start is null)
            {
                results.LeaveOut(name, "PostgreSQL, Redis or npm is missing here");
                continue;
            }
            var clock = Stopwatch.StartNew();
            await using var contender = await start();
            var worst = new long[Figures.Length];
            for (var round = 0; round < (options.Quick ? 1 : 3); round++)
            {
                var figures = await OneAsync(contender, TimeSpan.FromSeconds(options.Quick ? 0.7 : 2));
                for (var i = 0; i < worst.Length; i++) worst[i] = Math.Max(worst[i], figures[i]);
            }
            var isPurser = name.StartsWith("Purser", StringComparison.Ordinal);
            for (var i = 0; i < worst.Length; i++)
                results.Add(new(name, Figures[i].Unit, worst[i], Goal: isPurser ? "= 0" : null) { IsPromise = isPurser });
            BenchCommand.Say($"the field: {name}: {string.Join(", ", worst)} ({clock.Elapsed.TotalSeconds:0} s)");
        }
    }

    /// <summary>Null where something that it needs is missing.</summary>
    static IEnumerable<(string Name, Func<Task<IFieldContender>>? Start)> Contenders(PostgresServer? postgres, RedisServer? redis,
        string npm)
    {
        // A server that is not ours can not be killed.
        var ours = postgres is { IsPrivate: true } ? postgres : null;
        yield return ("Purser, embedded, SQLite", async () => new PurserField(await EmbeddedFieldHost.OnSqliteAsync()));
        yield return ("Purser, embedded, PostgreSQL", ours is null ? null
            : async () => new PurserField(await EmbeddedFieldHost.OnPostgresAsync(ours)));
        yield return ("Purser, cluster of two silos", ours is null || redis is null ? null
            : async () => new PurserField(await ClusterFieldHosts.StartAsync(ours, redis)));
        yield return ("Redis, Lua scripts", redis is null ? null : () => OpenedAsync(new RedisScriptsField(redis)));
        yield return ("PostgreSQL, row locks", ours is null ? null : async () => await RowLockField.StartAsync(ours));
        yield return ("Redis, check, then increment", redis is null ? null : () => OpenedAsync(new CheckThenIncrement(redis)));
        yield return ("counter, flushed each second", redis is null ? null : () => OpenedAsync(new FlushedCounterField(redis)));
        yield return ("rate-limiter-flexible on Redis", redis is null || ServerProcess.Find("npm") is null ? null : async () =>
        {
            foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "rate-limiter")))
                File.Copy(file, Path.Combine(npm, Path.GetFileName(file)));
            await ServerProcess.RunAsync("npm", "ci", "--prefix", npm, "--no-audit", "--no-fund", "--ignore-scripts");
            return await OpenedAsync(new RateLimiterField(redis, npm));
        });
    }

    static async Task<IFieldContender> OpenedAsync(RedisField contender)
    {
        await contender.OpenAsync();
        return contender;
    }

    /// <summary>In the order of <see cref="Figures"/>.</summary>
    public static async Task<long[]> OneAsync(IFieldContender contender, TimeSpan beforeKill)
    {
        var (over, unused) = await CrowdAsync(contender);
        var (_, refused) = await BurstAsync(contender, afterRefusal: false);
        var (larger, refusedAfter) = await BurstAsync(contender, afterRefusal: true);
        var repeated = await RepeatAsync(contender);
        var (lost, twice) = await KillAsync(contender, beforeKill);
        return [over + larger, unused, refused, refusedAfter, repeated, lost, twice];
    }

    static string NewAccount() => "field-" + Call.NextId();

    /// <summary>One call from its question to its booking; false where it was refused.</summary>
    static async Task<bool> CallAsync(IFieldContender contender, int caller, string account)
    {
        var id = Call.NextId();
        if (!await contender.AdmitAsync(caller, account, id, Tokens)) return false;
        await Task.Delay(call);
        await contender.BookAsync(caller, account, id, Tokens);
        return true;
    }

    static async Task<(long Over, long Unused)> CrowdAsync(IFieldContender contender)
    {
        var account = NewAccount();
        await contender.LimitAsync(account, Fits * Tokens);
        var made = await AtOnceAsync(Callers, async caller =>
        {
            var mine = 0;
            for (var i = 0; i < Asks; i++)
                if (await CallAsync(contender, caller, account))
                    mine++;
            return mine;
        });
        return (Math.Max(0, made.Sum() - Fits), Math.Max(0, Fits - made.Sum()));
    }

    /// <summary>Calls that just fit, all at once; before them there may be one that is larger than the limit.</summary>
    static async Task<(long Over, long Refused)> BurstAsync(IFieldContender contender, bool afterRefusal)
    {
        var account = NewAccount();
        await contender.LimitAsync(account, Burst * Tokens);
        if (afterRefusal && await contender.AdmitAsync(0, account, Call.NextId(), (Burst + 1) * Tokens)) return (1, 0);
        var made = await AtOnceAsync(Burst, async caller => await CallAsync(contender, caller, account) ? 1 : 0);
        return (0, Burst - made.Sum());
    }

    /// <summary>Each step is done, its answer is lost on the way, and its caller asks again under the same id.</summary>
    static async Task<long> RepeatAsync(IFieldContender contender)
    {
        var account = NewAccount();
        await contender.LimitAsync(account, Call.Plenty);
        await AtOnceAsync(Burst, async caller =>
        {
            var id = Call.NextId();
            for (var i = 0; i < 2; i++) await contender.AdmitAsync(caller, account, id, Tokens);
            for (var i = 0; i < 2; i++) await contender.BookAsync(caller, account, id, Tokens);
            return 1;
        });
        return Math.Max(0, (await contender.CountedAsync(account) / Tokens) - Burst);
    }

    /// <summary>All of them wait for the last one, and then begin together.</summary>
    static async Task<int[]> AtOnceAsync(int callers, Func<int, Task<int>> run)
    {
        var (ready, go) = (new CountdownEvent(callers), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var running = Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            if (ready.Signal()) go.SetResult();
            await go.Task;
            return await run(caller);
        })).ToArray();
        var results = await Task.WhenAll(running);
        ready.Dispose();
        return results;
    }

    /// <summary>
    /// Callers make one call after the other while everything is killed. Then each asks again for what nobody answered, as clients do, and
    /// every call has to be counted once.
    /// </summary>
    static async Task<(long Lost, long Twice)> KillAsync(IFieldContender contender, TimeSpan beforeKill)
    {
        var account = NewAccount();
        await contender.LimitAsync(account, Call.Plenty);
        var (made, isKilling, unfinished) = (0L, false, new ConcurrentBag<(string Id, bool IsAdmitted)>());
        var some = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var callers = Enumerable.Range(0, KilledCallers).Select(caller => Task.Run(async () =>
        {
            while (true)
            {
                var (id, isAdmitted) = (Call.NextId(), false);
                try
                {
                    isAdmitted = await contender.AdmitAsync(caller, account, id, Tokens);
                    await Task.Delay(killedCall);
                    await contender.BookAsync(caller, account, id, Tokens);
                    if (Interlocked.Increment(ref made) == KilledCallers) some.SetResult();
                }
                catch (Exception) when (Volatile.Read(ref isKilling))
                {
                    unfinished.Add((id, isAdmitted));
                    return;
                }
            }
        })).ToArray();
        // However busy the machine is, there is something to forget.
        await Task.WhenAny(Task.WhenAll(Task.Delay(beforeKill), some.Task), Task.WhenAny(callers));
        Volatile.Write(ref isKilling, true);
        await contender.KillAsync();
        await Task.WhenAll(callers);
        await contender.StartAgainAsync();
        foreach (var (id, isAdmitted) in unfinished)
        {
            if (!isAdmitted && !await contender.AdmitAsync(0, account, id, Tokens))
                throw new InvalidOperationException("a call that fits was refused");
            await contender.BookAsync(0, account, id, Tokens);
            made++;
        }
        var difference = made - (await contender.CountedAsync(account) / Tokens);
        return (Math.Max(0, difference), Math.Max(0, -difference));
    }
}
