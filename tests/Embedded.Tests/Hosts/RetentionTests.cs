// Limits that come when old records are gone: they begin with what is left, and say since when their count is complete.
using NodaTime;
using Purser.Answers;
using Purser.Conformance;
using Purser.Core;
using Purser.Embedded.Tests.Operations;
using Purser.Engine;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Hosts;

[Trait("needs", "postgres")]
public sealed class RetentionTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_new_limit_counts_the_records_that_are_kept_and_says_since_when(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        var time = new ManualTime();
        await using var host = new EmbeddedAuthority(In(store.Ledger, time), time);
        await host.ExpectAsync("old", new SetPolicy(Policy(Tokens("before", "lifetime", 1000))));
        await host.ExpectAsync("old", Record("first", 10));
        time.Jump(TimeSpan.FromDays(100));
        await host.ExpectAsync("old", Record("second", 20));
        await host.ExpectAsync("young", Record("first", 30));

        var kept = Instant.FromDateTimeOffset(time.GetUtcNow()) - Duration.FromDays(90);
        var upkeep = store.Ledger;
        while (await upkeep.FoldAsync(kept, 1000))
        {
        }
        Assert.Null(await upkeep.PurgeAsync(kept, null, 1000));
        foreach (var account in (string[])["old", "young"])
            await host.ExpectAsync(
                account,
                    new SetPolicy(
                        Policy(Tokens("before", "lifetime", 1000), Tokens("ever", "lifetime", 1000), Tokens("today", "day", 1000))));

        Assert.Equal([(30, null), (20, kept), (20, null)], await LimitsAsync(host, "old"));
        Assert.Equal([(30, null), (30, null), (30, null)], await LimitsAsync(host, "young"));

        await store.Ledger.DeleteSnapshotsAsync();
        await using var next = new EmbeddedAuthority(In(store.Ledger, time), time);
        Assert.Equal([(30, null), (20, kept), (20, null)], await LimitsAsync(next, "old"));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Rows_that_only_records_have_say_since_when_they_are_whole(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        var time = new ManualTime();
        await using var host = new EmbeddedAuthority(In(store.Ledger, time), time);
        await using var histories = new EmbeddedHistories(store.Ledger);
        var from = Instant.FromDateTimeOffset(time.GetUtcNow());
        await host.ExpectAsync("a", Used("s1", "u1", 10));
        time.Jump(TimeSpan.FromDays(100));
        await host.ExpectAsync("a", Used("s1", "u2", 20));
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        var kept = now - Duration.FromDays(90);
        while (await store.Ledger.FoldAsync(kept, 1000))
        {
        }
        Assert.Null(await store.Ledger.PurgeAsync(kept, null, 1000));

        var report = await new Reports(store.Ledger, histories, host).MakeAsync(
            new(new() { Account = "a", From = from, To = now + Duration.FromHours(1) }, Calendar.Utc, new(WindowKind.Month),
                [.. ((string[])["session", "tags.team", "model"]).Select(ReportGroup.Parse)]) { Now = now });

        Assert.Equal((2, 30), ((long)report.Total.Requests, (long)report.Total.Tokens));
        Assert.Null(report.PartialSince);
        Assert.Equal([("session", 20, kept), ("tags.team", 20, kept), ("model", 30, null)],
            report.Rows.Select(row => (row.Group.Type, (long)row.Tally.Tokens, row.PartialSince)));

        static BudgetCommand Used(string session, string id, long tokens) =>
            new Core.Record(id, new() { InputTokens = tokens, Dimensions = new() { Session = session } });
    }

    /// <summary>A ledger in the time that the test moves, whatever clock it has.</summary>
    static FaultyLedger In(IStore ledger, ManualTime time) =>
        new(ledger) { Time = () => Instant.FromDateTimeOffset(time.GetUtcNow()) };

    static async Task<IEnumerable<(long Settled, Instant? Since)>> LimitsAsync(IBudgetAuthority host, string account) =>
        ((Decision)(await host.ExpectAsync(account, Check(1))).Answer!).Limits.Select(
            limit => ((long)limit.Settled.Value, limit.CountedSince));
}
