// What has been learnt of an account from its complete hours, and what goes on there. It is a fold over hours, one after the other, and
// knows nothing of when they were booked; a copy of it can judge the hours that followed again.
namespace Purser.Core.Statistics;

public sealed class Judgement
{
    /// <summary>The next hour to be judged (hours since 1970).</summary>
    public long Hour { get; set; }

    /// <summary>The last hour with usage.</summary>
    public long LastUsed { get; set; }

    public SeasonalDetector Tokens { get; set; } = new() { IsCount = true };
    public SeasonalDetector Cost { get; set; } = new();
    public SeasonalDetector Calls { get; set; } = new() { IsCount = true };
    public BurstWatch CostBursts { get; set; } = new();
    public BurstWatch CallBursts { get; set; } = new();

    /// <summary>The hour that too many calls fail since, 0: they do not; and the worst that it has been.</summary>
    public long ErrorsSince { get; set; }
    public Severity ErrorsWorst { get; set; }

    /// <summary>Calls, and failed ones, at the last hour in which too many failed.</summary>
    public long ErrorsFailed { get; set; }
    public long ErrorsCalls { get; set; }

    /// <summary>The hour that use is down since, 0: it is not; the worst that it has been, and what came and was expected since.</summary>
    public long DownSince { get; set; }
    public Severity DownWorst { get; set; }
    public double DownActual { get; set; }
    public double DownExpected { get; set; }

    /// <summary>By limit: the start of the window, in milliseconds since 1970, that was told of last.</summary>
    public SortedDictionary<string, long> Paced { get; set; } = new(StringComparer.Ordinal);

    /// <summary>What was told of each measure of the first days: 0 nothing, then 1 more than the severity.</summary>
    public int YouthTokens { get; set; }
    public int YouthCost { get; set; }
    public int YouthCalls { get; set; }

    public Judgement Copy() => new()
    {
        Hour = Hour, LastUsed = LastUsed, Tokens = Tokens.Copy(), Cost = Cost.Copy(), Calls = Calls.Copy(),
        CostBursts = CostBursts.Copy(), CallBursts = CallBursts.Copy(), ErrorsSince = ErrorsSince, ErrorsWorst = ErrorsWorst,
        ErrorsFailed = ErrorsFailed, ErrorsCalls = ErrorsCalls,
        DownSince = DownSince, DownWorst = DownWorst, DownActual = DownActual, DownExpected = DownExpected,
        Paced = new(Paced, StringComparer.Ordinal), YouthTokens = YouthTokens, YouthCost = YouthCost, YouthCalls = YouthCalls,
    };

    internal (Outlook Tokens, Outlook Cost, Outlook Calls) Look(Scene scene, long hour)
    {
        var past = new PastHours(scene.Hours, scene.First, hour);
        return (Tokens.Look(hour, past.Tokens), Cost.Look(hour, past.Nanos), Calls.Look(hour, past.Calls));
    }

    /// <summary>The hours that comparisons ask for: those from the first use until now.</summary>
    sealed class PastHours(UsageHours hours, long first, long now)
    {
        bool Knows(long hour) => hour >= first && hour < now;

        public double Tokens(long hour) => Knows(hour) ? hours[hour].Tokens : double.NaN;
        public double Nanos(long hour) => Knows(hour) ? (double)hours[hour].CostNanos : double.NaN;
        public double Calls(long hour) => Knows(hour) ? hours[hour].Requests : double.NaN;
    }

    /// <summary>Judges the hours before <paramref name="end"/>, and learns from them.</summary>
    /// <param name="first">What is known of the first of them, where it was asked for before.</param>
    internal void JudgeUntil(long end, Scene scene, Finds finds, Action<Judgement>? beforeEach = null, HourBaseline? first = null)
    {
        while (Hour < end)
        {
            if (Hour - LastUsed > SeasonalDetector.HoursOfPast && scene.Hours[Hour] == default)
            {
                // After a long silence there is nothing to learn until something is used again.
                Hour = Math.Min(end, scene.Hours.NextUsed(Hour) ?? end);
                continue;
            }
            beforeEach?.Invoke(this);
            JudgeHour(scene, finds, first?.Hour == Hour ? first : HourBaseline.Of(this, scene, Hour));
            Hour++;
        }
    }

