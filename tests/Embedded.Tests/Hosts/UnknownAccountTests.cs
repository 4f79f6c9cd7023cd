// Whoever asks about accounts that do not exist fills nothing: neither the ledger nor memory.
using System.Globalization;
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class UnknownAccountTests
{
    [Fact]
    public async Task Checks_of_twelve_thousand_unknown_accounts_leave_a_thousand_in_memory_and_nothing_in_the_ledger()
    {
        var ledger = new MemoryLedger();
        await using var host = new EmbeddedAuthority(ledger, new ManualTime());
        await host.ExpectAsync("known", Calls.Reserve("hold", 10));
        for (var i = 0; i < 12_000; i++)
            await host.ExpectAsync(string.Create(CultureInfo.InvariantCulture, $"nobody-{i}"), Calls.Check(1));
        Assert.InRange(host.ActiveSessions, 1, 1001);
        // One that was asked about often stands there once, and one that begins to exist stays.
        for (var i = 0; i < 5000; i++) await host.ExpectAsync("nobody-11999", Calls.Check(1));
        await host.ExpectAsync("nobody-11999", Calls.Reserve("hold", 10));
        for (var i = 0; i < 2000; i++)
            await host.ExpectAsync(string.Create(CultureInfo.InvariantCulture, $"nobody-{i}"), Calls.Check(1));
        Assert.InRange(host.ActiveSessions, 2, 1002);
        Assert.Equal(1, (await ledger.LoadAsync("nobody-11999")).Tail[^1].Version);
        Assert.Empty((await ledger.LoadAsync("nobody-1")).Tail);
    }

    [Fact]
    public async Task Many_at_once_are_all_answered()
    {
        await using var host = new EmbeddedAuthority(new MemoryLedger(), new ManualTime());
        await Parallel.ForEachAsync(Enumerable.Range(0, 20_000), async (i, _) =>
            await host.ExpectAsync(string.Create(CultureInfo.InvariantCulture, $"nobody-{i % 3000}"), Calls.Check(1)));
        Assert.InRange(host.ActiveSessions, 1, 1100);
    }
}
