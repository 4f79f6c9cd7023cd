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
    public async Task Where_more_accounts_are_called_than_may_be_in_memory_those_called_longest_ago_leave_it()
    {
        await using var ledger = new MemoryLedger();
        var time = new ManualTime();
        await using var histories = new EmbeddedHistories(ledger, time: time);
        await using var authority = new EmbeddedAuthority(ledger, time, new() { MostSessions = 20 }, histories: histories);
        for (var account = 0; account < 50; account++)
        {
            await authority.ExpectAsync($"a{account}", Calls.Record("one", 7));
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
        await authority.ShedAsync();
        Assert.Equal(18, authority.ActiveSessions);
        for (var account = 32; account < 50; account++) await authority.ExpectAsync($"a{account}", Calls.Record("one", 7));
        Assert.Equal(18, authority.ActiveSessions);
        // Whoever left goes on where it was.
        await authority.ExpectAsync("a0", Calls.Record("one", 7));
        await authority.ExpectAsync("a0", Calls.Record("one", 8), OutcomeStatus.IdempotencyMismatch);
        Assert.Equal(7, (await histories.ReadAsync("a0")).TokensPerCall.Mean);
    }

    [Fact]
    public async Task No_call_is_lost_while_accounts_leave_memory()
    {
        await using var ledger = new MemoryLedger();
        var time = new ManualTime();
        await using var authority = new EmbeddedAuthority(ledger, time, new() { MostSessions = 10 });
        var calling = Parallel.ForAsync(0, 4_000, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (call, _) => await authority.ExpectAsync($"a{call % 40}", Calls.Record($"u{call}", 1)));
        while (!calling.IsCompleted)
        {
            await authority.ShedAsync();
            await Task.Yield();
        }
        await calling;
        for (var account = 0; account < 40; account++)
            Assert.Equal(100, (await ledger.FindAsync(new() { Account = $"a{account}" }, null, 1000)).Items.Count);
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
