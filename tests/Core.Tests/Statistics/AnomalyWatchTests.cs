// What is told of an account, when, and how often. The account behaves for weeks before something happens to it.
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class AnomalyWatchTests
{
    const int Week = 168;

    /// <summary>Weeks of calls by day, every one a little different; nothing in it is abnormal.</summary>
    static Watched Usual(int hours, params string[] detectors)
    {
        var account = new Watched();
        if (detectors.Length > 0) account.Watch.Adopt(EffectivePolicy.None with { Anomalies = new() { Detectors = detectors } });
        var random = new MadeNumbers(3);
        for (var hour = 0; hour < hours; hour++)
            for (var call = 0; call < (hour % 24 is >= 8 and < 20 ? 6 : 1); call++)
                account.Record(hour + call / 10.0, (long)(1_000 * Math.Exp(0.2 * random.Normal())), 0.01m, model: "gpt-5");
        return account;
    }

    // Three series (tokens, money, calls) over four weeks, with at most 0.3 false alarms a series and week.
    [Fact]
    public void Usual_use_is_told_of_next_to_never() => Assert.InRange(Usual(4 * Week).Told, 0, 3);

    [Fact]
    public void A_runaway_is_told_while_its_hour_lasts_once_and_grows()
    {
        var account = Usual(3 * Week);
        var before = account.Told;
        for (var call = 0; call < 400; call++) account.Record(3 * Week + call / 500.0, 2_000, 0.02m, model: "gpt-5");
        var found = account.Found.Where(found => found.No > before).ToList();
        Assert.Equal([AnomalyKind.Spike, AnomalyKind.CostSpike, AnomalyKind.CallSpike], found.Select(found => found.Kind).Order());
        var spike = found.Single(found => found.Kind == AnomalyKind.Spike);
        Assert.Equal((Severity.Critical, "seasonal", Watched.Start + Duration.FromHours(3 * Week)),
            (spike.Severity, spike.Detector, spike.At));
        Assert.True(spike.FoundAt < spike.At + Duration.FromMinutes(20), "it was found long before the hour was over");
        Assert.InRange(spike.Actual, 100_000, 800_000);
        Assert.InRange(spike.Expected!.Value, 500, 2_000);
        Assert.Contains("about one hour in", spike.Explanation, StringComparison.Ordinal);
        var cost = found.Single(found => found.Kind == AnomalyKind.CostSpike);
        account.Record(3 * Week + 1, 1_000, 0.01m, model: "gpt-5");
        Assert.Equal(8m, account.Found.Single(found => found.Id == cost.Id).Actual);
        Assert.Equal(found.Count, account.Told - before);
    }

    [Fact]
    public void Silence_is_told_once_when_the_next_call_shows_it()
    {
        var account = Usual(3 * Week);
        var before = account.Told;
        account.Record(3 * Week + 24 + 14, 1_000, 0.01m, model: "gpt-5");
        var drop = Assert.Single(account.Found, found => found.No > before && found.Kind == AnomalyKind.Drop);
        Assert.Equal(0, drop.Actual);
        Assert.Equal(-100, drop.Deviation);
        account.Record(3 * Week + 24 + 15, 1_000, 0.01m, model: "gpt-5");
        Assert.Single(account.Found, found => found.No > before && found.Kind == AnomalyKind.Drop);
    }

    [Fact]
    public void Too_many_failures_are_told_once_until_they_end()
    {
        var account = new Watched();
        account.Use("errorRate");
        for (var call = 0; call < 50; call++) account.Record(call / 60.0, 100, success: call % 10 != 9);
        Assert.Empty(account.Found);
        for (var call = 0; call < 30; call++) account.Record(1 + call / 60.0, 100, success: false);
        var told = Assert.Single(account.Found);
        Assert.Equal((AnomalyKind.ErrorRate, AnomalyUnit.Percent, 5m), (told.Kind, told.Unit, told.Expected));
        // A day later all is well, and the next time is another.
        for (var hour = 30; hour < 60; hour++) account.Record(hour, 100);
        for (var call = 0; call < 30; call++) account.Record(60 + call / 60.0, 100, success: false);
        Assert.Equal(2, account.Told);
    }

    [Fact]
    public void A_model_is_new_once_and_not_on_the_first_day()
    {
        var account = new Watched();
        account.Use("newModel");
        account.Record(0, 1, model: "gpt-5");
        account.Record(5, 1, model: "claude");
        account.Record(30, 1, model: "gpt-5");
        Assert.Empty(account.Found);
        account.Record(31, 1, model: "gemini");
        account.Record(32, 1, model: "gemini");
        var told = Assert.Single(account.Found);
        Assert.Equal((AnomalyKind.NewModel, Severity.Low, "gemini"), (told.Kind, told.Severity, told.Subject));
    }

    [Fact]
    public void A_limit_that_will_not_last_is_told_once_per_window()
    {
        var account = new Watched();
        account.Watch.Adopt(EffectivePolicy.None with
        {
            Anomalies = new() { Detectors = ["velocity"] },
            Limits =
                [new(1, new() { Id = "daily", Unit = LimitUnit.Cost, Window = new(WindowKind.Day), Amount = 24 * Money.NanosPerUnit })],
        });
        for (var minute = 0; minute < 50; minute++) account.Record(10 + minute / 60.0, 100, 0.01m);
        Assert.Empty(account.Found);
        for (var minute = 0; minute < 50; minute++) account.Record(11 + minute / 60.0, 100, 0.1m);
        var told = Assert.Single(account.Found);
        Assert.Equal((AnomalyKind.Velocity, "daily", Severity.Critical), (told.Kind, told.Subject, told.Severity));
        Assert.Contains("the limit daily of 24 USD is used up in", told.Explanation, StringComparison.Ordinal);
        for (var minute = 0; minute < 50; minute++) account.Record(35 + minute / 60.0, 100, 0.1m);
        Assert.Equal(2, account.Told);
    }

    [Fact]
    public void A_single_call_far_above_all_others_is_told_where_the_policy_wants_it()
    {
        var account = Usual(Week, "perCall");
        var before = account.Told;
        account.Record(Week, 1_000_000, 9.99m, model: "gpt-5");
        var found = account.Found.Where(found => found.No > before).ToList();
        Assert.Equal([AnomalyKind.Spike, AnomalyKind.CostSpike], found.Select(found => found.Kind).Order());
        Assert.All(found, found => Assert.Equal(Severity.Critical, found.Severity));
        Assert.Equal(9.99m, found.Single(found => found.Unit == AnomalyUnit.Cost).Actual);
    }

    [Fact]
    public void A_policy_that_wants_nothing_is_told_nothing()
    {
        var account = Usual(2 * Week);
        var before = account.Told;
        account.Watch.Adopt(EffectivePolicy.None with { Anomalies = new() { Enabled = false } });
        for (var call = 0; call < 300; call++) account.Record(2 * Week + call / 500.0, 5_000, 0.1m, success: false, model: $"model-{call}");
        Assert.Equal(before, account.Told);
    }

    [Fact]
    public void A_record_from_the_future_changes_nothing_and_a_late_one_its_own_hour()
    {
        var account = Usual(2 * Week);
        var before = account.Told;
        account.Record(2 * Week, 1_000, 0.01m, model: "gpt-5", at: Watched.Start + Duration.FromDays(300));
        account.Record(2 * Week + 0.1, 900_000, 0.01m, model: "gpt-5", at: Watched.Start + Duration.FromHours(40));
        for (var hour = 2 * Week; hour < 2 * Week + 24; hour++)
            for (var call = 0; call < (hour % 24 is >= 8 and < 20 ? 6 : 1); call++)
                account.Record(hour + 0.2 + call / 10.0, 1_000, 0.01m, model: "gpt-5");
        Assert.All(account.Found.Where(found => found.No > before), found =>
            Assert.Equal(Watched.Start + Duration.FromHours(40), found.At));
        Assert.Contains(account.Found, found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical, Actual: > 900_000 });
    }

    [Fact]
    public void A_list_of_anomalies_stays_bounded()
    {
        var log = new AnomalyLog();
        for (var i = 0; i < 3 * AnomalyLog.MostKept; i++) log.Tell(new() { Id = $"{i}", Detector = "seasonal", Explanation = "" });
        Assert.Equal((AnomalyLog.MostKept, 3L * AnomalyLog.MostKept, 3L * AnomalyLog.MostKept),
            (log.Kept.Count, log.Told, log.Kept[^1].No));
    }
}
