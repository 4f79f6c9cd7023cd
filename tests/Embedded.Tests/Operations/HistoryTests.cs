// Whatever happened (lost replies, failed writes, killed hosts, retries, upkeep at any moment), reports, records and the journal say the
// same.
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class HistoryTests
{
    public static TheoryData<string, int> Histories()
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in (string[])["memory", "sqlite", "postgres"])
            for (var seed = 1; seed <= 3; seed++) data.Add(kind, seed);
        return data;
    }

    [Theory]
    [MemberData(nameof(Histories))]
    public async Task Totals_of_reports_records_and_journal_agree(string kind, int seed)
    {
        var random = new Random(seed);
        await using var store = await Store.NewAsync(kind);
        var time = new ManualTime(new(2026, 3, 14, 12, 0, 0, TimeSpan.Zero));
        var faulty = new FaultyLedger(store.Ledger)
        {
            OnAppend = _ => random.Next(8) switch { 0 => Fault.BeforeWrite, 1 => Fault.AfterWrite, _ => Fault.None },
        };
        var usage = store.Ledger;
        var host = new EmbeddedAuthority(faulty, time);
        var acknowledged = new Dictionary<string, (long Tokens, long Nanos)>();
        for (var step = 0; step < 250; step++)
        {
            var account = $"a{random.Next(3)}";
            var id = $"{random.Next(60)}";
            var name = random.Next(12) == 0 ? "__proto__" : $"m{random.Next(3)}";
            var call = new Usage
            {
                Dimensions = new() { Model = name, User = random.Next(3) == 0 ? "=cmd()" : null, Session = $"s{random.Next(5)}",
                    Tags = new() { ["__proto__"] = name } },
                InputTokens = random.Next(1000), OutputTokens = random.Next(1000), CostNanos = random.Next(1_000_000),
                    Success = random.Next(5) > 0,
                DurationMs = random.Next(2) == 0 ? random.Next(10_000) : null,
                Timestamp = random.Next(3) == 0 ? Instant.FromUtc(2026, 3, 1, 0, 0) + Duration.FromMinutes(random.Next(40_000)) : null,
            };
            var final = random.Next(4) > 0;
            await UntilAnsweredAsync(
                () => host.SendAsync(account, new Reserve("h" + id, new() { Tokens = 100, CostNanos = 5, Dimensions = call.Dimensions })));
            var settled = random.Next(3) switch
            {
                0 => await UntilAnsweredAsync(
                    () => host.SendAsync(account, new Settle("h" + id, "s" + id, call with { Timestamp = null }, final))),
                1 => await UntilAnsweredAsync(() => host.SendAsync(account, new Record("r" + id, call))),
                _ => await UntilAnsweredAsync(() => host.SendAsync(account, new Release("h" + id))),
            };
            if (settled.Answer is Settlement one)
                acknowledged[$"{account} {one.UsageId}"] = (one.Tokens, Money.TryParse(one.Cost, out var nanos)
                    ? nanos : throw new InvalidDataException(one.Cost));
            if (random.Next(20) == 0)
            {
                await host.DisposeAsync();
                host = new(faulty, time);
            }
            if (random.Next(10) == 0) time.Advance(TimeSpan.FromMinutes(random.Next(300)));
            if (random.Next(3) == 0) await usage.FoldAsync(Instant.FromDateTimeOffset(time.GetUtcNow()), random.Next(1, 9));
            if (random.Next(60) == 0) await usage.RebuildAsync(account);
        }
        await host.DisposeAsync();

        var report = await Verification.RunAsync(store.Ledger);
        Assert.True(
            report.Holds, $"seed {seed}: {string.Join('\n', report.Findings.Select(finding => $"{finding.Account}: {finding.What}"))}");
        foreach (var by in (UsageKey[][])[[], [UsageKey.Model], [UsageKey.Session], [UsageKey.Tag], [UsageKey.Account]])
        {
            var sums = await store.Queries.SumAsync(new(), by, UsageStep.Whole);
            Assert.Equal(acknowledged.Values.Sum(one => one.Tokens), (long)sums.Aggregate((Int128)0, (total, sum) =>
                total + sum.InputTokens + sum.OutputTokens));
            Assert.Equal(acknowledged.Values.Sum(one => one.Nanos), (long)sums.Aggregate((Int128)0, (total, sum) => total + sum.CostNanos));
            Assert.Equal(acknowledged.Count, sums.Sum(sum => sum.Records));
        }
    }

    static async Task<Outcome> UntilAnsweredAsync(Func<Task<Outcome>> send)
    {
        while (true)
            if (await send() is { IsTransient: false } outcome)
                return outcome;
    }
}
