// Watches the records of an account as they are booked, and tells of what is unlike the past. Everything it knows follows from the order of
// the journal: built anew it has found the same. What it does for a record does not grow with the history.
using System.Globalization;
using NodaTime;

namespace Purser.Core.Statistics;

public sealed class AnomalyWatch
{
    const long HourMillis = 3_600_000;

    /// <summary>The z-score compares with a day, and says nothing before it has seen a quarter of one.</summary>
    const int ScoreHours = 24, LeastScoreHours = 6, LeastScoreCalls = 10;

    const int RatioDays = 7;
    const int LeastCallsForPerCall = 30;

    /// <summary>During its first day every model of an account is new.</summary>
    const int HoursBeforeNewModels = 24;
    const int MostModels = 1000;

    static readonly AnomalySettings usual = new();

    /// <summary>As the policy in force says; null: as usual.</summary>
    public AnomalySettings? Settings { get; set; }
    public string TimeZone { get; set; } = "UTC";

    /// <summary>The hour of the first use, and the hour that is being filled (hours since 1970); 0 before there was any.</summary>
    public long First { get; set; }
    public long Current { get; set; }

    public SeasonalDetector Tokens { get; init; } = new() { IsCount = true };
    public SeasonalDetector Cost { get; init; } = new();
    public SeasonalDetector Calls { get; init; } = new() { IsCount = true };
    public PaceWatch Pace { get; init; } = new();
    public List<string> Models { get; init; } = [];

    /// <summary>Told that use has dropped, and it has not come back.</summary>
    public bool IsDown { get; set; }

    /// <summary>Told that too many calls fail, and it is still so.</summary>
    public bool ErrorsAreHigh { get; set; }

    public AnomalyLog Log { get; init; } = new();

    /// <summary>What is known of the hour that is being filled: made when asked for, and again when a late record changed the past. No
    /// state.</summary>
    Baselines? known;
    HashSet<string>? modelSet;
    Calendar? calendar;
    Rules? rules;

    /// <summary>The settings as they are asked for with every record.</summary>
    sealed class Rules(AnomalySettings settings)
    {
        public readonly bool Seasonal = settings.IsOn("seasonal"), ZScore = settings.IsOn("zscore"), Ratio = settings.IsOn("ratio"),
            PerCall = settings.IsOn("perCall"),
            ErrorRate = settings.IsOn("errorRate"), NewModel = settings.IsOn("newModel"), Velocity = settings.IsOn("velocity");
        public readonly double Evidence = Of(settings, "seasonal"), Deviations = Of(settings, "zscore"),
            TokensRatio = Of(settings, "ratioTokens"), CostRatio = Of(settings, "ratioCost"),
            CallsRatio = Of(settings, "ratioCalls"), CallDeviations = Of(settings, "perCall"), ErrorShare = Of(settings, "errorRate"),
                Pace = Of(settings, "velocity");

        static double Of(AnomalySettings settings, string name) => (double)settings.Threshold(name);
    }

    sealed record Baselines(Outlook Tokens, Outlook Cost, Outlook Calls, RunningStatistics HourlyTokens, long CallsBefore,
        long FailedBefore, DayBaseline? Day);

    /// <summary>Today so far, without the hour that is being filled, and the mean day of the week before.</summary>
    sealed record DayBaseline(long Start, UsageHour Mean, UsageHour Before);

    Rules InForce => rules ??= new(Settings ?? usual);
    Calendar Calendar => calendar ??= new(TimeZones.Of(TimeZone), IsoDayOfWeek.Monday, 1);

    public void Adopt(EffectivePolicy policy)
    {
        Settings = policy.Anomalies;
        rules = null;
        TimeZone = policy.TimeZone;
        calendar = policy.Calendar;
        known = null;
        Pace.Adopt(policy);
    }

