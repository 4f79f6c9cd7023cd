// A ledger whose accounts are compacted at random moments answers everything as its twin does that keeps every entry.
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class CompactionTests
{
    static readonly string[] accounts = ["a0", "a1", "a2"];

    public static TheoryData<string, int> Histories(int first, int last)
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in (string[])["memory", "sqlite", "postgres"])
            for (var seed = first; seed <= last; seed++) data.Add(kind, seed);
        return data;
    }

    /// <summary>A ledger, and hosts on it that come and go.</summary>
    sealed class Twin(IStore ledger, ManualTime time) : IAsyncDisposable
    {
        /// <summary>Both live in one time, whatever clock their ledgers have.</summary>
        readonly FaultyLedger timed = new(ledger) { Time = () => Instant.FromDateTimeOffset(time.GetUtcNow()) };

        static readonly EmbeddedOptions options = new() { DeadlinePoll = Timeout.InfiniteTimeSpan, EventsPerSnapshot = 15,
            MostKeyedCounters = 2 };

        EmbeddedHistories histories = new(ledger, time: time);
        EmbeddedAuthority? host;

        public IStore Ledger => ledger;

        public IUsageQueries Queries => ledger;

        public IUsageUpkeep Store => ledger;

        public EmbeddedAuthority Host => host ??= new(timed, time, options, histories: histories);

        public async Task RestartAsync()
        {
            await DisposeAsync();
            (host, histories) = (null, new(ledger, time: time));
        }

        public async Task<string> HistoryAsync(string account)
        {
            var view = await histories.ReadAsync(account);
            return $"{view.Position} {view.TokensPerCall} {view.NanosPerCall} {view.MillisPerCall} {string.Join(' ', view.Hours)} "
                + $"{string.Join(' ', view.Anomalies)}";
        }

        public async ValueTask DisposeAsync()
        {
            if (host is not null) await host.DisposeAsync();
            await histories.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Histories), 1, 2)]
    // A session that was over had announced something, and its counter was in memory still.
    [MemberData(nameof(Histories), 8, 8)]
    public Task Nobody_can_tell_a_compacted_ledger_from_its_twin(string kind, int seed) => CompareAsync(kind, seed);

    [Theory, Trait("run", "long")]
    [MemberData(nameof(Histories), 3, 12)]
    public Task Nobody_can_tell_a_compacted_ledger_from_its_twin_after_further_histories(string kind, int seed) => CompareAsync(kind, seed);

    static async Task CompareAsync(string kind, int seed)
    {
        var random = new Random(seed);
        var time = new ManualTime(new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero));
        await using var store = await Store.NewAsync(kind);
        await using var other = await Store.NewAsync("memory");
        await using Twin compacted = new(store.Ledger, time), whole = new(other.Ledger, time);
        var calls = 0;
        for (var step = 0; step < 400; step++)
        {
            var account = accounts[random.Next(3)];
            var command = CommandOf(random, Instant.FromDateTimeOffset(time.GetUtcNow()), ++calls);
            // What begins anew with the usage of its window counts what is left of the records: these go a moment after they were erased.
            while (command is SetPolicy && await compacted.Store.EraseNextAsync())
            {
            }
            var (answer, expected) = (await compacted.Host.SendAsync(account, command), await whole.Host.SendAsync(account, command));
            Assert.Equal(Text(expected), Text(answer));
            if (random.Next(4) == 0) time.Advance(TimeSpan.FromMinutes(random.Next(600)));
            var now = Instant.FromDateTimeOffset(time.GetUtcNow());
            if (random.Next(3) == 0) await compacted.Store.FoldAsync(now, random.Next(1, 9));
            if (random.Next(5) == 0) await compacted.Store.EraseNextAsync();
            if (random.Next(6) == 0)
                await compacted.Store.CompactAsync(account, now - Duration.FromMinutes(random.Next(900)), random.Next(1, 30));
            if (random.Next(30) == 0) await compacted.RestartAsync();
            if (random.Next(30) == 0) await compacted.Ledger.DeleteSnapshotsAsync();
            if (random.Next(30) == 0) await compacted.Store.RebuildAsync(account);
            if (random.Next(40) == 0) await CompareAsync(whole, compacted);
        }
        await UpToDateAsync(compacted, time);
        var goneBefore = Instant.MinValue;
        foreach (var account in accounts)
        {
            var checkpoint = await compacted.Ledger.LoadCheckpointAsync(account);
            Assert.True(checkpoint?.Version > 10, $"{account} was hardly compacted");
            goneBefore = Instant.Max(goneBefore, Compaction.GoneBefore(checkpoint));
        }
        await CompareAsync(whole, compacted);
        var report = await Verification.RunAsync(compacted.Ledger);
        Assert.True(report.Holds, string.Join('\n', report.Findings.Select(finding => $"{finding.Account}: {finding.What}")));
        Assert.Equal((3, 3), (report.Accounts, report.Compacted));
        Assert.Equal(new(3, 3), await JournalRebuild.RunAsync(compacted.Queries, compacted.Store));
        await CompareAsync(whole, compacted);

        // Records of compacted entries may go, and a backup into another ledger tells the same.
        for (UsageCursor? place = null; (place = await compacted.Store.PurgeAsync(goneBefore, place, 100)) is not null;)
        {
        }
        await CompareAsync(whole, compacted);
        using var backup = new MemoryStream();
        await Backup.WriteAsync(compacted.Ledger, backup, default);
        backup.Position = 0;
        await using var next = await Store.NewAsync(kind == "sqlite" ? "postgres" : "sqlite");
        await Backup.ReadAsync(backup, next.Ledger);
        await using Twin restored = new(next.Ledger, time);
        await CompareAsync(whole, restored);
        await UpToDateAsync(restored, time);
        await CompareAsync(whole, restored);
        report = await Verification.RunAsync(restored.Ledger);
        Assert.True(report.Holds, string.Join('\n', report.Findings.Select(finding => $"{finding.Account}: {finding.What}")));
        await JournalRebuild.RunAsync(restored.Queries, restored.Store);
        await CompareAsync(whole, restored);
        foreach (var account in accounts)
        {
            var more = new Record("more", new() { InputTokens = 7, CostNanos = 3 });
            Assert.Equal(Text(await whole.Host.SendAsync(account, more)), Text(await restored.Host.SendAsync(account, more)));
        }
    }

    static async Task UpToDateAsync(Twin twin, ManualTime time)
    {
        while (await twin.Store.EraseNextAsync() || await twin.Store.FoldAsync(Instant.FromDateTimeOffset(time.GetUtcNow()), 50))
        {
        }
    }

    static BudgetCommand CommandOf(Random random, Instant now, int call)
    {
        var dimensions = new Dimensions { User = random.Next(3) == 0 ? null : $"user{random.Next(6)}", Model = $"m{random.Next(3)}",
            Session = $"s{random.Next(5)}" };
        var usage = new Usage
        {
            InputTokens = random.Next(300), OutputTokens = random.Next(100), CostNanos = random.Next(1_000_000),
                Success = random.Next(5) > 0,
            DurationMs = random.Next(2) == 0 ? random.Next(10_000) : null, Dimensions = dimensions,
        };
        return random.Next(20) switch
        {
            < 5 => new Reserve($"h{call}", new() { Tokens = random.Next(1, 400), CostNanos = 5, Dimensions = dimensions },
                random.Next(2) == 0 ? random.Next(60, 7200) : null),
            < 9 => new Settle($"h{random.Next(call)}", $"s{call}", usage, random.Next(4) > 0),
            < 13 => new Record($"r{call - random.Next(3)}", usage with { Timestamp = random.Next(3) == 0
                ? now + Duration.FromMinutes(random.Next(-3000, 300)) : null }),
            13 => new Release($"h{random.Next(call)}"),
            14 => new AddOverride($"o{call}", new() { LimitId = "ever", Additional = 500, Reason = "more", CreatedBy = "ops",
                ExpiresAt = now + Duration.FromHours(random.Next(1, 50)) }),
            15 => new SetPolicy(new()
            {
                Limits =
                [
                    Calls.Tokens("ever", "lifetime", random.Next(5, 50) * 1000), Calls.Tokens("users", "day", 900) with { Each = "user" },
                    Calls.Tokens("rolls", "rolling:PT2H", 3000), Calls.Tokens("session", "session", 2000),
                ],
                Holds = random.Next(2) == 0 ? new(OnExpiry: ExpiryRule.Charge) : null,
            }),
            16 => new GetStatus(),
            17 => random.Next(4) == 0 ? new EraseUsage(random.Next(3) == 0 ? null : $"user{random.Next(6)}", "ops", "asked for") { Anonymizes = random.Next(2) == 0 }
                : new GetReservation($"h{random.Next(call)}"),
            18 => random.Next(2) == 0 ? new Pause("a while") : new Resume(),
            _ => random.Next(4) switch
            {
                0 => new VoidUsage($"r{random.Next(call)}", "ops", "never made"),
                1 => new CorrectUsage($"s{random.Next(call)}", usage with { Dimensions = Dimensions.None }, "ops", "counted twice"),
                2 => new Resume(),
                _ => new Credit($"c{call - random.Next(3)}", new()
                {
                    UsageId = $"r{random.Next(call)}", Unit = LimitUnit.Tokens, Amount = random.Next(1, 200), By = "ops", Reason = "outage",
                }),
            },
        };
    }

    /// <summary>Answers, reports, histories and the audit trail.</summary>
    static async Task CompareAsync(Twin expected, Twin found)
    {
        foreach (var account in accounts)
        {
            foreach (var ask in (BudgetCommand[])[new GetStatus(), new GetPolicy(), new ListOverrides()])
                Assert.Equal(Text(await expected.Host.SendAsync(account, ask)), Text(await found.Host.SendAsync(account, ask)));
            Assert.Equal(await expected.HistoryAsync(account), await found.HistoryAsync(account));
            Assert.Equal(await AuditAsync(expected, account), await AuditAsync(found, account));
        }
        // What was asked to be erased is gone a moment later.
        while (await found.Store.EraseNextAsync())
        {
        }
        foreach (var by in (UsageKey[][])[[UsageKey.Account, UsageKey.User, UsageKey.Model], [UsageKey.Outcome]])
            foreach (var step in (UsageStep[])[UsageStep.Quarter, UsageStep.Day])
                Assert.Equal(await SumsAsync(expected, by, step), await SumsAsync(found, by, step));
        Assert.Equal(await expected.Queries.ExtentAsync(new()), await found.Queries.ExtentAsync(new()));
    }

    static async Task<string> SumsAsync(Twin twin, UsageKey[] by, UsageStep step) =>
        string.Join('\n', (await twin.Queries.SumAsync(new(), by, step)).Select(sum =>
        $"{sum.Start} {string.Join('/', sum.Keys)} {sum.Records} {sum.InputTokens} {sum.OutputTokens} {sum.Requests} "
            + $"{sum.FailedRequests} {sum.CostNanos} {sum.DurationMs} "
        + string.Join(' ', sum.Durations.Counts)).Order(StringComparer.Ordinal));

    static async Task<string> AuditAsync(Twin twin, string account)
    {
        var shown = new StringBuilder();
        for (string? cursor = null; ;)
        {
            var page = await twin.Queries.AuditAsync(account, cursor, 7);
            foreach (var (version, happened) in page.Items)
                shown.Append(version).AppendLine(Encoding.UTF8.GetString(LedgerJson.EncodeEvents([happened])));
            if ((cursor = page.Next) is null) return shown.ToString();
        }
    }

    static string Text(Outcome outcome) => JsonSerializer.Serialize(outcome, CoreJson.Default.Outcome);

    [Theory]
    [InlineData("sqlite", "DELETE FROM checkpoints")]
    [InlineData("postgres", "DELETE FROM checkpoints")]
    public async Task Without_its_checkpoint_a_compacted_account_answers_nothing_rather_than_from_zero(string kind, string sql)
    {
        await using var store = await CompactedAsync(kind);
        await store.Ledger.DeleteSnapshotsAsync();

        await store.RunAsync(sql);

        await using var host = new EmbeddedAuthority(store.Ledger);
        foreach (var command in (BudgetCommand[])[new GetStatus(), Calls.Reserve("h", 1), Calls.Record("new", 1), Calls.Check(1)])
            Assert.Equal(OutcomeStatus.Unavailable, (await host.SendAsync("a", command)).Status);
        await using var histories = new EmbeddedHistories(store.Ledger);
        await Assert.ThrowsAsync<InvalidDataException>(() => histories.ReadAsync("a"));
        var report = await Verification.RunAsync(store.Ledger);
        Assert.Contains(report.Findings, finding => finding.Account == "a"
            && finding.What.Contains("is missing", StringComparison.Ordinal));
        Assert.Equal(200, (await store.Queries.SumAsync(new(), [], UsageStep.Whole))[0].Records);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_upkeep_compacts_what_is_older_than_the_retention_and_only_if_it_is_told_to(bool compacts)
    {
        await using var store = await Store.NewAsync("sqlite");
        var time = new ManualTime(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await LiveAsync(store.Ledger, time, 400);
        var upkeep = new UsageUpkeep(store.Ledger, new(time), NullLogger.Instance, UsageRetention.OfDays(104, compacts));

        // Entries come an hour apart. Few are not worth a checkpoint, and the newest stays whatever its age.
        Assert.Equal(0, await DaysLaterAsync(90));
        Assert.Equal(compacts ? 184 : 0, await DaysLaterAsync(5));
        Assert.Equal(compacts ? 399 : 0, await DaysLaterAsync(50));
        Assert.Equal(400, (await store.Queries.SumAsync(new(), [], UsageStep.Whole))[0].Records);

        async Task<long> DaysLaterAsync(int days)
        {
            time.Advance(TimeSpan.FromDays(days));
            for (var period = 0; period < 20; period++) await upkeep.KeepUpAsync();
            return (await store.Ledger.LoadCheckpointAsync("a"))?.Version ?? 0;
        }
    }

    static async Task<Store> CompactedAsync(string kind)
    {
        var store = await Store.NewAsync(kind);
        var time = new ManualTime(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await LiveAsync(store.Ledger, time, 200);
        var usage = store.Ledger;
        while (await usage.FoldAsync(Instant.FromDateTimeOffset(time.GetUtcNow()), 100))
        {
        }
        Assert.Equal(150, await usage.CompactAsync("a", Instant.MaxValue, 150));
        return store;
    }

    static async Task LiveAsync(IStore ledger, ManualTime time, int hours)
    {
        await using var host = new EmbeddedAuthority(ledger, time);
        for (var hour = 0; hour < hours; hour++)
        {
            await host.ExpectAsync("a", Calls.Record($"u{hour}", 10));
            time.Advance(TimeSpan.FromHours(1));
        }
    }
}
