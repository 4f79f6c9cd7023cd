// Budgets that move between silos with what they have in memory: nothing is read, nothing is lost, and the ledger has the last word.
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Grains.Tests;

public sealed class MigrationTests(GrainCluster cluster) : IClassFixture<GrainCluster>
{
    IBudgetAuthority Authority => cluster.Authority;

    static SetPolicy Edge(long amount) => new(Calls.Policy(Calls.Tokens("edge", "lifetime", amount)));

    SiloAddress Elsewhere(string account)
    {
        var home = cluster.HomeOf(account);
        return cluster.Silos.First(silo => !silo.SiloAddress.Equals(home)).SiloAddress;
    }

    [Fact]
    public async Task A_budget_that_moved_goes_on_without_a_look_at_the_ledger()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, Edge(100));
        await Authority.ExpectAsync(account, Calls.Reserve("open", 60));
        await Authority.ExpectAsync(account, Calls.Record("booked", 10));
        await Authority.ExpectAsync(account, Calls.Reserve("closed", 30));
        await Authority.ExpectAsync(account, Calls.Settle("closed", "closed", 5));
        var loads = cluster.Loads(account);
        for (var move = 0; move < 3; move++)
        {
            var there = Elsewhere(account);
            await cluster.MoveAsync(account, there);
            await Authority.ExpectAsync(account, Calls.Reserve("too much", 26), OutcomeStatus.Refused);
            Assert.Equal(there, cluster.HomeOf(account));
        }
        await Authority.ExpectAsync(account, Calls.Settle("open", "open", 60));
        var limit = await Authority.OnlyLimitAsync(account);
        Assert.Equal((75, 0), ((long)limit.Settled.Value, (long)limit.Held.Value));
        Assert.Equal(loads, cluster.Loads(account));

        // What was closed and booked is in the ledger: the same ids are the same calls.
        await Authority.ExpectAsync(account, Calls.Settle("closed", "closed", 5));
        await Authority.ExpectAsync(account, Calls.Record("booked", 10));
        await Authority.ExpectAsync(account, Calls.Record("booked", 11), OutcomeStatus.IdempotencyMismatch);
        limit = await Authority.OnlyLimitAsync(account);
        Assert.Equal((75, 0), ((long)limit.Settled.Value, (long)limit.Held.Value));
    }

    [Fact]
    public async Task Callers_lose_nothing_while_their_budget_moves_from_silo_to_silo()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, Edge(1_000_000));
        var moving = true;
        var calling = Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            var sent = 0;
            for (; Volatile.Read(ref moving); sent++)
                await Authority.ExpectAsync(account, Calls.Record(string.Create(CultureInfo.InvariantCulture, $"{caller}-{sent}"), 1));
            return sent;
        })));
        for (var move = 0; move < 20; move++) await cluster.MoveAsync(account, Elsewhere(account));
        Volatile.Write(ref moving, false);
        var booked = (await calling).Sum();
        Assert.Equal(booked, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    static SessionParts PartsOn(MemoryLedger ledger, Committer committer) =>
        new(ledger, committer, new(ledger), new(TimeProvider.System), NullLogger.Instance);

    [Fact]
    public async Task What_another_host_wrote_while_the_state_was_on_its_way_counts()
    {
        var ledger = new MemoryLedger();
        await using var committer = new Committer(ledger);
        var parts = PartsOn(ledger, committer);
        var before = new BudgetSession("a", parts);
        await before.SendAsync(Edge(100));
        await before.SendAsync(Calls.Reserve("first", 40));
        var handover = await before.HandOverAsync();

        var other = new BudgetSession("a", parts);
        Assert.Equal(OutcomeStatus.Done, (await other.SendAsync(Calls.Reserve("meanwhile", 60))).Status);

        var after = new BudgetSession("a", parts, SessionHandover.Decode(handover!));
        Assert.Equal(OutcomeStatus.Refused, (await after.SendAsync(Calls.Reserve("second", 1))).Status);
        Assert.Equal(OutcomeStatus.Done, (await after.SendAsync(Calls.Settle("meanwhile", "meanwhile", 60))).Status);
    }

    [Fact]
    public async Task What_is_settled_is_in_memory_no_more_and_a_repeated_call_is_answered_by_the_ledger()
    {
        var ledger = new MemoryLedger();
        await using var committer = new Committer(ledger);
        var parts = PartsOn(ledger, committer);
        var session = new BudgetSession("a", parts);
        await session.SendAsync(Edge(1000));
        await session.SendAsync(Calls.Reserve("open", 40));
        for (var call = 0; call < 20; call++)
        {
            await session.SendAsync(Calls.Reserve($"r{call}", 40));
            await session.SendAsync(Calls.Settle($"r{call}", $"u{call}", 30));
        }
        Assert.Equal(OutcomeStatus.Done, (await session.SendAsync(Calls.Settle("r7", "u7", 30))).Status);
        Assert.Equal(OutcomeStatus.IdempotencyMismatch, (await session.SendAsync(Calls.Settle("r7", "u7", 31))).Status);
        Assert.Equal(OutcomeStatus.Conflict, (await session.SendAsync(Calls.Settle("r7", "another", 30))).Status);

        // What memory holds is what goes to another host.
        var state = SessionHandover.Decode((await session.HandOverAsync())!)!.State;
        Assert.Equal("open", Assert.Single(state.Holds).Key);
        Assert.Empty(state.RecentUsage);
    }

    [Fact]
    public async Task What_can_not_be_read_is_read_from_the_ledger()
    {
        Assert.Null(SessionHandover.Decode([]));
        Assert.Null(SessionHandover.Decode([1, 0, 0, 0, 7]));
        Assert.Null(SessionHandover.Decode([99, 0, 0, 0, 0, 0, 0, 0]));
        var ledger = new MemoryLedger();
        await using var committer = new Committer(ledger);
        var parts = PartsOn(ledger, committer);
        // Nobody ever asked this one: there is nothing to hand over.
        Assert.Null(await new BudgetSession("b", parts).HandOverAsync());
    }

    [Fact]
    public async Task A_hold_of_a_budget_that_moved_expires_in_time_though_nobody_calls()
    {
        var account = GrainCluster.NewAccount();
        await Authority.ExpectAsync(account, Edge(100));
        await Authority.ExpectAsync(account, Calls.Reserve("short", 10, ttlSeconds: 2));
        await cluster.MoveAsync(account, Elsewhere(account));
        await GrainCluster.UntilAsync(
            async () => (await cluster.Ledger.ReadJournalAsync(account, 0, 10)).SelectMany(entry => entry.Events).OfType<Expired>().Any(),
            () => "the hold does not expire");
    }
}

