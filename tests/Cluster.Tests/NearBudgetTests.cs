// Calls from the silo that serves the account: they take the short way, and miss nothing by it.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Memory;

namespace Purser.Cluster.Tests;

public sealed class NearBudgetTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    IBudgetAuthority Authority => shared.Cluster.InSilo.GetRequiredService<IBudgetAuthority>();

    NearBudgets Near => shared.Cluster.InSilo.GetRequiredService<NearBudgets>();

    IGrainFactory Grains => shared.Cluster.InSilo.GetRequiredService<IGrainFactory>();

    /// <summary>An account whose first call was served by this silo.</summary>
    async Task<string> AccountHereAsync()
    {
        while (true)
        {
            var account = "near-" + Guid.NewGuid().ToString("N");
            await Authority.ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("ever", "lifetime", 1_000_000))));
            if (Near.Find(account) is not null) return account;
        }
    }

    [Fact]
    public async Task Callers_in_the_silo_lose_nothing_while_their_budget_is_handed_over_again_and_again()
    {
        var account = await AccountHereAsync();
        var moving = true;
        var calling = Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            var sent = 0;
            for (; Volatile.Read(ref moving); sent++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"{caller}-{sent}");
                if (sent % 2 == 0) await Authority.ExpectAsync(account, Calls.Record(id, 1) with { FreshId = true });
                else Assert.All(await Authority.SendAllAsync(account, [Calls.Reserve(id, 5), Calls.Settle(id, id, 1)]), outcome =>
                    Assert.Equal(OutcomeStatus.Done, outcome.Status));
            }
            return sent;
        })));
        for (var i = 0; i < 20; i++)
        {
            await RawCalls.LeaveAsync(Grains.GetGrain<IBudgetGrain>(account));
            // It is active again, here or elsewhere.
            await Authority.ExpectAsync(account, new GetStatus());
        }
        Volatile.Write(ref moving, false);
        var limit = ((await calling).Sum(), await Authority.OnlyLimitAsync(account));
        Assert.Equal((limit.Item1, 0), (limit.Item2.Settled.Value, limit.Item2.Held.Value));
    }

    [Fact]
    public async Task Calls_from_nearby_are_measured_as_those_through_a_grain_are()
    {
        var ways = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, all) =>
            {
                if (instrument.Name == "purser.cluster.call.duration") all.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, took, tags, _) => ways[(string)tags[0].Value!] = took);
        listener.Start();
        // The first call of an account finds nobody nearby, later ones do, unless it was moved away meanwhile.
        await ServerProcess.UntilAsync(async () =>
        {
            await Authority.ExpectAsync(await AccountHereAsync(), new GetStatus());
            return ways.ContainsKey("grain") && ways.ContainsKey("near");
        }, () => $"measured are {string.Join(", ", ways.Keys)}");
    }

    [Fact]
    public async Task A_hold_of_an_account_that_is_only_called_from_nearby_expires_in_time()
    {
        var account = await AccountHereAsync();
        await Authority.ExpectAsync(account, Calls.Reserve("short", 10, ttlSeconds: 1));
        await ServerProcess.UntilAsync(
            async () => (await Authority.OnlyLimitAsync(account)).Held.Value == 0, () =>
                "the hold does not expire");
    }

    [Fact]
    public async Task Once_a_minute_a_call_goes_through_the_grain_so_that_it_does_not_count_as_idle()
    {
        var time = new ManualTime();
        var ledger = new MemoryLedger();
        await using var committer = new Committer(ledger);
        var session = new BudgetSession(
            "a", new(ledger, committer, new(ledger), new(time), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));
        var near = new NearBudgets(time);
        Assert.Null(near.Find("a"));
        var budget = near.Add(session);
        Assert.Same(budget, near.Find("a"));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(near.Find("a"));
        budget.Called();
        Assert.Same(budget, near.Find("a"));
        near.Remove(budget);
        Assert.Null(near.Find("a"));
    }
}
