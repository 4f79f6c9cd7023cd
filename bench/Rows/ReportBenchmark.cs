// `./run bench reports`: one report over 30 days, with more and more records in the store. What it costs should not grow with them.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

public static class ReportBenchmark
{
    const int Accounts = 20, Users = 10, Rounds = 200;

    static readonly (string Provider, string Model)[] models =
        [("openai", "gpt-5"), ("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-flash"),
            ("mistral", "mistral-small-latest")];

    /// <summary>The 30 days that the records fill end here, some way into a day.</summary>
    static readonly Instant now = Instant.FromUtc(2026, 3, 14, 15, 9, 26);
    static readonly Duration period = Duration.FromDays(30);

    /// <summary>After the last record.</summary>
    static readonly Instant until = now + Duration.FromMinutes(11);

    /// <summary>With a folder to `--keep` them in, stores of SQLite stay there and are not filled again the next
    /// time.</summary>
    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        var (postgres, keep) = (options.Postgres, options.Keep);
        foreach (var size in options.Records is { Count: > 0 } given ? given : [options.Quick ? 20_000 : 1_000_000])
        {
            var times = (options.Represented ?? size) / size;
            using var folder = new TemporaryFolder();
            var name = size.ToString(CultureInfo.InvariantCulture);
            if (times > 1) name += "-times-" + times.ToString(CultureInfo.InvariantCulture);
            var place = keep is null ? folder.Path : Path.Combine(keep, name);
            await using var server = postgres ? await PostgresServer.StartAsync() : null;
            var database = server is null ? null : await server.NewDatabaseAsync();
            async Task<IStore> OpenAsync() =>
                database is not null ? await PostgresLedger.OpenAsync(database) : await SqliteLedger.OpenAsync(place);
            var store = string.Create(CultureInfo.InvariantCulture, $"reports, {LedgerName(postgres)}, {size:N0} records");
            bool isNew;
            await using (var ledger = await OpenAsync())
            {
                isNew = (await ledger.AccountsAsync(null, null, 1)).Items.Count == 0;
                var (filled, folded) = await StoreAsync(ledger, size);
                results.Add(new(store + ", imported", "s", filled.TotalSeconds));
                results.Add(new(store + ", rolled up", "s", folded.TotalSeconds));
            }
            // One that was kept stands for as many already.
            if (isNew && times > 1) await Represented.MakeAsync(database, place, times);
            if (times > 1) store += string.Create(CultureInfo.InvariantCulture, $", rollups of {times * size:N0}");
            await using var queries = await OpenAsync();
            var counted = (await queries.SumAsync(new(), [], UsageStep.Whole)).Sum(sum => sum.Records);
            if (counted != times * size) throw new InvalidOperationException($"the rollups stand for {counted} records");
            await AskAsync(results, store + ": ", "all accounts, by model, UTC days", queries, new(), [UsageKey.Model, UsageKey.Provider],
                UsageStep.Day);
            await AskAsync(results, store + ": ", "all accounts, by user and model, a zone's days", queries, new(),
                [UsageKey.User, UsageKey.Model, UsageKey.Provider], UsageStep.Hour);
            await AskAsync(results, store + ": ", "one account, by user and model, a zone's days", queries, new() { Account = "account-7" },
                [UsageKey.User, UsageKey.Model, UsageKey.Provider], UsageStep.Hour);
        }
    }

    /// <summary>The three questions that `/v1/reports` asks at once: the series, the distinct values, the groups.</summary>
    static async Task AskAsync(Results results, string store, string name, IUsageQueries queries, UsageFilter filter, UsageKey[] by,
        UsageStep step)
    {
        // From some minute on until now, as `/v1/reports` asks if nothing is said; and from the beginning of a day on.
        foreach (
            var (from, title) in new[] { (until - period, "30 days until now"),
                (now - period - Duration.FromHours(15) - Duration.FromSeconds(566), "from a midnight on") })
        {
            var range = filter with { From = from, To = until };
            List<double> series = [], distinct = [], groups = [], all = [];
            for (var round = -20; round < Rounds; round++)
            {
                var one = await Task.WhenAll(
                    Timed(() => queries.SumAsync(range, [], step)), Timed(() => queries.ExtentAsync(range)),
                        Timed(() => queries.SumAsync(range, by, UsageStep.Whole)));
                if (round < 0) continue;
                series.Add(one[0]);
                distinct.Add(one[1]);
                groups.Add(one[2]);
                all.Add(one.Max());
            }
            foreach (var times in new[] { series, distinct, groups, all }) times.Sort();
            results.Add(new($"{store}{name}, {title}", "ms, p50 of a report", all[Rounds / 2], Goal: "< 50"));
            results.Add(new($"{store}{name}, {title}", "ms, p99 of a report", all[Rounds * 99 / 100]));
            results.Add(new($"{store}{name}, {title}", "ms, p50 of its series", series[Rounds / 2]));
            results.Add(new($"{store}{name}, {title}", "ms, p50 of its distinct values", distinct[Rounds / 2]));
            results.Add(new($"{store}{name}, {title}", "ms, p50 of its groups", groups[Rounds / 2]));
        }
        GC.Collect();
        results.Add(new(store + name, "MB of memory in use", GC.GetTotalMemory(forceFullCollection: true) / 1e6));

        static async Task<double> Timed(Func<Task> ask)
        {
            var clock = Stopwatch.StartNew();
            await ask();
            return clock.Elapsed.TotalMilliseconds;
        }
    }

    /// <summary>Fills a ledger that is empty, and makes its rollups; how long both took.</summary>
    public static async Task<(TimeSpan Filled, TimeSpan Folded)> StoreAsync(IStore ledger, long size)
    {
        var clock = Stopwatch.StartNew();
        if ((await ledger.AccountsAsync(null, null, 1)).Items.Count == 0) await FillAsync(ledger, size);
        var filled = clock.Elapsed;
        var upkeep = new UsageUpkeep(ledger, new(new Still()), NullLogger.Instance, UsageRetention.OfDays(36_500));
        while (await ledger.UnfoldedAsync() > 0) await upkeep.KeepUpAsync();
        while (await ledger.FoldAsync(now, 1))
        {
        }
        return (filled, clock.Elapsed - filled);
    }

    /// <summary>Straight into the ledger, many records to an append, as nobody but an import would.</summary>
    static async Task FillAsync(IStore ledger, long size)
    {
        const int perAppend = 500;
        var random = new Random(1);
        var versions = new long[Accounts];
        for (var done = 0L; done < size;)
        {
            var batch = new List<Append>();
            for (var account = 0; account < Accounts && done < size; account++, done += perAppend)
            {
                var at = now - period + period * ((double)done / size);
                var events = new BudgetEvent[Math.Min(perAppend, size - done)];
                for (var i = 0; i < events.Length; i++)
                    events[i] = new Recorded(RecordOf($"u{done + i:D12}", at + Duration.FromMilliseconds(random.Next(600_000)), random),
                        []) { At = at };
                batch.Add(new(string.Create(CultureInfo.InvariantCulture, $"account-{account}"), versions[account]++, events) { At = at });
            }
            foreach (var result in await ledger.AppendAsync(batch))
                if (result.Status != AppendStatus.Written) throw new InvalidOperationException(result.ToString());
        }
    }

    /// <summary>What appending loses to the rollups that are made behind it.</summary>
    public static async Task AppendsAsync(BenchOptions options, Results results)
    {
        var (postgres, rounds) = (options.Postgres, options.Rounds);
        var records = options.Records is [var given, ..] ? given : options.Quick ? 20_000 : 200_000;
        await using var server = postgres ? await PostgresServer.StartAsync() : null;
        List<double> alone = [], together = [];
        for (var round = -1; round < rounds; round++)
            foreach (var (upkeep, seconds) in new[] { (false, alone), (true, together) })
            {
                using var folder = new TemporaryFolder();
                await using IStore ledger = postgres ? await PostgresLedger.OpenAsync(await server!.NewDatabaseAsync())
                    : await SqliteLedger.OpenAsync(folder.Path);
                using var end = new CancellationTokenSource();
                var kept = upkeep
                    ? new UsageUpkeep(ledger, new(new Still()), NullLogger.Instance, UsageRetention.OfDays(36_500))
                        .RunAsync(TimeProvider.System, end.Token) : Task.CompletedTask;
                var clock = Stopwatch.StartNew();
                await FillAsync(ledger, records);
                if (round >= 0) seconds.Add(clock.Elapsed.TotalSeconds);
                await end.CancelAsync();
                await kept;
            }
        alone.Sort();
        together.Sort();
        results.Add(new($"appends, {LedgerName(postgres)}, with rollups", "records/s", records / together[rounds / 2],
            $"appends, {LedgerName(postgres)}, without rollups", records / alone[rounds / 2]));
    }

    static string LedgerName(bool postgres) => postgres ? "PostgreSQL" : "SQLite";

    static UsageRecord RecordOf(string id, Instant at, Random random)
    {
        var (provider, model) = models[random.Next(models.Length)];
        var (input, output) = (random.Next(4000), random.Next(1000));
        return new()
        {
            Id = id, At = at, BookedAt = at, Amounts = new(input + output, input, output, random.Next(100_000_000), 1),
            Usage = new()
            {
                Dimensions = new() { Provider = provider, Model = model, User = string.Create(CultureInfo.InvariantCulture,
                    $"user-{random.Next(Users)}"),
                        Session = string.Create(CultureInfo.InvariantCulture,
                            $"session-{at.ToUnixTimeSeconds() / 3600}-{random.Next(20)}") },
                InputTokens = input, OutputTokens = output, DurationMs = (long)Math.Exp(6 + 1.2 * random.NextDouble() * 3),
                    Success = random.Next(50) > 0,
            },
        };
    }

    sealed class Still : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now.ToDateTimeOffset();
    }
}