/// <summary>Silos that come and go.</summary>
public sealed class BalanceTests
{
    [Fact]
    public async Task Warm_budgets_move_to_silos_that_join_and_from_one_that_leaves()
    {
        var cluster = new GrainCluster(2);
        await cluster.InitializeAsync();
        try
        {
            var accounts = Enumerable.Range(0, 200).Select(_ => GrainCluster.NewAccount()).ToArray();
            foreach (var account in accounts) await cluster.Authority.ExpectAsync(account, Calls.Record("first", 1));
            var loads = accounts.Sum(cluster.Loads);

            await cluster.Orleans.StartAdditionalSiloAsync();
            await cluster.Orleans.StartAdditionalSiloAsync();
            await cluster.Orleans.WaitForLivenessToStabilizeAsync();
            await GrainCluster.UntilAsync(() => Task.FromResult(cluster.Budgets().Values.All(count => Math.Abs(count - 50) <= 15)),
                () => $"the silos have {string.Join(", ", cluster.Budgets().Values)} budgets");
            foreach (var account in accounts) await cluster.Authority.ExpectAsync(account, Calls.Record("second", 1));

            // Told to stop, it first moves what it has, while it is still a member like the others.
            var leaving = cluster.Silos[^1];
            await GrainCluster.UntilAsync(async () =>
            {
                await leaving.ServiceProvider.GetRequiredService<BudgetDeparture>().LeaveAsync(CancellationToken.None);
                return cluster.Budgets()[leaving.SiloAddress] == 0 && cluster.Budgets().Values.Sum() == 200;
            }, () => $"the silos have {string.Join(", ", cluster.Budgets().Values)} budgets");
            Assert.Equal(loads, accounts.Sum(cluster.Loads));
            await cluster.Orleans.StopSiloAsync(leaving);
            foreach (var account in accounts) await cluster.Authority.ExpectAsync(account, Calls.Record("third", 1));
            Assert.Equal(3, cluster.Budgets().Count);
            Assert.Equal(200, cluster.Budgets().Values.Sum());
            Assert.Equal(loads, accounts.Sum(cluster.Loads));
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("100 100 0 0", 0, "2:25 3:25")]
    [InlineData("100 100 0 0", 2, "")]
    [InlineData("50 54 48 48", 1, "")]
    [InlineData("90 30 30", 0, "1:20 2:20")]
    [InlineData("90 10 50", 0, "1:40")]
    [InlineData("3 0", 0, "")]
    [InlineData("5000 0", 0, "1:1000")]
    public void Each_silo_gives_what_it_has_too_much_of_to_those_that_lack_it(string budgets, int here, string moves)
    {
        var counts = budgets.Split(' ').Select((count, silo) => (count, silo))
            .ToDictionary(one => one.silo, one => int.Parse(one.count, CultureInfo.InvariantCulture));
        Assert.Equal(moves, string.Join(' ', BudgetMoves.Of(counts, here, 1000).Select(move => $"{move.Silo}:{move.Count}")));
    }
}
