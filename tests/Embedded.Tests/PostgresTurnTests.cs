// Waiting for a turn must not use up the connections that those need whose turn it is.
using Purser.Conformance.Servers;
using Purser.Ledgers.Postgres;

namespace Purser.Embedded.Tests;

[Trait("needs", "postgres")]
public sealed class PostgresTurnTests
{
    [Fact]
    public async Task However_many_wait_for_their_turn_the_others_are_served()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var other = await PostgresLedger.OpenAsync(database);
        await using var ledger = await PostgresLedger.OpenAsync(database + ";Maximum Pool Size=4");
        var accounts = Enumerable.Range(0, 10).Select(i => $"busy-{i}").ToArray();
        var theirs = await Task.WhenAll(accounts.Select(other.TakeTurnAsync));
        var ours = accounts.Select(ledger.TakeTurnAsync).ToArray();
        for (var i = 0; i < 20; i++) Assert.Empty((await ledger.LoadAsync("idle")).Tail);
        Assert.DoesNotContain(ours, turn => turn.IsCompleted);
        foreach (var turn in theirs) await turn.DisposeAsync();
        foreach (var turn in ours) await (await turn).DisposeAsync();
    }
}
