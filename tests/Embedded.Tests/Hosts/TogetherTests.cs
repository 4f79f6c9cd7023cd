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
