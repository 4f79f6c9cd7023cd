// Hosts that are killed again and again: every event is heard in three ways, exactly as the journal has it.
using System.Globalization;
using Purser.Api.Events;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Processes;

public sealed class EventKillTests(ITestOutputHelper output)
{
    [Fact]
    public Task Every_event_is_heard_though_a_host_on_sqlite_is_killed() => KilledAsync(3);

    [Fact, Trait("run", "long")]
    public Task Every_event_is_heard_though_a_host_on_sqlite_is_killed_20_times() => KilledAsync(20);

    [Fact]
    public Task Every_event_is_heard_though_hosts_on_one_postgres_are_killed() => KilledInTurnAsync(4);

    [Fact, Trait("run", "long")]
    public Task Every_event_is_heard_though_hosts_on_one_postgres_are_killed_20_times() => KilledInTurnAsync(20);

    static IEnumerable<(string, string)> IdsOf(FeedEntry entry) =>
        PublicEvents.Of(entry).Select(happened => (happened.Id, happened.Type));

    static string Address() => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");

    /// <summary>One host has the ledger open; in process is who opens it when the host has ended.</summary>
    async Task KilledAsync(int times)
    {
        using var folder = new TemporaryFolder();
        using var temporary = new TemporaryFolder();
        var address = Address();
        Task<HostProcess> StartAsync() => HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("PURSER_URLS", address),
            ("PURSER_WEBHOOK_TARGETS", "any"), ("PURSER_GATE_UPSTREAMS", "any"), ("TMPDIR", temporary.Path));
        var host = await StartAsync();
        await using var kills = new EventKills(() => [new(address)], IdsOf, PublicEvents.Types);
        try
        {
            await kills.BeginAsync();
            var deciding = kills.DecideAsync();
            for (var kill = 0; kill < times; kill++)
            {
                var living = kills.LiveAsync(kill);
                await host.KillAsync();
                await host.DisposeAsync();
                host = await StartAsync();
                await living;
            }
            await deciding;
            await kills.EveryTypeAsync();
            await host.StopAsync();
            await host.DisposeAsync();
            ToldEvents told;
            await using (var ledger = await SqliteLedger.OpenAsync(folder.Path)) told = await ToldEvents.OfAsync(ledger, IdsOf);
            host = await StartAsync();
            output.WriteLine($"{times} kills: {await kills.HeardAsync(told)}");
        }
        finally
        {
            await host.DisposeAsync();
        }
    }

    /// <summary>Two hosts on one ledger; in process is here, with no host in between.</summary>
    async Task KilledInTurnAsync(int times)
    {
        using var temporary = new TemporaryFolder();
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        string[] addresses = [Address(), Address()];
        Task<HostProcess> StartAsync(int no) => HostProcess.StartAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database),
            ("PURSER_URLS", addresses[no]),
            ("PURSER_WEBHOOK_TARGETS", "any"), ("PURSER_GATE_UPSTREAMS", "any"), ("TMPDIR", temporary.Path));
        HostProcess[] hosts = [await StartAsync(0), await StartAsync(1)];
        await using var ledger = await PostgresLedger.OpenAsync(database);
        await using var kills = new EventKills(() => [.. addresses.Select(address => new Uri(address))], IdsOf,
            PublicEvents.Types);
        try
        {
            await kills.BeginAsync(new FeedFollower(ledger, new(), TimeProvider.System).FollowAsync);
            var deciding = kills.DecideAsync();
            for (var kill = 0; kill < times; kill++)
            {
                var (living, no) = (kills.LiveAsync(kill), kill % hosts.Length);
                await hosts[no].KillAsync();
                await hosts[no].DisposeAsync();
                hosts[no] = await StartAsync(no);
                await living;
            }
            await deciding;
            await kills.EveryTypeAsync();
            output.WriteLine($"{times} kills: {await kills.HeardAsync(await ToldEvents.OfAsync(ledger, IdsOf))}");
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }
}
