// What an account's hours are judged with: the hours themselves, the last days in detail, and what its policy says.
namespace Purser.Core.Statistics;

/// <summary>The settings as they are asked for with every record.</summary>
sealed class WatchRules(AnomalySettings settings)
{
    public readonly bool Seasonal = settings.IsOn("seasonal"), ZScore = settings.IsOn("zscore"), Ratio = settings.IsOn("ratio"),
        PerCall = settings.IsOn("perCall"), ErrorRate = settings.IsOn("errorRate"), NewModel = settings.IsOn("newModel"),
        Velocity = settings.IsOn("velocity"), Burst = settings.IsOn("burst"), FirstDays = settings.IsOn("firstDays");

    public readonly double Evidence = Of(settings, "seasonal"), Deviations = Of(settings, "zscore"),
        TokensRatio = Of(settings, "ratioTokens"), CostRatio = Of(settings, "ratioCost"), CallsRatio = Of(settings, "ratioCalls"),
        CallDeviations = Of(settings, "perCall"), ErrorShare = Of(settings, "errorRate"), Pace = Of(settings, "velocity"),
        BurstFactor = Of(settings, "burst"), FirstDaysTimes = Of(settings, "firstDays");

    public readonly int ScoreHours = settings.WindowSize ?? AnomalySettings.UsualWindowSize;
    public readonly int ScoreCalls = settings.MinDataPoints ?? AnomalySettings.UsualMinDataPoints;

    static double Of(AnomalySettings settings, string name) => (double)settings.Threshold(name);

    public bool IsOn(string detector) => settings.IsOn(detector);
}

sealed record Scene(
    UsageHours Hours, RecentUse Recent, WatchRules Rules, Calendar Calendar, IReadOnlyList<PacedLimit> Limits, long First,
        string? Currency, FirstDays? FirstDays);

/// <summary>What an account that is not older than its first days has used before the hour that is looked at, and what is usual at that
/// age.</summary>
sealed record YouthBaseline(int Accounts, FirstDaysAge Usual, UsageHour Before, bool HasCurrency);

/// <summary>Today so far, without the hour that is looked at, and the mean day of the week before.</summary>
sealed record DayBaseline(long Start, UsageHour Mean, UsageHour Before);

/// <summary>What is known of an hour before it has happened.</summary>
sealed record HourBaseline(
    long Hour, Outlook Tokens, Outlook Cost, Outlook Calls, RunningStatistics HourlyTokens, long CallsBefore, long FailedBefore,
    long ScoreCallsBefore, DayBaseline? Day, BurstOutlook CostBurst, BurstOutlook CallBurst, YouthBaseline? Youth)
{
    const int ErrorHours = 24, RatioDays = 7;

    public static HourBaseline Of(Judgement judged, Scene scene, long hour)
    {
        var (tokens, cost, calls) = judged.Look(scene, hour);
        var (hours, rules) = (scene.Hours, scene.Rules);
        var (hourly, scoreCalls) = (default(RunningStatistics), 0L);
        if (rules.ZScore)
            for (var past = Math.Max(scene.First, hour - rules.ScoreHours); past < hour; past++)
            {
                hourly = hourly.With(hours[past].Tokens);
                scoreCalls += hours[past].Requests;
            }
        var before = hours.Sum(Math.Max(scene.First, hour - ErrorHours), hour);
        // Read only where somebody wants it.
        return new(hour, tokens, cost, calls, hourly, before.Requests, before.Failed, scoreCalls, rules.Ratio ? DayOf(scene, hour) : null,
            judged.CostBursts.Look(hour, false, rules.Evidence), judged.CallBursts.Look(hour, true, rules.Evidence),
            rules.FirstDays ? YouthOf(scene, hour) : null);
    }

    static YouthBaseline? YouthOf(Scene scene, long hour) =>
        hour - scene.First < FirstDays.MostHours && scene.FirstDays is { } usual && usual.At(hour - scene.First + 1) is { } age
            ? new(usual.Accounts, age, scene.Hours.Sum(scene.First, hour), usual.Currency == scene.Currency) : null;

    static DayBaseline DayOf(Scene scene, long hour)
    {
        var start = DayStart(scene.Calendar, hour);
        // The days that there were, not always seven: a newcomer's second day is no spike.
        var days = Math.Clamp((start - scene.First + 23) / 24, 0, RatioDays);
        var week = scene.Hours.Sum(start - RatioDays * 24, start);
        var mean = days == 0 ? default : new UsageHour(week.Tokens / days, week.CostNanos / days, week.Requests / days, 0);
        return new(start, mean, scene.Hours.Sum(start, hour));
    }

    public static long DayStart(Calendar calendar, long hour) =>
        UsageHour.Of(calendar.Bounds(new(WindowKind.Day), UsageHour.StartOf(hour)).Start);
}
