// Whose turn it is where more requests wait than are worked for at once.
using Purser.Api;
using Purser.Conformance;

namespace Purser.Embedded.Tests.Http;

public sealed class FairQueueTests
{
    readonly ManualTime time = new();

    [Fact]
    public void An_account_that_comes_after_a_flood_is_next_but_one()
    {
        var queue = new FairQueue<string>(time, places: 1, ofAccount: 1, contended: 1, ofKey: 1);
        Assert.Null(queue.Enter(new("", "flood"), "flood 0"));
        for (var i = 1; i <= 5; i++) Assert.NotNull(queue.Enter(new("", "flood"), $"flood {i}"));
        Assert.NotNull(queue.Enter(new("", "quiet"), "quiet"));
        Assert.Equal((1, 6), (queue.Inside, queue.Waiting));

        Assert.Equal(["flood 1", "quiet", "flood 2", "flood 3", "flood 4", "flood 5"],
            OneByOne(queue, new("", "flood"), "flood 1", "quiet", "flood 2", "flood 3", "flood 4", "flood 5"));
        Assert.Equal((0, 0), (queue.Inside, queue.Waiting));
    }

    [Fact]
    public void Keys_take_turns_and_the_accounts_of_each()
    {
        var queue = new FairQueue<string>(time, places: 1, ofAccount: 1, contended: 1, ofKey: 1);
        Assert.Null(queue.Enter(new("wide", "first"), "first"));
        foreach (var one in new[] { "a 1", "a 2", "b 1", "c 1" }) Assert.NotNull(queue.Enter(new("wide", one[..1]), one));
        Assert.NotNull(queue.Enter(new("other", "d"), "d 1"));
        Assert.NotNull(queue.Enter(new("other", "d"), "d 2"));

        Assert.Equal(["a 1", "d 1", "b 1", "d 2", "c 1", "a 2"],
            OneByOne(queue, new("wide", "first"), "a 1", "d 1", "b 1", "d 2", "c 1", "a 2"));
    }

    [Fact]
    public void Nobody_has_more_than_the_share_and_the_rest_of_the_places_is_for_others()
    {
        var queue = new FairQueue<int>(time, places: 4, ofAccount: 2, contended: 2, ofKey: 2);
        Party flood = new("", "flood"), quiet = new("", "quiet"), key = new("key", "a"), sameKey = new("key", "b");
        Assert.Null(queue.Enter(flood, 1));
        Assert.Null(queue.Enter(flood, 2));
        Assert.NotNull(queue.Enter(flood, 3));
        Assert.Null(queue.Enter(key, 4));
        Assert.Null(queue.Enter(sameKey, 5));
        Assert.NotNull(queue.Enter(new("key", "c"), 6));
        Assert.NotNull(queue.Enter(quiet, 7));

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
        var nobodys = new FairQueue<int>(time, places: 4, ofAccount: 2, contended: 2, ofKey: 2);
        Assert.All(Enumerable.Range(0, 4), i => Assert.Null(nobodys.Enter(new("", ""), i)));
        Assert.NotNull(nobodys.Enter(new("", ""), 4));
    }

    [Fact]
    public void One_that_goes_away_takes_no_turn_and_moves_nobody()
    {
        var queue = new FairQueue<string>(time, places: 1, ofAccount: 1, contended: 1, ofKey: 1);
        Assert.Null(queue.Enter(new("", "a"), "a 0"));
        var gone = queue.Enter(new("", "a"), "a 1")!;
        Assert.NotNull(queue.Enter(new("", "b"), "b 1"));
        Assert.True(queue.Withdraw(gone));
        Assert.Equal((1, 1), (queue.Inside, queue.Waiting));
        // An account that comes again before its turn has one turn in a round, as before.
        foreach (var one in new[] { "a 2", "a 3" }) Assert.NotNull(queue.Enter(new("", "a"), one));
        Assert.Equal(["a 2", "b 1", "a 3"], OneByOne(queue, new("", "a"), "a 2", "b 1", "a 3"));
        Assert.Equal((0, 0), (queue.Inside, queue.Waiting));
    }

    [Fact]
    public void An_account_has_few_places_while_others_come_and_all_of_its_share_when_they_do_not()
    {
        var queue = new FairQueue<int>(time, places: 16, ofAccount: 8, contended: 2, ofKey: 16);
        Party flood = new("", "flood"), quiet = new("", "quiet");
        for (var i = 1; i <= 8; i++) Assert.Null(queue.Enter(flood, i));
        for (var i = 9; i <= 20; i++) Assert.NotNull(queue.Enter(flood, i));

        // Another one comes, and is worked for at once. Those of the flood that are inside stay; as they leave nobody of it follows.
        Assert.Null(queue.Enter(quiet, 0));
        queue.Leave(quiet);
        for (var inside = 8; inside > 2; inside--)
        {
            queue.Leave(flood);
            Assert.False(queue.Next(out _), "the flood had its share already");
        }
        // Then it has two places, however often it comes again itself.
        queue.Leave(flood);
        Assert.True(queue.Next(out var one));
        Assert.Equal(9, one);
        Assert.False(queue.Next(out _));
        Assert.NotNull(queue.Enter(flood, 21));

        // What comes for no account in particular is nobody's company.
        time.Advance(FairQueue<int>.Remembered / 2);
        Assert.Null(queue.Enter(new("", ""), 22));
        Assert.NotNull(queue.Enter(flood, 23));
        time.Advance(FairQueue<int>.Remembered / 2);
        queue.Leave(flood);
        var next = new List<int>();
        while (queue.Next(out one)) next.Add(one);
        Assert.Equal([10, 11, 12, 13, 14, 15, 16], next);
    }