    /// <summary>
    /// A record was booked, and is in <paramref name="hours"/> already; <paramref name="tokensPerCall"/> and <paramref
    /// name="nanosPerCall"/>
    /// are those of the calls before it.
    /// </summary>
    public void Take(UsageRecord record, UsageHours hours, in RunningStatistics tokensPerCall, in RunningStatistics nanosPerCall)
    {
        // A record from the future must not move this clock: everything until then would be late.
        var at = Instant.Min(record.At, record.BookedAt);
        var hour = at.ToUnixTimeMilliseconds() / HourMillis;
        if (First == 0) First = Current = hour;
        if (hour > Current) Advance(hour, record, hours);
        else if (hour < Current)
        {
            First = Math.Min(First, hour);
            known = null;
        }
        if (!record.IsAdjusting && record.LineOf is null) TakeCall(record, at, hours, tokensPerCall, nanosPerCall);
        if (hour == Current) LookAtHour(record, hours);
        if (Pace.Take(at.ToUnixTimeMilliseconds() / 60_000, record.Amounts) && InForce.Velocity) LookAtPace(record, at, hours);
    }

    /// <summary>The hours until now are complete. After a long silence only those are judged that a comparison could reach.</summary>
    void Advance(long now, UsageRecord record, UsageHours hours)
    {
        for (var hour = Math.Max(Current, now - SeasonalDetector.HoursOfPast); hour < now; hour++)
        {
            var used = hours[hour];
            var expectedOf = hour == Current && known is { } ready ? (ready.Tokens, ready.Cost, ready.Calls) : Look(hour, hours);
            var limit = InForce.Evidence;
            Seasonal(Tokens.Take(expectedOf.Item1, used.Tokens, limit), AnomalyKind.Spike, hour, used, record, complete: true);
            Seasonal(Cost.Take(expectedOf.Item2, (double)used.CostNanos, limit), AnomalyKind.CostSpike, hour, used, record, complete: true);
            Seasonal(Calls.Take(expectedOf.Item3, used.Requests, limit), AnomalyKind.CallSpike, hour, used, record, complete: true);
        }
        Current = now;
        known = null;
        if (ErrorsAreHigh)
            ErrorsAreHigh = Deviations.ErrorSeverity(Known(hours).FailedBefore, Known(hours).CallsBefore, InForce.ErrorShare) is not null;
    }

    (Outlook, Outlook, Outlook) Look(long hour, UsageHours hours) => (
        Tokens.Look(hour, past => past < First ? double.NaN : hours[past].Tokens),
        Cost.Look(hour, past => past < First ? double.NaN : (double)hours[past].CostNanos),
        Calls.Look(hour, past => past < First ? double.NaN : hours[past].Requests));

    Baselines Known(UsageHours hours)
    {
        if (known is not null) return known;
        var (tokens, cost, calls) = Look(Current, hours);
        var (hourly, before) = (default(RunningStatistics), default(UsageHour));
        for (var hour = Math.Max(First, Current - ScoreHours); hour < Current; hour++)
        {
            hourly = hourly.With(hours[hour].Tokens);
            before += hours[hour];
        }
        // Read only where somebody wants it: it is the most of what an hour's beginning costs.
        return known = new(tokens, cost, calls, hourly, before.Requests, before.Failed, InForce.Ratio ? DayOf(hours) : null);
    }

    DayBaseline DayOf(UsageHours hours)
    {
        var start = Calendar.Bounds(
            new(WindowKind.Day), Instant.FromUnixTimeMilliseconds(Current * HourMillis)).Start.ToUnixTimeMilliseconds() / HourMillis;
        // The days that there were, not always seven: a newcomer's second day is no spike.
        var days = Math.Clamp((start - First + 23) / 24, 0, RatioDays);
        var week = hours.Sum(start - RatioDays * 24, start);
        var mean = days == 0 ? default : new UsageHour(week.Tokens / days, week.CostNanos / days, week.Requests / days, 0);
        return new(start, mean, hours.Sum(start, Current));
    }

