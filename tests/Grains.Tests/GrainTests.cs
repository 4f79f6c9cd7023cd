// What each kind of grain promises: activation, deactivation, deadlines and their reminders, histories, callers in silos and beside them.
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains.Tests;

public sealed class GrainTests(GrainCluster cluster) : IClassFixture<GrainCluster>
{
    IBudgetAuthority Authority => cluster.Authority;

    [Fact]
    public async Task An_account_is_active_on_one_silo_and_read_once()
    {
        var account = GrainCluster.NewAccount();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Authority.ExpectAsync(account, Calls.Record($"u{i}", 1))));
        Assert.Equal(1, cluster.Silos.Count(silo => Near(silo.ServiceProvider).Accounts.Contains(account)));
        Assert.Equal(1, cluster.Loads(account));
    }

    [Fact]
    public async Task A_budget_that_was_deactivated_is_read_again_when_it_is_called()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, Calls.Record("before", 5));
        await cluster.Orleans.DeactivateAsync(cluster.Grains.GetGrain<IBudgetGrain>(account));
        Assert.DoesNotContain(cluster.Silos, silo => Near(silo.ServiceProvider).Accounts.Contains(account));
        await Authority.ExpectAsync(account, new GetStatus());
        Assert.Equal(2, cluster.Loads(account));
    }

    [Fact]
    public async Task Where_a_silo_has_more_budgets_than_it_may_those_called_longest_ago_leave_it()
    {
        // Alone, so that none is moved to a silo that has fewer.
        var alone = new GrainCluster(1);
        await alone.InitializeAsync();
        try
        {
            string[] accounts = [.. Enumerable.Range(0, 15).Select(_ => GrainCluster.NewAccount())];
            foreach (var account in accounts)
            {
                await alone.Authority.ExpectAsync(account, Calls.Record("before", 5));
                // Budgets know the millisecond of their last call: the next one is in another.
                var called = Stopwatch.GetTimestamp();
                SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(called) > TimeSpan.FromMilliseconds(1));
            }
            var silo = alone.Silos.Single().ServiceProvider;
            Assert.Equal(accounts.Length, Near(silo).Accounts.Intersect(accounts).Count());
            await silo.GetRequiredService<BudgetShedding>().ShedAsync(most: 6);
            await GrainCluster.UntilAsync(() => Task.FromResult(Near(silo).Accounts.Count() <= 6), () => "no budget leaves its silo");
            Assert.Equal(accounts[^6..].Order(StringComparer.Ordinal), Near(silo).Accounts.Order(StringComparer.Ordinal));
            await alone.Authority.ExpectAsync(accounts[0], Calls.Record("before", 5));
            await alone.Authority.ExpectAsync(accounts[0], Calls.Record("before", 6), OutcomeStatus.IdempotencyMismatch);
            Assert.Equal(1, alone.Loads(accounts[^1]));
        }
        finally
        {
            await alone.DisposeAsync();
        }
    }

    [Fact]
    public async Task Every_caller_in_the_cluster_sees_the_same_budget()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("edge", "lifetime", 30))));
        var callers = cluster.Silos.Select(silo => silo.ServiceProvider.GetRequiredService<IBudgetAuthority>()).Append(Authority).ToArray();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 40)
            .Select(i => callers[i % callers.Length].SendAsync(account, Calls.Reserve($"h{i}", 10))));
        Assert.Equal(3, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Done));
        Assert.Equal(37, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Refused));
    }

    [Fact]
    public async Task Every_shard_has_its_watch_and_its_reminder_and_the_silos_share_them()
    {
        var management = cluster.Grains.GetGrain<IManagementGrain>(0);
        int[] each = [];
        await GrainCluster.UntilAsync(async () =>
        {
            each = [.. (await management.GetDetailedGrainStatistics()).Where(grain => grain.GrainId.Type.ToString() == "deadlines")
                .GroupBy(grain => grain.SiloAddress).Select(silo => silo.Count()).Order()];
            return each is [21, 21, 22];
        }, () => $"the silos watch {string.Join(", ", each)} shards");
        var reminders = cluster.Silos[0].ServiceProvider.GetRequiredService<IReminderTable>();
        await GrainCluster.UntilAsync(async () => (await reminders.ReadRows(0, 0)).Reminders.Count == Shard.Count,
            () => "not every shard has its reminder");
    }

    [Fact]
    public async Task What_is_due_of_a_budget_that_is_not_active_happens_though_nobody_calls()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, Calls.Reserve("forgotten", 10, ttlSeconds: 2));
        await cluster.Orleans.DeactivateAsync(cluster.Grains.GetGrain<IBudgetGrain>(account));
        await GrainCluster.UntilAsync(
            async () => (await cluster.Ledger.ReadJournalAsync(account, 0, 10)).SelectMany(entry => entry.Events).OfType<Expired>().Any(),
            () => "the hold does not expire");
    }

    [Fact]
    public async Task A_history_has_everything_that_was_acknowledged_before_it_was_read()
    {
        var account = GrainCluster.NewAccount();
        var histories = cluster.Client.GetRequiredService<IUsageHistories>();
        for (var i = 1; i <= 5; i++)
        {
            await Authority.ExpectAsync(account, Calls.Record($"u{i}", 10));
            Assert.Equal(i * 10, (await histories.ReadAsync(account)).Hours.Sum(hour => hour.Usage.Tokens));
        }
        await cluster.Orleans.DeactivateAsync(cluster.Grains.GetUsageHistory(account));
        Assert.Equal(50, (await histories.ReadAsync(account)).Hours.Sum(hour => hour.Usage.Tokens));
    }

    static NearBudgets Near(IServiceProvider silo) => silo.GetRequiredService<NearBudgets>();
}