    [Fact]
    public void Who_comes_once_a_share_has_grown_goes_behind_those_who_wait()
    {
        var queue = new FairQueue<int>(time, places: 8, ofAccount: 3, contended: 1, ofKey: 8);
        Party flood = new("", "flood"), quiet = new("", "quiet");
        Assert.Null(queue.Enter(quiet, 0));
        Assert.Null(queue.Enter(flood, 1));
        Assert.NotNull(queue.Enter(flood, 2));

        time.Advance(FairQueue<int>.Remembered);
        Assert.NotNull(queue.Enter(flood, 3));
        Assert.True(queue.Next(out var one));
        Assert.Equal(2, one);
        Assert.True(queue.Next(out one));
        Assert.Equal(3, one);
        Assert.False(queue.Next(out _));
    }

    /// <summary>Against the rules themselves, step by step, over schedules by chance.</summary>
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(3, 1, 1, 1)]
    [InlineData(8, 4, 4, 4)]
    [InlineData(8, 2, 2, 4)]
    [InlineData(4, 1, 1, 4)]
    [InlineData(8, 4, 1, 4)]
    [InlineData(8, 6, 2, 8)]
    [InlineData(8, 2, 6, 8)]
    public void Bounds_hold_nobody_waits_who_may_be_inside_and_everybody_gets_there_in_order_who_does_not_go(int places, int ofAccount,
        int contended, int ofKey)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var queue = new FairQueue<(Party Party, int Number)>(time, places, ofAccount, contended, ofKey);
            var (account, company) = ("", TimeSpan.MaxValue);
            var tickets = new Dictionary<int, LinkedListNode<(Party Party, int Number)>>();
            var (inside, waiting, last) = (new List<(Party Party, int Number)>(), new List<(Party Party, int Number)>(), 0);
            for (var step = 0; step < 200 || inside.Count > 0 || waiting.Count > 0; step++)
            {
                var passes = random.Next(20) == 0 ? FairQueue<int>.Remembered : FairQueue<int>.Remembered / 50;
                time.Advance(passes);
                if (company < TimeSpan.MaxValue) company += passes;
                var drained = true;
                if (step < 200 && (inside.Count == 0 || random.Next(3) > 0))
                {
                    var key = random.Next(4) is > 0 and var k ? $"k{k}" : "";
                    var one = (new Party(key, random.Next(5) is > 0 and var a ? $"a{a}" : ""), last++);
                    if (one.Item1.Account is { Length: > 0 } came && came != account)
                        (account, company) = (came, account.Length > 0 ? TimeSpan.Zero : company);
                    if (queue.Enter(one.Item1, one) is { } ticket)
                    {
                        tickets[one.Item2] = ticket;
                        waiting.Add(one);
                        LetIn();
                    }
                    else
                    {
                        Assert.DoesNotContain(waiting, other => other.Party == one.Item1);
                        Comes(one);
                    }
                }
                else if (waiting.Count > 0 && random.Next(4) == 0)
                {
                    var gone = waiting[random.Next(waiting.Count)];
                    waiting.Remove(gone);
                    Assert.True(queue.Withdraw(tickets[gone.Number]));
                    Assert.False(queue.Withdraw(tickets[gone.Number]));
                    drained = false;
                }
                else
                {
                    var left = inside[random.Next(inside.Count)];
                    inside.Remove(left);
                    queue.Leave(left.Party);
                    LetIn();
                }
                Assert.Equal((inside.Count, waiting.Count), (queue.Inside, queue.Waiting));
                Assert.True(inside.Count <= places);
                Assert.True(Largest(inside, one => one.Party.Account) <= ofAccount && Largest(inside, one => one.Party.Key) <= ofKey);
                if (inside.Count < places && drained) Assert.DoesNotContain(waiting, one => HasRoom(one.Party));
            }
            Assert.Empty(waiting);

            void LetIn()
            {
                while (queue.Next(out var next))
                {
                    // In the order in which it came, among its own.
                    Assert.Equal(waiting.First(other => other.Party == next.Party), next);
                    waiting.Remove(next);
                    Comes(next);
                    Assert.False(queue.Withdraw(tickets[next.Number]));
                }
            }

            void Comes((Party Party, int Number) one)
            {
                Assert.True(HasRoom(one.Party), "it has no room");
                inside.Add(one);
            }

            bool HasRoom(Party party) =>
                Room(party.Account, one => one.Party.Account,
                    company < FairQueue<int>.Remembered ? Math.Min(ofAccount, contended) : ofAccount)
                && Room(party.Key, one => one.Party.Key, ofKey);

            bool Room(string name, Func<(Party Party, int), string> of, int most) =>
                name.Length == 0 || inside.Count(one => of(one) == name) < most;
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
