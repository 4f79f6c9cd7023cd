// What commands of one account that come together ask of the ledger: no more than they have to.
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Hosts;

public sealed class TogetherTests
{
    [Fact]
    public async Task A_hold_and_its_settlement_ask_for_nothing_before_they_are_written()
    {
        await using var memory = new MemoryLedger();
        var ledger = new FaultyLedger(memory);
        await using var authority = new EmbeddedAuthority(ledger, new ManualTime());
        await authority.ExpectAsync("a", new SetPolicy(Policy(Tokens("ever", "lifetime", 1000))));
        for (var call = 0; call < 3; call++)
            Assert.All(await authority.SendAllAsync("a", [Reserve($"h{call}", 50), Settle($"h{call}", $"h{call}", 20)]),
                outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));
        Assert.Equal(0, ledger.Recalls);
        // A settlement before its hold is about one that must be somewhere.
        var outcomes = await authority.SendAllAsync("a", [Settle("h9", "h9", 20), Reserve("h9", 50)]);
        Assert.Equal([OutcomeStatus.NotFound, OutcomeStatus.Done], outcomes.Select(outcome => outcome.Status));
        Assert.Equal(1, ledger.Recalls);
    }

    [Fact]
    public async Task A_call_that_is_repeated_is_looked_for_and_those_after_it_only_while_that_finds_something()
    {
        await using var memory = new MemoryLedger();
        var appends = 0;
        var ledger = new FaultyLedger(memory)
        {
            OnAppend = _ =>
            {
                appends++;
                return Fault.None;
            },
        };
        await using var authority = new EmbeddedAuthority(ledger, new ManualTime());
        async Task RecordAsync(int from, int to)
        {
            for (var call = from; call < to; call++)
                Assert.Equal($"u{call}", Assert.IsType<Settlement>((await authority.SendAsync("a", Record($"u{call}", 1))).Answer).UsageId);
        }
        await RecordAsync(0, 10);
        Assert.Equal((0, 10), (ledger.Recalls, appends));
        // Decided as new, refused by the ledger, looked for; two of those after it are looked for too.
        await RecordAsync(0, 1);
        await RecordAsync(10, 20);
        Assert.Equal((3, 22), (ledger.Recalls, appends));
        // A trace that is played again: all but the first are looked for before they are decided.
        await RecordAsync(0, 20);
        Assert.Equal((23, 43), (ledger.Recalls, appends));
        Assert.Equal(20, (await memory.FindAsync(new() { Account = "a" }, null, 100)).Items.Count);
    }

    [Fact]
    public async Task A_busy_account_knows_for_a_minute_what_it_did()
    {
        await using var memory = new MemoryLedger();
        var (ledger, time) = (new FaultyLedger(memory), new ManualTime());
        await using var authority = new EmbeddedAuthority(ledger, time);
        var calls = Enumerable.Range(0, 20).Select(call => Record($"u{call}", 1)).ToArray();
        for (var attempt = 0; attempt < 2; attempt++)
            Assert.All(await authority.SendAllAsync("a", calls), outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));
        await authority.ExpectAsync("a", calls[0]);
        Assert.Equal(0, ledger.Recalls);
        // A minute later it is a quiet one: a call lets go of all that was before.
        time.Advance(TimeSpan.FromMinutes(1));
        await authority.ExpectAsync("a", Record("later", 1));
        await authority.ExpectAsync("a", calls[0]);
        Assert.Equal(1, ledger.Recalls);
        Assert.Equal(21, (await memory.FindAsync(new() { Account = "a" }, null, 100)).Items.Count);
    }

    [Fact]
    public async Task More_than_may_wait_are_told_so_each_and_the_others_are_decided()
    {
        await using var memory = new MemoryLedger();
        var goOn = new TaskCompletionSource();
        var ledger = new FaultyLedger(memory) { BeforeAppend = _ => goOn.Task };
        await using var authority = new EmbeddedAuthority(ledger, new ManualTime());
        var all = authority.SendAllAsync("a", [.. Enumerable.Range(0, 25_000).Select(i => Record($"u{i}", 1))]);
        goOn.SetResult();
        var outcomes = await all;
        Assert.Equal(20_000, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Done));
        Assert.All(outcomes.Skip(20_000), outcome => Assert.Equal(OutcomeStatus.Unavailable, outcome.Status));
    }
}
