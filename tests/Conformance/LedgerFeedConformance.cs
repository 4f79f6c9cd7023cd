// The feed of a ledger: every entry of every journal in one order, also while several hosts write and while entries are compacted.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance;

public abstract partial class LedgerConformance
{
    IEventFeed Feed => Ledger;

    static Append Paused(string account, long expected, string reason) =>
        new(account, expected, [new AccountPaused(reason) { At = Instant.FromUnixTimeMilliseconds(1000 + expected) }])
        {
            At = Instant.FromUnixTimeMilliseconds(1000 + expected),
        };

    [Fact]
    public async Task The_feed_has_every_entry_once_and_in_the_order_of_each_account()
    {
        var from = await Feed.HeadAsync();
        for (var version = 0; version < 3; version++)
            await Ledger.AppendAsync([Paused("feed-a", version, "x"), Paused("feed-b", version, "y")]);
        var seen = new List<FeedEntry>();
        for (var after = from; ;)
        {
            var page = await Feed.ReadAsync(after, most: 2);
            seen.AddRange(page.Entries);
            Assert.True(page.ReachedTo >= after);
            if (page.Entries.Count == 0) break;
            Assert.Equal(page.Entries.Select(entry => entry.Position).Order(), page.Entries.Select(entry => entry.Position));
            after = page.ReachedTo;
        }
        Assert.Equal(6, seen.Count);
        foreach (var account in new[] { "feed-a", "feed-b" })
            Assert.Equal([1L, 2L, 3L], seen.Where(entry => entry.Account == account).Select(entry => entry.Version));
        Assert.Equal(seen.Count, seen.Select(entry => entry.Position).Distinct().Count());
        Assert.Equal("x", Assert.IsType<AccountPaused>(Assert.Single(seen.First(entry => entry.Account == "feed-a").Events)).Reason);
        Assert.Equal(seen[^1].Position, await Feed.HeadAsync());
    }

    [Fact]
    public async Task An_announcement_stands_in_the_feed_once_whoever_makes_it()
    {
        await Ledger.AppendAsync([Paused("feed-c", 0, "x")]);
        var from = await Feed.HeadAsync();
        var announcement = new Announcement("anomaly:feed-c:1", "anomaly.detected", "feed-c", Instant.FromUnixTimeMilliseconds(7), "tokens",
            "critical", """{"actual":5}""");
        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Feed.AnnounceAsync(announcement)));
        Assert.Single(made, added => added);
        await Ledger.AppendAsync([Paused("feed-c", 1, "y")]);
        var entries = (await Feed.ReadAsync(from, 10)).Entries;
        Assert.Equal([announcement, null], entries.Select(entry => entry.Announcement));
        Assert.False(await Feed.AnnounceAsync(announcement));
    }

    [Fact]
    public async Task A_reader_never_sees_an_entry_below_one_that_it_has_seen()
    {
        var other = await OpenAnotherHostAsync(Ledger);
        var from = await Feed.HeadAsync();
        const int accounts = 8, batches = 40;
        var writing = Task.WhenAll(Enumerable.Range(0, accounts).Select(no => Task.Run(async () =>
        {
            for (var version = 0; version < batches; version++)
                await (no % 2 == 0 ? Ledger : other).AppendAsync([Paused($"feed-many-{no}", version, "x")]);
        })));
        var seen = new List<FeedEntry>();
        for (var (after, done) = (from, false); ;)
        {
            done = writing.IsCompleted;
            var page = await Feed.ReadAsync(after, 50);
            Assert.All(page.Entries, entry => Assert.True(entry.Position > after));
            seen.AddRange(page.Entries);
            after = page.ReachedTo;
            if (done && page.Entries.Count == 0 && after == await Feed.HeadAsync()) break;
        }
        await writing;
        Assert.Equal(accounts * batches, seen.Count);
        foreach (var account in seen.GroupBy(entry => entry.Account))
            Assert.Equal(Enumerable.Range(1, batches).Select(version => (long)version), account.Select(entry => entry.Version));
        if (!ReferenceEquals(other, Ledger)) await other.DisposeAsync();
    }

    [Fact]
    public async Task The_feed_says_how_far_compaction_took_entries_away()
    {
        if (Ledger is not IUsageUpkeep upkeep) return;
        var past = Instant.FromUnixTimeMilliseconds(1000);
        for (var version = 0; version < 200; version++) await Ledger.AppendAsync([Paused("feed-old", version, "x")]);
        var before = await Feed.ReadAsync(0, 1000);
        while (await upkeep.FoldAsync(past + Duration.FromDays(400), 1000))
        {
        }
        Assert.True(await upkeep.CompactAsync("feed-old", past + Duration.FromDays(400), 150) > 0);
        var after = await Feed.ReadAsync(0, 1000);
        Assert.True(after.GoneTo > before.GoneTo);
        Assert.DoesNotContain(after.Entries, entry => entry.Account == "feed-old" && entry.Position <= after.GoneTo);
        Assert.Equal(before.ReachedTo, after.ReachedTo);
    }
}
