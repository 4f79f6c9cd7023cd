// Two clusters that do not know of each other on one ledger: every account is active twice, and the ledger keeps it right.
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class DuplicateTests(ITestOutputHelper output) : Lifetime
{
    readonly List<LocalCluster> clusters = [];

    protected override async Task StartAsync()
    {
        clusters.Add(Add(await LocalCluster.StartAsync(1)));
        clusters.Add(Add(await LocalCluster.StartAsync(1, clusters[0].Postgres)));
    }

    IReadOnlyList<IBudgetAuthority> Authorities => [.. clusters.Select(cluster => cluster.InSilo.GetRequiredService<IBudgetAuthority>())];

    [Fact]
    public async Task An_account_active_twice_admits_no_more_than_its_limit()
    {
        for (var round = 0; round < 20; round++)
        {
            var account = "twice-" + Guid.NewGuid().ToString("N");
            await Authorities[0].ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("ever", "lifetime", 1000))));
            var outcomes = await Task.WhenAll(
                Enumerable.Range(0, 50)
                    .Select(i => Task.Run(() => Authorities[i % 2].SendAsync(account, Calls.Reserve($"hold-{i}", 400)))));
            Assert.Equal(2, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Done));
            Assert.Equal(48, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Refused));
        }
    }

    [Fact]
    public async Task What_one_of_two_decides_the_other_knows_at_once()
    {
        var account = "twice-" + Guid.NewGuid().ToString("N");
        await Authorities[0].ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("ever", "lifetime", 1000))));
        for (var i = 0; i < 100; i++)
        {
            // Each was refused a moment ago by what the other has given back since.
            var (mine, other) = (Authorities[i % 2], Authorities[(i + 1) % 2]);
            await mine.ExpectAsync(account, Calls.Reserve($"h{i}", 1000));
            await other.ExpectAsync(account, Calls.Reserve($"x{i}", 1), OutcomeStatus.Refused);
            await mine.ExpectAsync(account, new Release($"h{i}"));
            await other.ExpectAsync(account, Calls.Reserve($"y{i}", 1000));
            await other.ExpectAsync(account, new Release($"y{i}"));
        }
    }

    [Fact]
    public async Task Load_on_both_at_once_leaves_a_journal_that_an_auditor_signs()
    {
        await using var load = await Load.StartAsync(Authorities, accounts: 4, callersPerAccount: 6);
        await load.GoOnAsync(2000);
        Assert.Empty(await load.StopAndAuditAsync(clusters[0].Postgres));
        output.WriteLine(
            $"{load.Acknowledged} calls acknowledged, {load.Unavailable} refused by unavailability, "
                + $"{load.Latencies(TimeSpan.Zero, load.Now)}");
    }
}