    void JudgeHour(Scene scene, Finds finds, HourBaseline known)
    {
        var used = scene.Hours[Hour];
        if (used != default) LastUsed = Hour;
        EndRises(Tokens, AnomalyKind.Spike, finds);
        EndRises(Cost, AnomalyKind.CostSpike, finds);
        EndRises(Calls, AnomalyKind.CallSpike, finds);
        var limit = scene.Rules.Evidence;
        var examination = new Examination(this, scene, known, used, finds, IsComplete: true);
        // What follows depends on what was known before the hour, so it comes before learning.
        var (costBurst, callBurst) = examination.Bursts(
            Cost.Preview(known.Cost, (double)used.CostNanos, limit), Calls.Preview(known.Calls, used.Requests, limit));
        examination.Rest();
        var (youthTokens, youthCost, youthCalls) = examination.Youth();
        (YouthTokens, YouthCost, YouthCalls) =
            (Math.Max(YouthTokens, youthTokens), Math.Max(YouthCost, youthCost), Math.Max(YouthCalls, youthCalls));
        examination.Rise(AnomalyKind.CostSpike, Cost.Take(known.Cost, (double)used.CostNanos, limit));
        examination.Rise(AnomalyKind.CallSpike, Calls.Take(known.Calls, used.Requests, limit));
        var tokens = Tokens.Take(known.Tokens, used.Tokens, limit);
        examination.Rise(AnomalyKind.Spike, tokens);
        FollowDrop(tokens, examination, finds);
        CostBursts.Take(Hour, used.MostNanos, costBurst);
        CallBursts.Take(Hour, used.MostCalls, callBurst);
        FollowErrors(examination, finds);
        foreach (var (limitId, window) in examination.NewlyPaced ?? []) Paced[limitId] = window;
    }

    void EndRises(SeasonalDetector detector, AnomalyKind kind, Finds finds)
    {
        var rise = detector.Rise;
        if (rise.Told.Count == 0 || rise.IsOpen(Hour, SeasonalDetector.QuietHours)) return;
        foreach (var told in rise.Told) finds.End(kind, "seasonal", told, rise.Last + 1);
        rise.Told = [];
    }

    /// <summary>An outage is one event, however quiet the night in the middle of it would have been. It grows until use comes
    /// back.</summary>
    void FollowDrop(in SeasonalVerdict verdict, Examination examination, Finds finds)
    {
        if (verdict.Expected is not { } expected) return;
        var actual = (double)examination.Used.Tokens;
        if (DownSince > 0 && actual > 0 && actual >= expected / 2)
        {
            finds.End(AnomalyKind.Drop, "seasonal", DownSince, Hour);
            DownSince = 0;
        }
        if (DownSince == 0)
        {
            if (!verdict.IsAlarm || !verdict.IsDrop) return;
            (DownSince, DownWorst, DownActual, DownExpected) = (Hour, Severity.Low, 0, 0);
        }
        if (verdict.IsDrop && verdict.Rank > 0) DownWorst = (Severity)Math.Max((int)DownWorst, (int)verdict.Severity);
        (DownActual, DownExpected) = (DownActual + actual, DownExpected + expected);
        examination.Drop(verdict);
    }

    void FollowErrors(Examination examination, Finds finds)
    {
        if (examination.ErrorLevel() is { } severity)
        {
            if (ErrorsSince == 0) (ErrorsSince, ErrorsWorst) = (Hour, Severity.Low);
            ErrorsWorst = (Severity)Math.Max((int)ErrorsWorst, (int)severity);
            (ErrorsFailed, ErrorsCalls) = (examination.Failed, examination.Calls);
            examination.Errors();
        }
        else if (ErrorsSince > 0)
        {
            examination.Errors();
            finds.End(AnomalyKind.ErrorRate, "errorRate", ErrorsSince, Hour);
            ErrorsSince = 0;
        }
    }
}