    /// <summary>The hour as it stands: what is too much now will not become less.</summary>
    void LookAtHour(UsageRecord record, UsageHours hours)
    {
        var settings = InForce;
        var (used, baseline) = (hours[Current], Known(hours));
        if (settings.Seasonal)
        {
            var limit = InForce.Evidence;
            Seasonal(Tokens.Preview(baseline.Tokens, used.Tokens, limit), AnomalyKind.Spike, Current, used, record, complete: false);
            Seasonal(Cost.Preview(baseline.Cost, (double)used.CostNanos, limit), AnomalyKind.CostSpike, Current, used, record,
                complete: false);
            Seasonal(Calls.Preview(baseline.Calls, used.Requests, limit), AnomalyKind.CallSpike, Current, used, record, complete: false);
        }
        if (settings.ZScore && baseline.HourlyTokens.Count >= LeastScoreHours && baseline.CallsBefore + used.Requests >= LeastScoreCalls)
        {
            var score = Deviations.Score(used.Tokens, baseline.HourlyTokens);
            if (Deviations.SeverityOf(score, InForce.Deviations) is { } severity)
                Tell(AnomalyKind.Spike, "zscore", severity, Current, record, AnomalyUnit.Tokens, baseline.HourlyTokens.Mean, used.Tokens,
                    score,
                    $"{HourText(Current)} {Number(used.Tokens)} tokens were used, {Fraction(score)} standard deviations above the mean "
                        + $"of {Number(baseline.HourlyTokens.Mean)} an hour over the day before.");
        }
        if (baseline.Day is { } day) LookAtDay(day, used, record);
    }

    void LookAtDay(DayBaseline day, UsageHour used, UsageRecord record)
    {
        var today = day.Before + used;
        var (start, mean) = (day.Start, day.Mean);
        if (Deviations.RatioSeverity(today.Tokens, mean.Tokens, InForce.TokensRatio) is { } tokens)
            Tell(AnomalyKind.Spike, "ratio", tokens, start, record, AnomalyUnit.Tokens, mean.Tokens, today.Tokens,
                (double)today.Tokens / mean.Tokens,
                $"Today {Number(today.Tokens)} tokens were used, {Fraction((double)today.Tokens / mean.Tokens)} times the mean day of "
                    + $"the last week.");
        if (Deviations.RatioSeverity((double)today.CostNanos, (double)mean.CostNanos, InForce.CostRatio) is { } cost)
            Tell(AnomalyKind.CostSpike, "ratio", cost, start, record, AnomalyUnit.Cost, (double)mean.CostNanos, (double)today.CostNanos,
                (double)today.CostNanos / (double)mean.CostNanos,
                $"Today cost {Money.Format(today.CostNanos)} {record.Currency}, "
                    + $"{Fraction((double)today.CostNanos / (double)mean.CostNanos)} times the mean day of the last week.",
                        nanos: today.CostNanos);
        if (Deviations.CallRatioSeverity(today.Requests, mean.Requests, InForce.CallsRatio) is { } calls)
            Tell(AnomalyKind.CallSpike, "ratio", calls, start, record, AnomalyUnit.Requests, mean.Requests, today.Requests,
                (double)today.Requests / mean.Requests,
                $"Today there were {Number(today.Requests)} calls, {Fraction((double)today.Requests / mean.Requests)} times the mean "
                    + $"day of the last week.");
    }

