// The simulated cluster, a few hundred seeds of it. `./run simulate --seeds N` runs more.
using Purser.Conformance.Simulation;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class SimulationTests
{
    static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("PURSER_SEEDS"), out var seeds) ? seeds : 200;

    static SharedLedger Open()
    {
        var ledger = new MemoryLedger();
        return new(ledger, ledger);
    }

    [Fact]
    public void Several_hosts_keep_every_promise_under_200_hostile_schedules()
    {
        for (var seed = 1; seed <= Seeds; seed++)
            if (SimulatedCluster.Check(seed, Open) is { } finding)
                Assert.Fail(finding);
    }

    [Fact]
    public void They_keep_every_promise_with_limits_of_every_unit_and_window_and_usage_that_is_taken_back()
    {
        for (var seed = 1; seed <= Seeds; seed++)
            if (SimulatedCluster.Check(seed, Open, wide: true) is { } finding)
                Assert.Fail(finding);
    }

    /// <summary>Schedules that broke a promise once, or made the auditor see a broken one where there was none.</summary>
    [Theory]
    [InlineData(97842)]
    [InlineData(207312)]
    [InlineData(231014)]
    [InlineData(314414)]
    [InlineData(330014)]
    public void A_schedule_that_was_not_judged_well_once_is_now(int seed) => Assert.Null(SimulatedCluster.Check(seed, Open));

    [Fact]
    public void A_seed_gives_the_same_run_again()
    {
        var (first, second) = (SimulatedCluster.Run(7, Open()), SimulatedCluster.Run(7, Open()));
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.Findings, second.Findings);
    }
}
