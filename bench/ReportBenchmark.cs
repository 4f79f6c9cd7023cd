// `./run bench --reports`: one report over 30 days, with more and more records in the store. What it costs should not grow with them.
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

    /// <summary>With a folder to <paramref name="keep"/> them in, stores of SQLite stay there and are not filled again the next
    /// time.</summary>
    public static async Task RunAsync(TextWriter to, IReadOnlyList<long> sizes, bool postgres, string? keep)
    {
        foreach (var size in sizes)
        {
            using var folder = new TemporaryFolder();
            var place = keep is null ? folder.Path : Path.Combine(keep, size.ToString(CultureInfo.InvariantCulture));
            await using var server = postgres ? await PostgresServer.StartAsync() : null;
            await using IStore ledger = postgres ? await PostgresLedger.OpenAsync(await server!.NewDatabaseAsync())
                : await SqliteLedger.OpenAsync(place);
            var clock = Stopwatch.StartNew();
            if ((await ledger.AccountsAsync(null, null, 1)).Items.Count == 0) await FillAsync(ledger, size);
            var filled = clock.Elapsed;
            var upkeep = new UsageUpkeep(ledger, new(new Still()), NullLogger.Instance, UsageRetention.OfDays(36_500));
            while (await ledger.UnfoldedAsync() > 0) await upkeep.KeepUpAsync();
            while (await ledger.FoldAsync(now, 1))
            {
            }
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(postgres ? "PostgreSQL" : "SQLite")}, {size:N0} records: imported in {filled.TotalSeconds:F0} s, rolled up in "
                    + $"{(clock.Elapsed - filled).TotalSeconds:F0} s"));
            var queries = ledger;
            await MeasureAsync(to, "all accounts, by model, UTC days", queries, new(), [UsageKey.Model, UsageKey.Provider], UsageStep.Day);
            await MeasureAsync(to, "all accounts, by user and model, a zone's days", queries, new(),
                [UsageKey.User, UsageKey.Model, UsageKey.Provider], UsageStep.Hour);
            await MeasureAsync(to, "one account, by user and model, a zone's days", queries, new() { Account = "account-7" },
                [UsageKey.User, UsageKey.Model, UsageKey.Provider], UsageStep.Hour);
        }
    }

    /// <summary>The three questions that `/v1/reports` asks at once: the series, the distinct values, the groups.</summary>
    static async Task MeasureAsync(TextWriter to, string name, IUsageQueries queries, UsageFilter filter, UsageKey[] by, UsageStep step)
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
            to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {name}, {title}: p50 {all[Rounds / 2]:F1} ms, p99 {all[Rounds * 99 / 100]:F1} ms (p50 of series "
                    + $"{series[Rounds / 2]:F1}, distinct values {distinct[Rounds / 2]:F1}, groups {groups[Rounds / 2]:F1})"));
        }
        GC.Collect();
        to.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"  {GC.GetTotalMemory(forceFullCollection: true) / 1e6:F0} MB of memory in use"));

        static async Task<double> Timed(Func<Task> ask)
        {
            var clock = Stopwatch.StartNew();
            await ask();
            return clock.Elapsed.TotalMilliseconds;
        }
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
    public static async Task AppendsAsync(TextWriter to, bool postgres)
    {
        const int records = 200_000, rounds = 5;
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
        to.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(postgres ? "PostgreSQL" : "SQLite")}: {records / alone[rounds / 2]:N0} records/s without rollups, "
                + $"{records / together[rounds / 2]:N0} with them ({alone[rounds / 2] / together[rounds / 2]:F2})"));
    }

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