    void Seasonal(in SeasonalVerdict verdict, AnomalyKind rise, long hour, UsageHour used, UsageRecord record, bool complete)
    {
        if (verdict.Expected is not { } expected) return;
        // An outage is one event, however quiet the night in the middle of it would have been.
        if (complete && rise == AnomalyKind.Spike && used.Tokens > 0 && used.Tokens >= expected / 2) IsDown = false;
        if (!verdict.IsAlarm || !InForce.Seasonal) return;
        var (unit, actual, what) = rise switch
        {
            AnomalyKind.Spike => (AnomalyUnit.Tokens, (double)used.Tokens, $"{Number(used.Tokens)} tokens were used"),
            AnomalyKind.CostSpike =>
                (AnomalyUnit.Cost, (double)used.CostNanos, $"{Money.Format(used.CostNanos)} {record.Currency} were spent"),
            _ => (AnomalyUnit.Requests, (double)used.Requests, $"{Number(used.Requests)} calls were made"),
        };
        // Less money and fewer calls are what fewer tokens look like: one drop is told, not three.
        var drop = actual < expected;
        if (drop && (IsDown || rise != AnomalyKind.Spike)) return;
        IsDown |= drop;
        var usually = unit == AnomalyUnit.Cost ? Money.Format((Int128)Math.Round(expected)) : Number(expected);
        var severity = drop ? Deviations.SeverityOfDrop(verdict.Grade, verdict.Limit, actual)
            : Deviations.SeverityOf(verdict.Grade, verdict.Limit) ?? Severity.Medium;
        Tell(drop ? AnomalyKind.Drop : rise, "seasonal", severity, hour, record, unit, expected, actual, verdict.Grade,
            $"{HourText(hour)} {what}{(complete ? "" : " already")}; about {usually} would be usual after the last hours and the same "
                + $"hours of the last days and weeks. "
            + $"So unusual is about one hour in {Number(Math.Pow(10, Math.Min(6, verdict.Grade)))}{(verdict.Grade > 6 ? " or more" : "")}.",
                nanos: unit == AnomalyUnit.Cost ? used.CostNanos : null);
    }

    void TakeCall(UsageRecord record, Instant at, UsageHours hours, in RunningStatistics tokensPerCall, in RunningStatistics nanosPerCall)
    {
        var settings = InForce;
        if (record.Usage.Dimensions.Model is { } model && IsNew(model) && settings.NewModel && Current >= First + HoursBeforeNewModels)
            Tell(AnomalyKind.NewModel, "newModel", Severity.Low, Current, record, AnomalyUnit.Requests, 0, record.Amounts.Requests, 1,
                $"The model {model} was called for the first time on this account.", model);
        if (!ErrorsAreHigh && settings.ErrorRate)
        {
            var (baseline, now) = (Known(hours), hours[Current]);
            var (failed, calls) = (baseline.FailedBefore + now.Failed, baseline.CallsBefore + now.Requests);
            if (Deviations.ErrorSeverity(failed, calls, InForce.ErrorShare) is { } severity)
            {
                ErrorsAreHigh = true;
                var percent = 100.0 * failed / calls;
                Tell(AnomalyKind.ErrorRate, "errorRate", severity, Current, record, AnomalyUnit.Percent, 100 * Deviations.UsualErrorRate,
                    percent, percent / (100 * Deviations.UsualErrorRate),
                    $"{Number(failed)} of {Number(calls)} calls of the last 24 hours failed ({Fraction(percent)} %).");
            }
        }
        if (!settings.PerCall || tokensPerCall.Count < LeastCallsForPerCall) return;
        var threshold = InForce.CallDeviations;
        var score = Deviations.Score(record.Amounts.Tokens, tokensPerCall);
        if (Deviations.SeverityOf(score, threshold) is { } large)
            Tell(AnomalyKind.Spike, "perCall", large, Current, record, AnomalyUnit.Tokens, tokensPerCall.Mean, record.Amounts.Tokens, score,
                $"One call used {Number(record.Amounts.Tokens)} tokens, {Fraction(score)} standard deviations above the mean call of "
                    + $"{Number(tokensPerCall.Mean)}.");
        score = Deviations.Score(record.Amounts.CostNanos, nanosPerCall);
        if (Deviations.SeverityOf(score, threshold) is { } dear)
            Tell(AnomalyKind.CostSpike, "perCall", dear, Current, record, AnomalyUnit.Cost, nanosPerCall.Mean, record.Amounts.CostNanos,
                score,
                $"One call cost {Money.Format(record.Amounts.CostNanos)} {record.Currency}, {Fraction(score)} standard deviations above "
                    + $"the mean call of {Money.Format((Int128)Math.Round(nanosPerCall.Mean))}.", nanos: record.Amounts.CostNanos);
    }

