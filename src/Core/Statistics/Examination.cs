// An hour under examination, complete or still being filled: what each detector says of it, how severe that is, and in which words it is
// told. It changes nothing of what is known.
namespace Purser.Core.Statistics;

/// <param name="Finds">Where finds go; null where only ranks are asked for: 0 nothing, then 1 more than the severity.</param>
sealed record Examination(Judgement Judged, Scene Scene, HourBaseline Known, UsageHour Used, Finds? Finds, bool IsComplete)
{
    /// <summary>Detectors by what they look at, each with a rank of its own.</summary>
    public const int Ranks = 16, PaceRank = 10;

    long Hour => Known.Hour;

    WatchRules Rules => Scene.Rules;

    /// <summary>Null where there is none, as nearly always.</summary>
    public List<(string Limit, long Window)>? NewlyPaced { get; private set; }

    /// <summary>The hour as it stands: what is too much now will not become less.</summary>
    public void Live(Span<int> ranks, int? slot)
    {
        var limit = Rules.Evidence;
        var tokens = Judged.Tokens.Preview(Known.Tokens, Used.Tokens, limit);
        var cost = Judged.Cost.Preview(Known.Cost, (double)Used.CostNanos, limit);
        var calls = Judged.Calls.Preview(Known.Calls, Used.Requests, limit);
        (ranks[0], ranks[1], ranks[2]) = (Rise(AnomalyKind.Spike, tokens), Rise(AnomalyKind.CostSpike, cost),
            Rise(AnomalyKind.CallSpike, calls));
        (ranks[11], ranks[12]) = Bursts(cost, calls);
        ranks[3] = Score();
        if (Known.Day is { } day) (ranks[4], ranks[5], ranks[6]) = Days(day);
        if (ErrorLevel() is { } severity) ranks[7] = 1 + (int)severity;
        if (Finds is not null && (ranks[7] > 0 || Judged.ErrorsSince > 0)) Errors();
        (ranks[8], ranks[9]) = SingleCalls();
        (ranks[13], ranks[14], ranks[15]) = Youth();
        ranks[PaceRank] = Pace(slot);
    }

    /// <summary>What the detectors without a memory of their own say of a complete hour.</summary>
    public void Rest()
    {
        Score();
        if (Known.Day is { } day) Days(day);
        SingleCalls();
        Pace(null);
    }

    (AnomalyUnit Unit, double Actual, string Verb) MeasureOf(AnomalyKind kind) => kind switch
    {
        AnomalyKind.CostSpike => (AnomalyUnit.Cost, (double)Used.CostNanos, "were spent"),
        AnomalyKind.CallSpike => (AnomalyUnit.Requests, Used.Requests, "were made"),
        _ => (AnomalyUnit.Tokens, Used.Tokens, "were used"),
    };

    public int Rise(AnomalyKind kind, in SeasonalVerdict verdict)
    {
        if (!verdict.IsAlarm || verdict.IsDrop || !Rules.Seasonal) return 0;
        if (Finds is null) return verdict.Rank;
        var (unit, actual, verb) = MeasureOf(kind);
        // A young account may have nothing to expect yet but what it has used most.
        var expected = verdict.Expected ?? verdict.UsualPeak;
        var why = $"{Finds.HourText(Hour)} {Finds.Amount(actual, unit)} {verb}{(IsComplete ? "" : " already")}; about "
            + $"{Finds.Amount(expected, unit)} would be usual after the last hours and the same hours of the last days and weeks.";
        if (verdict.IsRare)
            why += $" So unusual is about one hour in {Finds.Number(Math.Pow(10, Math.Min(6, verdict.Grade)))}"
                + $"{(verdict.Grade > 6 ? " or more" : "")}.";
        if (verdict.Step > 0 && verdict.UsualPeak > 0)
            why += $" It is {Finds.Number(actual / verdict.UsualPeak)} times what the busiest hour of a day usually comes to.";
        Finds.Add(kind, "seasonal", verdict.Severity, Hour, unit, expected, actual,
            verdict.IsRare ? verdict.Grade : actual / Math.Max(1, verdict.UsualPeak), why,
            nanos: unit == AnomalyUnit.Cost ? Used.CostNanos : null);
        return verdict.Rank;
    }

