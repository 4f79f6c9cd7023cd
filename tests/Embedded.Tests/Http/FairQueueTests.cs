// Whose turn it is where more requests wait than are worked for at once.
using Purser.Api;

namespace Purser.Embedded.Tests.Http;

public sealed class FairQueueTests
{
    [Fact]
    public void An_account_that_comes_after_a_flood_is_next_but_one()
    {
        var queue = new FairQueue<string>(places: 1, share: 1);
        Assert.True(queue.Enter(new("", "flood"), "flood 0"));
        for (var i = 1; i <= 5; i++) Assert.False(queue.Enter(new("", "flood"), $"flood {i}"));
        Assert.False(queue.Enter(new("", "quiet"), "quiet"));
        Assert.Equal((1, 6), (queue.Inside, queue.Waiting));

        Assert.Equal(["flood 1", "quiet", "flood 2", "flood 3", "flood 4", "flood 5"],
            OneByOne(queue, new("", "flood"), "flood 1", "quiet", "flood 2", "flood 3", "flood 4", "flood 5"));
        Assert.Equal((0, 0), (queue.Inside, queue.Waiting));
    }

    [Fact]
    public void Keys_take_turns_and_the_accounts_of_each()
    {
        var queue = new FairQueue<string>(places: 1, share: 1);
        Assert.True(queue.Enter(new("wide", "first"), "first"));
        foreach (var one in new[] { "a 1", "a 2", "b 1", "c 1" }) Assert.False(queue.Enter(new("wide", one[..1]), one));
        Assert.False(queue.Enter(new("other", "d"), "d 1"));
        Assert.False(queue.Enter(new("other", "d"), "d 2"));

        Assert.Equal(["a 1", "d 1", "b 1", "d 2", "c 1", "a 2"],
            OneByOne(queue, new("wide", "first"), "a 1", "d 1", "b 1", "d 2", "c 1", "a 2"));
    }

    [Fact]
    public void Nobody_has_more_than_the_share_and_the_rest_of_the_places_is_for_others()
    {
        var queue = new FairQueue<int>(places: 4, share: 2);
        Party flood = new("", "flood"), quiet = new("", "quiet"), key = new("key", "a"), sameKey = new("key", "b");
        Assert.True(queue.Enter(flood, 1));
        Assert.True(queue.Enter(flood, 2));
        Assert.False(queue.Enter(flood, 3));
        Assert.True(queue.Enter(key, 4));
        Assert.True(queue.Enter(sameKey, 5));
        Assert.False(queue.Enter(new("key", "c"), 6));
        Assert.False(queue.Enter(quiet, 7));

        // A place that the flood or the key gives back is for its next one, or for the one who waits for nothing else.
        queue.Leave(flood);
        Assert.True(queue.Next(out var one));
        Assert.Equal(3, one);
        queue.Leave(key);
        Assert.True(queue.Next(out one));
        Assert.Equal(6, one);
        queue.Leave(sameKey);
        Assert.True(queue.Next(out one));
        Assert.Equal(7, one);
        Assert.False(queue.Next(out _));
        // Where nothing is whose, there is no share.
        var nobodys = new FairQueue<int>(places: 4, share: 2);
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(nobodys.Enter(new("", ""), i)));
        Assert.False(nobodys.Enter(new("", ""), 4));
    }

    /// <summary>Against the rules themselves, step by step, over schedules by chance.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(8, 4)]
    public void Bounds_hold_nobody_waits_who_may_be_inside_and_everybody_gets_there_in_order(int places, int share)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var queue = new FairQueue<(Party Party, int Number)>(places, share);
            var (inside, waiting, last) = (new List<(Party Party, int Number)>(), new List<(Party Party, int Number)>(), 0);
            for (var step = 0; step < 200 || inside.Count > 0; step++)
            {
                if (step < 200 && (inside.Count == 0 || random.Next(3) > 0))
                {
                    var key = random.Next(4) is > 0 and var k ? $"k{k}" : "";
                    var one = (new Party(key, random.Next(5) is > 0 and var a ? $"a{a}" : ""), last++);
                    (queue.Enter(one.Item1, one) ? inside : waiting).Add(one);
                }
                else
                {
                    var left = inside[random.Next(inside.Count)];
                    inside.Remove(left);
                    queue.Leave(left.Party);
                    while (queue.Next(out var next))
                    {
                        // In the order in which it came, among its own.
                        Assert.Equal(waiting.First(other => other.Party == next.Party), next);
                        waiting.Remove(next);
                        inside.Add(next);
                    }
                }
                Assert.Equal((inside.Count, waiting.Count), (queue.Inside, queue.Waiting));
                Assert.True(inside.Count <= places);
                Assert.True(Largest(inside, one => one.Party.Account) <= share && Largest(inside, one => one.Party.Key) <= share);
                if (inside.Count < places)
                    Assert.DoesNotContain(waiting, one => Room(one.Party.Account, other => other.Party.Account)
                        && Room(one.Party.Key, other => other.Party.Key));
            }
            Assert.Empty(waiting);

            bool Room(string name, Func<(Party Party, int), string> of) => name.Length == 0 || inside.Count(one => of(one) == name) < share;
        }

        static int Largest(List<(Party Party, int)> inside, Func<(Party Party, int), string> of) =>
            inside.Select(of).Where(name => name.Length > 0).CountBy(name => name).Select(each => each.Value).DefaultIfEmpty().Max();
    }

    /// <summary>Who is let in where one after the other leaves; the parties are read off the names.</summary>
    static List<string> OneByOne(FairQueue<string> queue, Party first, params string[] expected)
    {
        var (order, inside) = (new List<string>(), first);
        for (var i = 0; i <= expected.Length; i++)
        {
            queue.Leave(inside);
            if (!queue.Next(out var next)) break;
            order.Add(next!);
            Assert.False(queue.Next(out _), "two are inside");
            inside = new(first.Key.Length == 0 ? "" : next![..1] == "d" ? "other" : "wide", next!.Split(' ')[0]);
        }
        return order;
    }
}
