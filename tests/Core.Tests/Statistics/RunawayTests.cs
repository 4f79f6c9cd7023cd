// An account in which something runs away must say so, first of all: after a gap, a drop or an earlier alarm, young or old, at any scale.
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class RunawayTests
{
    public static TheoryData<int, long, int> GapsScalesAndTimes => new MatrixOf().Data;

    /// <summary>Idle hours, what is usual, and how many times that comes then.</summary>
    sealed class MatrixOf
    {
        public TheoryData<int, long, int> Data { get; } = [];

        public MatrixOf()
        {
            foreach (var gap in (int[])[0, 1, 2, 3, 5, 6, 7, 12, 24, 48, 200, 1000, 2000])
                foreach (var usual in (long[])[15, 1_500, 150_000_000])
                    foreach (var times in (int[])[10, 100, 1_000]) Data.Add(gap, usual, times);
        }
    }

    [Theory]
    [MemberData(nameof(GapsScalesAndTimes))]
    public void A_rise_after_any_gap_is_critical_within_the_record_that_makes_it(int gap, long usual, int times)
    {
        var account = new Watched();
        for (var hour = 0; hour < 336; hour++) account.Record(hour, usual, 0.01m);
        account.Record(336 + gap, usual * times + 30 * times, 0.01m * times);
        var log = account.Watch.Log.Kept;
        Assert.Contains(log, found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical } && found.Actual >= usual * times);
        Assert.Contains(log, found => found is { Kind: AnomalyKind.CostSpike, Severity: Severity.Critical });
        for (var hour = 1; hour < 48; hour++) account.Record(336 + gap + hour, usual * times, 0.01m * times);
        Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(100)]
    public void An_earlier_alarm_does_not_silence_a_larger_rise(int hoursBetween)
    {
        var account = new Watched();
        for (var hour = 0; hour < 336; hour++) account.Record(hour, 1_500);
        account.Record(336, 30_000);
        var told = account.Told;
        for (var hour = 1; hour < hoursBetween; hour++) account.Record(336 + hour, 30_000);
        account.Record(336 + hoursBetween, 3_000_000);
        Assert.Contains(account.Found,
            found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical, Actual: 3_000_000 } && found.No > told);
    }

    [Fact]
    public void Calls_that_run_away_are_told_as_well()
    {
        var account = new Watched();
        for (var hour = 0; hour < 336; hour++) account.Record(hour, 100, requests: 20);
        account.Record(337, 100, requests: 300);
        Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.CallSpike, Severity: Severity.Critical });
    }

    [Theory]
    [InlineData(3, 1_000, 1)]
    [InlineData(6, 1_000, 1)]
    [InlineData(7, 1_000_000, 1)]
    [InlineData(12, 1_000, 24)]
    [InlineData(24, 1_000_000, 1)]
    [InlineData(24, 100, 100)]
    [InlineData(48, 30, 5)]
    public void A_young_account_that_runs_away_is_told_of(int calmHours, long times, int hours)
    {
        foreach (var scale in (long[])[10, 1_000, 100_000])
        {
            var account = new Watched();
            for (var hour = 0; hour < calmHours; hour++) account.Record(hour, scale, 0.03m);
            Assert.Empty(account.Found);
            for (var hour = 0; hour < hours; hour++) account.Record(calmHours + hour, scale * times, 0.03m * times);
            Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical });
            Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.CostSpike, Severity: Severity.Critical });
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(30)]
    [InlineData(100)]
    public void An_account_in_its_first_minutes_is_held_against_its_limits(int spent)
    {
        var account = new Watched();
        account.Watch.Adopt(EffectivePolicy.None with
        {
            Limits =
                [new(1, new() { Id = "monthly", Unit = LimitUnit.Cost, Window = new(WindowKind.Month),
                    Amount = 100 * Money.NanosPerUnit })],
        });
        account.Record(0, 100, 0.01m);
        account.Record(0.1, 100, spent);
        Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.Velocity, Severity: Severity.Critical, Subject: "monthly" });
    }

    [Fact]
    public void The_figures_of_failures_follow_and_their_end_is_told()
    {
        var account = new Watched();
        for (var call = 0; call < 200; call++) account.Record(call / 210.0, 100);
        for (var call = 0; call < 1200; call++) account.Record(1 + call / 400.0, 100, success: false);
        var found = Assert.Single(account.Found, found => found.Kind == AnomalyKind.ErrorRate);
        Assert.Equal((85.71m, 1614.29m, Severity.Critical), (found.Actual, found.Deviation, found.Severity));
        Assert.Null(found.EndedAt);
        for (var hour = 4; hour < 40; hour++) account.Record(hour, 100, requests: 500);
        found = Assert.Single(account.Found, found => found.Kind == AnomalyKind.ErrorRate);
        Assert.NotNull(found.EndedAt);
        Assert.Equal(Severity.Critical, found.Severity);
    }

    [Fact]
    public void An_outage_grows_worse_while_it_lasts_and_its_end_is_told()
    {
        var account = new Watched();
        for (var hour = 0; hour < 336; hour++) account.Record(hour, 1_500 + hour * 37 % 200);
        account.Record(336 + 10, 10);
        var drop = Assert.Single(account.Found, found => found.Kind == AnomalyKind.Drop);
        Assert.Equal(Severity.Critical, drop.Severity);
        Assert.Null(drop.EndedAt);
        account.Record(336 + 11, 1_500);
        account.Record(336 + 12, 1_500);
        Assert.Equal(Watched.Start + NodaTime.Duration.FromHours(336 + 11),
            Assert.Single(account.Found, found => found.Kind == AnomalyKind.Drop).EndedAt);
    }

    [Fact]
    public void A_burst_within_minutes_is_told_although_its_hour_is_as_usual()
    {
        var account = new Watched();
        for (var hour = 0; hour < 200; hour++)
            for (var slot = 0; slot < 12; slot++) account.Record(hour + slot / 12.0 + 0.001, 100, 0.01m, requests: 10);
        Assert.Empty(account.Found);
        account.Record(200.5, 100, 0.12m, requests: 120);
        Assert.Equal([AnomalyKind.CostSpike, AnomalyKind.CallSpike],
            account.Found.Where(found => found.Detector == "burst").Select(found => found.Kind).Order());
    }
}