    /// <summary>Names are bounded: an account that makes them up is told of the first thousand.</summary>
    bool IsNew(string model)
    {
        modelSet ??= new(Models, StringComparer.Ordinal);
        if (modelSet.Count >= MostModels || !modelSet.Add(model)) return false;
        Models.Add(model);
        return true;
    }

    void LookAtPace(UsageRecord record, Instant at, UsageHours hours)
    {
        foreach (var (limit, pace, spent, window, left) in Pace.Look(at, Calendar, hours, InForce.Pace))
        {
            var cost = limit.Unit == LimitUnit.Cost;
            string Amount(double amount) => cost ? $"{Money.Format((Int128)Math.Round(amount))} {record.Currency}"
                : $"{Number(amount)} tokens";
            Tell(AnomalyKind.Velocity, "velocity", pace.Level, Current, record, cost ? AnomalyUnit.Cost : AnomalyUnit.Tokens,
                pace.DailyBudget, pace.PerDay, pace.Ratio,
                $"At the pace of the last hour ({Amount(pace.PerMinute)} a minute) the limit {limit.Id} of {Amount(limit.Amount)} is "
                    + $"used up in {Number(Math.Ceiling(left))} minutes, "
                + $"{Fraction((window.End - at).TotalHours - left / 60)} hours before it resets; {Amount(spent)} are gone.", limit.Id);
        }
    }

    void Tell(
        AnomalyKind kind, string detector, Severity severity, long hour, UsageRecord record, AnomalyUnit unit, double expected,
            double actual, double score, string why,
        string? subject = null, Int128? nanos = null)
    {
        var at = Instant.FromUnixTimeMilliseconds(hour * HourMillis);
        var deviation = unit == AnomalyUnit.Percent ? actual - expected : Deviations.Percent(actual, expected);
        Log.Tell(new()
        {
            Id = $"{kind}:{detector}:{at.ToString("yyyy-MM-dd'T'HH'Z'", CultureInfo.InvariantCulture)}{(subject is null ? "" : ":" + subject)}",
            Kind = kind,
            Detector = detector,
            Severity = severity,
            At = at,
            FoundAt = record.BookedAt,
            Unit = unit,
            Currency = unit == AnomalyUnit.Cost ? record.Currency : null,
            Expected = Figure(expected, unit),
            Actual = nanos is { } exact ? Money.ToDecimal(exact) : Figure(actual, unit),
            Deviation = expected == 0 ? null : Rounded(deviation, 2),
            Score = Rounded(score, 3),
            Subject = subject,
            Explanation = why,
        });
    }

    /// <summary>Amounts of an hour are whole; what is expected is an estimate, and is given as exactly as it is worth.</summary>
    static decimal Figure(double value, AnomalyUnit unit) => unit switch
    {
        AnomalyUnit.Cost => Money.ToDecimal((Int128)Math.Round(value)),
        AnomalyUnit.Percent => Rounded(value, 2),
        _ => Rounded(value, 0),
    };

    static decimal Rounded(double value, int digits) => decimal.Round((decimal)Math.Clamp(value, -1e27, 1e27), digits);

    static string HourText(long hour)
    {
        var start = Instant.FromUnixTimeMilliseconds(hour * HourMillis);
        return $"Between {start.ToString("yyyy-MM-dd HH':00'", CultureInfo.InvariantCulture)} and "
            + $"{(start + Duration.FromHours(1)).ToString("HH':00'", CultureInfo.InvariantCulture)} UTC";
    }

    static string Number(double value) => Math.Round(value).ToString("N0", CultureInfo.InvariantCulture);

    static string Fraction(double value) => value.ToString("#,0.0", CultureInfo.InvariantCulture);
}
