// The slicing of accounts is stored with them: it must be the same for ever.
using Purser.Engine;

namespace Purser.Embedded.Tests;

public sealed class ShardTests
{
    [Theory]
    [InlineData("", 25)]
    [InlineData("a", 32)]
    [InlineData("acme", 18)]
    [InlineData("user:ann@example.org", 40)]
    [InlineData("\u00e9", 28)]
    public void An_account_lies_in_the_shard_it_always_lay_in(string account, int number) => Assert.Equal(number, Shard.NumberOf(account));

    [Fact]
    public void Shards_are_about_equally_large()
    {
        var sizes = Enumerable.Range(0, 64_000).GroupBy(i => Shard.NumberOf($"acct-{i}")).Select(shard => shard.Count()).ToList();
        Assert.Equal(Shard.Count, sizes.Count);
        Assert.InRange(sizes.Min(), 800, 1000);
        Assert.InRange(sizes.Max(), 1000, 1200);
    }

    [Fact]
    public void All_shards_together_have_every_account()
    {
        Assert.True(Shard.All.Has("acme"));
        Assert.Equal(18, Assert.Single(Enumerable.Range(0, Shard.Count), number => Shard.Of(number).Has("acme")));
    }
}
