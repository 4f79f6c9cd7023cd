// Histories fed by the sessions beside them: what they get is a part of the journal, and never a wrong one.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Grains;

namespace Purser.Cluster.Tests;

public sealed class HistoryFeedTests
{
    static JournalEntry Entry(long version, int events = 1) => new("a", version, Instant.FromUnixTimeSeconds(0), new BudgetEvent[events]);

    [Fact]
    public void A_reader_gets_what_was_written_since_it_last_came_in_its_order()
    {
        var feed = new HistoryFeed();
        Assert.False(feed.Offer(Entry(1)));
        var reader = feed.Open("a");
        Assert.True(feed.Offer(Entry(2)));
        Assert.True(feed.Offer(Entry(3)));
        Assert.Equal([2L, 3L], reader.Take().Select(entry => entry.Version));
        Assert.Empty(reader.Take());
        feed.Close(reader);
        Assert.False(feed.Offer(Entry(4)));
    }

    [Fact]
    public void A_reader_that_does_not_come_finds_a_gap_and_not_ever_more()
    {
        var feed = new HistoryFeed();
        var reader = feed.Open("a");
        for (var version = 1; version <= 1000; version++) feed.Offer(Entry(version, 100));
        var left = reader.Take();
        Assert.True(left.Sum(entry => entry.Events.Count) <= 10_100);
        Assert.Equal(1000, left[^1].Version);
        Assert.Equal(left.Count - 1, left[^1].Version - left[0].Version);
    }

    [Fact]
    public void One_that_closes_late_does_not_close_the_one_that_followed_it()
    {
        var feed = new HistoryFeed();
        var (first, second) = (feed.Open("a"), feed.Open("a"));
        feed.Close(first);
        Assert.True(feed.Offer(Entry(1)));
        Assert.Single(second.Take());
    }
}