    /// <summary>Less money and fewer calls are what fewer tokens look like: one drop is told, not three.</summary>
    public void Drop(in SeasonalVerdict verdict)
    {
        if (!Rules.Seasonal || Finds is null) return;
        Finds.Add(AnomalyKind.Drop, "seasonal", Judged.DownWorst, Judged.DownSince, AnomalyUnit.Tokens, Judged.DownExpected,
            Judged.DownActual, verdict.Grade,
            $"{Finds.HoursText(Judged.DownSince, Hour + 1)} {Finds.Number(Judged.DownActual)} tokens were used; about "
                + $"{Finds.Number(Judged.DownExpected)} would be usual after the last hours and the same hours of the last days and "
                    + $"weeks.");
    }

    public (int Cost, int Calls) Bursts(in SeasonalVerdict cost, in SeasonalVerdict calls)
    {
        if (!Rules.Burst) return default;
        return (
            IsTold(Known.Cost, cost, Judged.Cost, (double)Used.CostNanos)
                ? 0 : Burst(Judged.CostBursts, Known.CostBurst, AnomalyKind.CostSpike, AnomalyUnit.Cost, Used.MostNanos),
            IsTold(Known.Calls, calls, Judged.Calls, Used.Requests)
                ? 0 : Burst(Judged.CallBursts, Known.CallBurst, AnomalyKind.CallSpike, AnomalyUnit.Requests, Used.MostCalls));
    }

    /// <summary>A whole hour that is too much is told as such, where that is wanted.</summary>
    bool IsTold(in Outlook outlook, in SeasonalVerdict verdict, SeasonalDetector detector, double value) => Rules.Seasonal
        && (outlook.Ladder.StepOf(value) > 0 || verdict.IsAlarm || detector.Rise.IsOpen(Hour, SeasonalDetector.QuietHours));

    int Burst(BurstWatch watch, in BurstOutlook known, AnomalyKind kind, AnomalyUnit unit, long most)
    {
        var rank = watch.RankOf(known, Hour, most, Rules.BurstFactor);
        if (rank == 0 || Finds is null) return rank;
        var usual = Math.Max(1, known.Most);
        Finds.Add(kind, "burst", (Severity)rank, Hour, unit, usual, most, most / usual,
            $"{Finds.HourText(Hour)} {Finds.Amount(most, unit)} {(unit == AnomalyUnit.Cost ? "were spent" : "were made")} within five "
                + $"minutes, {Finds.Fraction(most / usual)} times what the five busiest minutes of an hour come to at most as a rule.",
            nanos: unit == AnomalyUnit.Cost ? most : null, idDetector: "seasonal");
        return rank;
    }

    /// <summary>High from three times the threshold on, critical from ten times: 10 and 30 times the usual where nothing else is
    /// said.</summary>
    const double HighAt = 3, CriticalAt = 10;

    /// <summary>A young account against what others had used at its age. What was told once is told again when it gets worse.</summary>
    public (int Tokens, int Cost, int Calls) Youth()
    {
        if (Known.Youth is not { } youth) return default;
        var (used, usual) = (youth.Before + Used, youth.Usual);
        return (
            Youth(youth, AnomalyKind.Spike, AnomalyUnit.Tokens, used.Tokens, usual.Tokens, Judged.YouthTokens, null),
            youth.HasCurrency ? Youth(youth, AnomalyKind.CostSpike, AnomalyUnit.Cost, (double)used.CostNanos, usual.CostNanos,
                Judged.YouthCost, used.CostNanos) : 0,
            Youth(youth, AnomalyKind.CallSpike, AnomalyUnit.Requests, used.Requests, usual.Calls, Judged.YouthCalls, null));
    }

