// Real silo processes, killed, paused and replaced under load. Nothing acknowledged may be lost, no limit passed.
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using Purser.Silo;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class FaultTests(ITestOutputHelper output) : Lifetime
{
    readonly List<SiloProcess> silos = [];
    string postgres = "";
    SiloHost client = null!;

    protected override async Task StartAsync() => postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();

    async Task StartSilosAsync(params (string Name, string Value)[] settings)
    {
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var clusterId = "faults-" + Guid.NewGuid().ToString("N");
        for (var i = 0; i < 3; i++) silos.Add(Add(SiloProcess.Start(postgres, redis, clusterId, settings)));
        await Task.WhenAll(silos.Select(silo => silo.ReadyAsync()));
        await ServerProcess.UntilAsync(async () => await silos[0].SilosAsync() == 3, () => "the silos do not find each other");
        client = Add(await LocalCluster.StartClientAsync(redis, clusterId));
    }

    IBudgetAuthority Authority => client.Services.GetRequiredService<IBudgetAuthority>();

    void Print(string line) => output.WriteLine(line);

    [Fact]
    public async Task A_silo_killed_under_load_loses_nothing_and_is_replaced()
    {
        await StartSilosAsync();
        await using var load = await Load.StartAsync([Authority]);
        await load.GoOnAsync(2000);
        var killed = load.Now;
        await silos[0].KillAsync();
        await load.GoOnAsync(2000);
        Print($"after kill -9 of one silo of three: {load.Unavailable} calls refused by unavailability; every account served again "
            + $"after {load.Recovery(killed).TotalSeconds:0.0} s; calls of the next 10 s: "
                + $"{load.Latencies(killed, TimeSpan.FromSeconds(10))}");
        silos[0].StartAgain();
        await silos[0].ReadyAsync();
        await load.GoOnAsync(1000);
        Assert.Empty(await load.StopAndAuditAsync(postgres));
        Print($"in all {load.Acknowledged} calls acknowledged, {load.Unavailable} refused by unavailability");
    }

    [Fact]
    public async Task A_rolling_restart_under_load_refuses_nothing()
    {
        await StartSilosAsync(SiloProcess.Patient);
        await using var load = await Load.StartAsync([Authority]);
        await load.GoOnAsync(1000);
        var began = load.Now;
        foreach (var silo in silos)
        {
            Assert.Equal(0, await silo.EndAsync());
            silo.StartAgain();
            await silo.ReadyAsync();
            await load.GoOnAsync(500);
        }
        var lasted = load.Now - began;
        Assert.Empty(await load.StopAndAuditAsync(postgres));
        Print($"rolling restart of three silos in {lasted.TotalSeconds:0.0} s: {load.Unavailable} calls refused by unavailability; "
            + $"{load.Latencies(began, lasted)}");
        Assert.Equal(0, load.Unavailable);
    }

    [Fact]
    public async Task A_silo_that_was_frozen_and_comes_back_is_fenced()
    {
        await StartSilosAsync();
        await using var load = await Load.StartAsync([Authority]);
        await load.GoOnAsync(1000);
        var frozen = load.Now;
        silos[0].Send(Signal.Stop);
        try
        {
            // Where processors are scarce the third one may be given up too.
            await ServerProcess.UntilAsync(async () => await silos[1].SilosAsync() is 1 or 2, () => "the frozen silo is not given up");
            await load.GoOnAsync(1000);
        }
        finally
        {
            // What it held of its accounts is old by now, and it does not know yet.
            silos[0].Send(Signal.Continue);
        }
        await load.GoOnAsync(2000);
        Print($"after a freeze: {load.Unavailable} calls refused by unavailability; every account served again after "
            + $"{load.Recovery(frozen).TotalSeconds:0.0} s; {load.Latencies(frozen, TimeSpan.FromSeconds(10))}");
        Assert.Empty(await load.StopAndAuditAsync(postgres));
    }

    [Fact]
    public async Task What_is_due_of_an_idle_account_happens_though_its_silo_was_killed_and_nobody_calls()
    {
        await StartSilosAsync();
        var account = "idle-" + Guid.NewGuid().ToString("N");
        await Authority.ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("pace", "minute", 1000))));
        await Authority.ExpectAsync(account, Calls.Record("used", 10));
        var held = (Decision)(await Authority.ExpectAsync(account, Calls.Reserve("forgotten", 10, ttlSeconds: 5))).Answer!;
        var grains = client.Services.GetRequiredService<IGrainFactory>();
        var home = await RawCalls.AnswerAsync(async () =>
            await grains.GetGrain<IManagementGrain>(0).GetActivationAddress(grains.GetGrain<IBudgetGrain>(account)));
        await silos.Single(silo => silo.Port == home!.Endpoint.Port).KillAsync();

        await using var ledger = await PostgresLedger.OpenAsync(postgres);
        var happened = new List<BudgetEvent>();
        await ServerProcess.UntilAsync(async () =>
        {
            happened = [.. (await ledger.ReadJournalAsync(account, 1, 100)).SelectMany(entry => entry.Events)];
            return happened.OfType<Expired>().Any() && happened.OfType<WindowReset>().Any();
        }, () => "the hold did not expire, or the reset of the window was not announced");
        var (expired, reset) = (happened.OfType<Expired>().Single(), happened.OfType<WindowReset>().First());
        Print($"the hold expired {(expired.At - held.Reservation!.ExpiresAt).TotalSeconds:0.0} s after its time, the reset of the "
            + $"window was announced {(reset.At - reset.Window.End).TotalSeconds:0.0} s after its end");
    }
}
