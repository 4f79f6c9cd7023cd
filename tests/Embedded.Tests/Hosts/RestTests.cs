// What a host lets go of where nobody calls: accounts that rest keep what they decide by, and memory goes back once after each burst.
using Purser.Api;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class RestTests
{
    [Fact]
    public async Task An_account_that_rests_answers_a_call_that_is_repeated_as_it_did()
    {
        await using var ledger = new MemoryLedger();
        var time = new ManualTime();
        await using var authority = new EmbeddedAuthority(ledger, time);
        var record = new Record("once", new() { InputTokens = 7 });
        var first = Assert.IsType<Settlement>((await authority.SendAsync("a", record)).Answer);
        time.Advance(TimeSpan.FromMinutes(2));
        await authority.EvictIdleAsync();
        Assert.Equal(1, authority.ActiveSessions);
        var again = Assert.IsType<Settlement>((await authority.SendAsync("a", record)).Answer);
        Assert.Equal(first.UsageId, again.UsageId);
        Assert.Single((await ledger.FindAsync(new() { Account = "a" }, null, 10)).Items);
        Assert.Equal(OutcomeStatus.IdempotencyMismatch,
            (await authority.SendAsync("a", new Record("once", new() { InputTokens = 8 }))).Status);
    }

    [Fact]
    public void Memory_goes_back_once_after_a_burst_and_never_in_one()
    {
        using var watch = new MemoryWatch();
        const long gigabyte = 1L << 30;
        Assert.False(watch.IsTime(gigabyte, gigabyte));
        Assert.True(watch.IsTime(gigabyte + 1000, gigabyte));
        Assert.False(watch.IsTime(gigabyte + 2000, gigabyte));
        Assert.False(watch.IsTime(3 * gigabyte, gigabyte));
        Assert.False(watch.IsTime(3 * gigabyte + 1000, 1000));
        Assert.True(watch.IsTime(3 * gigabyte + 2000, gigabyte));
    }
}