    int Youth(YouthBaseline youth, AnomalyKind kind, AnomalyUnit unit, double used, long usual, int told, Int128? nanos)
    {
        var times = FirstDays.Times(used, usual, unit);
        if (times < Rules.FirstDaysTimes) return 0;
        var severity = times >= CriticalAt * Rules.FirstDaysTimes ? Severity.Critical : times >= HighAt * Rules.FirstDaysTimes
            ? Severity.High : Severity.Medium;
        if (1 + (int)severity <= told) return 0;
        var age = Hour - Scene.First + 1;
        Finds?.Add(kind, "firstDays", severity, Hour, unit, usual, used, times,
            $"In the first {(age == 1 ? "hour" : $"{Finds.Number(age)} hours")} of this account {Finds.Amount(used, unit)} "
                + $"{MeasureOf(kind).Verb}; 99 of 100 other accounts came to {Finds.Amount(usual, unit)} at most in their first "
                + $"{(youth.Usual.Hours == 1 ? "hour" : $"{Finds.Number(youth.Usual.Hours)} hours")}, as learned over "
                + $"{Finds.Number(youth.Accounts)} of them.",
            nanos: nanos);
        return 1 + (int)severity;
    }

    int Score()
    {
        var hourly = Known.HourlyTokens;
        if (!Rules.ZScore || hourly.Count < LeastScoreHours || Known.ScoreCallsBefore + Used.Requests < Rules.ScoreCalls) return 0;
        var score = Deviations.Score(Used.Tokens, hourly);
        if (Deviations.SeverityOf(score, Rules.Deviations) is not { } severity) return 0;
        Finds?.Add(AnomalyKind.Spike, "zscore", severity, Hour, AnomalyUnit.Tokens, hourly.Mean, Used.Tokens, score,
            $"{Finds.HourText(Hour)} {Finds.Number(Used.Tokens)} tokens were used, {Finds.Fraction(score)} standard deviations above the "
                + $"mean of {Finds.Number(hourly.Mean)} an hour over the {Rules.ScoreHours} hours before.");
        return 1 + (int)severity;
    }

    /// <summary>The z-score says nothing before it has seen a quarter of a day.</summary>
    const int LeastScoreHours = 6;

    (int Tokens, int Cost, int Calls) Days(DayBaseline day)
    {
        var today = day.Before + Used;
        var mean = day.Mean;
        var (cost, meanCost) = ((double)today.CostNanos, (double)mean.CostNanos);
        return (
            Day(day, AnomalyKind.Spike, AnomalyUnit.Tokens, Deviations.RatioSeverity(today.Tokens, mean.Tokens, Rules.TokensRatio),
                today.Tokens, mean.Tokens, null),
            Day(day, AnomalyKind.CostSpike, AnomalyUnit.Cost, Deviations.RatioSeverity(cost, meanCost, Rules.CostRatio), cost, meanCost,
                today.CostNanos),
            Day(day, AnomalyKind.CallSpike, AnomalyUnit.Requests,
                Deviations.CallRatioSeverity(today.Requests, mean.Requests, Rules.CallsRatio), today.Requests, mean.Requests, null));
    }

    int Day(DayBaseline day, AnomalyKind kind, AnomalyUnit unit, Severity? severity, double today, double mean, Int128? nanos)
    {
        if (severity is not { } known) return 0;
        Finds?.Add(kind, "ratio", known, day.Start, unit, mean, today, today / mean,
            $"Today {Finds.Amount(today, unit)} {MeasureOf(kind).Verb}, {Finds.Fraction(today / mean)} times the mean day of the last "
                + $"week.",
            nanos: nanos);
        return 1 + (int)known;
    }

    public long Failed => Known.FailedBefore + Used.Failed;

    public long Calls => Known.CallsBefore + Used.Requests;

    public Severity? ErrorLevel() => Deviations.ErrorSeverity(Failed, Calls, Rules.ErrorShare);

    /// <summary>One find as long as it lasts; its figures follow.</summary>
    public void Errors()
    {
        if (!Rules.ErrorRate || Finds is null) return;
        var level = ErrorLevel();
        // Where it is over, the last figures stand.
        var (failed, calls) = level is null ? (Judged.ErrorsFailed, Judged.ErrorsCalls) : (Failed, Calls);
        var percent = 100.0 * failed / calls;
        var worst = (Severity)Math.Max((int)(level ?? Severity.Low), Judged.ErrorsSince > 0 ? (int)Judged.ErrorsWorst : 0);
        Finds.Add(AnomalyKind.ErrorRate, "errorRate", worst, Judged.ErrorsSince > 0 ? Judged.ErrorsSince : Hour, AnomalyUnit.Percent,
            100 * Deviations.UsualErrorRate, percent, percent / (100 * Deviations.UsualErrorRate),
            $"{Finds.Number(failed)} of {Finds.Number(calls)} calls of the last 24 hours failed ({Finds.Fraction(percent)} %).");
    }

