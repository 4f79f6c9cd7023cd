// What an account takes of memory while nobody calls for it, and how long its first call takes once it takes none any more.
using System.Diagnostics;
using System.Globalization;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

static class IdleAccounts
{
    const int AtOnce = 512;

    /// <summary>So many accounts are called for again.</summary>
    const int Woken = 2000;

    /// <summary>Every account has two limits of its own, and made one call.</summary>
    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        foreach (var count in options.Accounts is { Count: > 0 } given ? given : [options.Quick ? 2_000 : 100_000])
        {
            using var folder = new TemporaryFolder();
            await MeasureAsync(count, folder.Path, results);
        }
    }

    static async Task MeasureAsync(long count, string place, Results results)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{count:N0} accounts, SQLite");
        var time = new Later();
        await using var ledger = await SqliteLedger.OpenAsync(place);
        await using var histories = new EmbeddedHistories(ledger, time: time);
        // More than stay in memory by themselves are measured together, and the others each for itself.
        var isMany = count > ColdAccounts.UsualMost;
        await using var authority = new EmbeddedAuthority(ledger, time,
            new() { MostSessions = isMany ? ColdAccounts.UsualMost : int.MaxValue }, histories: histories);
        await CallAsync(authority, "before");
        var before = Memory();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (i, _) => await CallAsync(authority, NameOf(i)));
        if (isMany) await authority.ShedAsync();
        var fresh = Memory();
        if (isMany) results.Add(new(name, "MiB of memory for all of them, right after their calls", (fresh - before) / 1048576.0,
            Goal: "< 2048"));

        // Nobody calls: first they rest, then they leave memory.
        time.By = TimeSpan.FromMinutes(2);
        await authority.EvictIdleAsync();
        var resting = Memory();
        time.By = TimeSpan.FromMinutes(15);
        await authority.EvictIdleAsync();
        var gone = Memory();
        if (!isMany)
        {
            results.Add(new(name, "bytes of memory for each, right after its call", (double)(fresh - before) / count));
            results.Add(new(name, "bytes of memory for each, idle for a minute", (double)(resting - before) / count));
        }
        results.Add(new(name, "bytes of memory for each, idle for ten minutes", (double)(gone - before) / count, Goal: "< 1024"));

        var first = new Samples();
        for (var i = 0; i < Math.Min(Woken, count); i++)
        {
            var started = Stopwatch.GetTimestamp();
            await HoldAsync(authority, NameOf(i * count / Math.Min(Woken, count)));
            first.AddSince(started);
        }
        results.Add(new(name, "ms, p50 of a durable hold that brings its account back into memory", first.Millis(0.5), Goal: "< 5"));
        results.Add(new(name, "ms, p99 of a durable hold that brings its account back into memory", first.Millis(0.99)));
    }

    static string NameOf(long number) => string.Create(CultureInfo.InvariantCulture, $"idle-{number:D9}");

    static async Task CallAsync(EmbeddedAuthority authority, string account)
    {
        Done(await authority.SendAsync(account, new SetPolicy(PurserContender.PolicyOf(Call.Plenty))));
        var id = await HoldAsync(authority, account);
        Done(await authority.SendAsync(account, new Settle(id, id, new() { InputTokens = Call.Input, OutputTokens = Call.Output })));
    }

    static async Task<string> HoldAsync(EmbeddedAuthority authority, string account)
    {
        var id = Call.NextId();
        var estimate = new Estimate { InputTokens = Call.InputEstimate, MaxOutputTokens = Call.MaxOutput };
        Done(await authority.SendAsync(account, new Reserve(id, estimate)));
        return id;
    }

    static void Done(Outcome outcome)
    {
        if (outcome.Status != OutcomeStatus.Done) throw new InvalidOperationException(outcome.ToString());
    }

    static long Memory() => GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>The system's time, and some more.</summary>
    sealed class Later : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;

        public override long GetTimestamp() => System.GetTimestamp() + (long)(By.TotalSeconds * Stopwatch.Frequency);
    }
}