    const int LeastCalls = 30;

    /// <summary>The largest call of the hour against all others of the days before and of this hour.</summary>
    (int Tokens, int Cost) SingleCalls()
    {
        if (!Rules.PerCall || !Scene.Recent.Hours.TryGetValue(Hour, out var now) || now.Slots is null) return default;
        var all = Scene.Recent.CallsUntil(Hour);
        if (all.Calls <= LeastCalls) return default;
        var (tokens, micros) = (all.TokensWithout(now.Sizes.MostTokens), all.MicrosWithout(now.Sizes.MostMicros));
        return (
            SingleCall(AnomalyKind.Spike, AnomalyUnit.Tokens, now.Sizes.MostTokens, Deviations.Score(now.Sizes.MostTokens, tokens),
                tokens.Mean, 1),
            SingleCall(AnomalyKind.CostSpike, AnomalyUnit.Cost, now.Sizes.MostMicros, Deviations.Score(now.Sizes.MostMicros, micros),
                micros.Mean, 1000));
    }

    int SingleCall(AnomalyKind kind, AnomalyUnit unit, long most, double score, double mean, int nanos)
    {
        if (Deviations.SeverityOf(score, Rules.CallDeviations) is not { } severity) return 0;
        Finds?.Add(kind, "perCall", severity, Hour, unit, mean * nanos, (double)most * nanos, score,
            $"One call came to {Finds.Amount((double)most * nanos, unit)}, {Finds.Fraction(score)} standard deviations above the mean call "
                + $"of {Finds.Amount(mean * nanos, unit)}.");
        return 1 + (int)severity;
    }

    /// <summary>The fastest sixty minutes that end in this hour; with a slot, only those that end with it.</summary>
    int Pace(int? only)
    {
        if (!Rules.Velocity || (Finds is null && only is null)) return 0;
        var rank = 0;
        foreach (var limit in Scene.Limits)
        {
            Exhaustion? fastest = null;
            for (var slot = Finds is null ? only ?? 0 : 0; slot < RecentUse.SlotsPerHour && (Finds is not null || slot <= only); slot++)
                if (PaceWatch.Look(limit, Scene, Hour, slot, Judged.Paced.GetValueOrDefault(limit.Id)) is { } found
                    && (fastest is null || found.Pace.Ratio > fastest.Value.Pace.Ratio)) fastest = found;
            if (fastest is not { } told) continue;
            rank = Math.Max(rank, 1 + (int)told.Pace.Level);
            (NewlyPaced ??= []).Add((limit.Id, told.Window.Start.ToUnixTimeMilliseconds()));
            Finds?.Add(AnomalyKind.Velocity, "velocity", told.Pace.Level, Hour, UnitOf(limit), told.Pace.DailyBudget, told.Pace.PerDay,
                told.Pace.Ratio, WhyOf(told), limit.Id);
        }
        return rank;
    }

    static AnomalyUnit UnitOf(PacedLimit limit) => limit.Unit == LimitUnit.Cost ? AnomalyUnit.Cost : AnomalyUnit.Tokens;

    string WhyOf(in Exhaustion told)
    {
        var (limit, unit) = (told.Limit, UnitOf(told.Limit));
        var pace = $"At the pace of the last hour ({Finds!.Amount(told.Pace.PerMinute, unit)} a minute) the limit {limit.Id} of "
            + Finds.Amount(limit.Amount, unit);
        return told.Spent >= limit.Amount ? $"{pace} was used up within the hour; {Finds.Amount(told.Spent, unit)} are gone."
            : $"{pace} is used up in {Finds.Number(Math.Ceiling(told.MinutesLeft))} minutes, "
                + $"{Finds.Fraction((told.Window.End - told.At).TotalHours - told.MinutesLeft / 60)} hours before it resets; "
                + $"{Finds.Amount(told.Spent, unit)} are gone.";
    }
}
