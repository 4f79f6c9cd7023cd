// Watches the records of an account, and tells of what is unlike its past. What is found follows from the hours as they are: a late record
// changes its hour, and the hours since are judged again. What it does for a record does not grow with the history.
using NodaTime;

namespace Purser.Core.Statistics;

public sealed class AnomalyWatch
{
    /// <summary>During its first day every model of an account is new.</summary>
    const int HoursBeforeNewModels = 24;
    const int MostModels = 1000;

    /// <summary>Copies of what was known: of the last midnight, and of two moments two weeks apart. Hours before the oldest one are not
    /// judged again, once hours were forgotten.</summary>
    const int HoursBetweenCopies = 336, LongCopies = 2;

    /// <summary>One late record pays for judging so many hours again: until enough came, the next reading judges.</summary>
    const int HoursPerLateRecord = 4;

    static readonly AnomalySettings usual = new();

    /// <summary>As the policy in force says; null: as usual.</summary>
    public AnomalySettings? Settings { get; set; }

    /// <summary>The calendar of that policy; histories of earlier builds have its time zone alone.</summary>
    public string TimeZone { get; set; } = "UTC";
    public IsoDayOfWeek WeekStart { get; set; } = IsoDayOfWeek.Monday;
    public int MonthAnchorDay { get; set; } = 1;
    public int? YearStartMonth { get; set; }
    public string? DayStart { get; set; }

    /// <summary>What others used in their first days, as it was known at the account's first call; null where it was not.</summary>
    public FirstDays? FirstDays { get; set; }

    /// <summary>The hour of the first use, and the newest one (hours since 1970); 0 before there was any.</summary>
    public long First { get; set; }
    public long Current { get; set; }

    public Judgement Judged { get; set; } = new();
    public List<Judgement> Copies { get; init; } = [];
    public RecentUse Recent { get; init; } = new();
    public PaceWatch Pace { get; init; } = new();

    /// <summary>The hour in which each model was called first.</summary>
    public SortedDictionary<string, long> FirstCalls { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Models as histories of the first format have them.</summary>
    public List<string>? Models { get; set; }

    /// <summary>The earliest hour that a late record changed; 0: none. And how many records did.</summary>
    public long ChangedSince { get; set; }
    public long LateRecords { get; set; }

    /// <summary>How high above its peak a late record has already brought an hour.</summary>
    public int LateStep { get; set; }

    /// <summary>Whether hours were let go because they are too old.</summary>
    public bool HasForgotten { get; set; }
    public string? Currency { get; set; }
    public Instant Booked { get; set; }
    public AnomalyLog Log { get; init; } = new();

    /// <summary>What is known of the hour that is being filled, and what was told of it: made when asked for. No state.</summary>
    HourBaseline? known;
    int[]? liveRanks;
    Calendar? calendar;
    WatchRules? rules;
    Scene? scene;

    WatchRules InForce => rules ??= new(Settings ?? usual);

    Calendar Calendar => calendar ??= Calendar.Of(TimeZone, WeekStart, MonthAnchorDay, YearStartMonth, DayStart);

    /// <summary>Whether hours wait to be judged again.</summary>
    public bool IsBehind => ChangedSince > 0;

    /// <summary>Asked for with every record, and nearly always the one of the record before.</summary>
    Scene SceneOf(UsageHours hours) =>
        scene is { } last && ReferenceEquals(last.Hours, hours) && ReferenceEquals(last.Rules, InForce)
        && ReferenceEquals(last.Calendar, Calendar) && ReferenceEquals(last.Limits, Pace.Limits) && last.First == First
        && last.Currency == Currency
        && ReferenceEquals(last.FirstDays, FirstDays)
            ? last : scene = new(hours, Recent, InForce, Calendar, Pace.Limits, First, Currency, FirstDays);

    public void Adopt(EffectivePolicy policy)
    {
        Settings = policy.Anomalies;
        rules = null;
        (TimeZone, WeekStart, MonthAnchorDay) = (policy.TimeZone, policy.WeekStart, policy.MonthAnchorDay);
        (YearStartMonth, DayStart) = (policy.YearStartMonth, policy.DayStart);
        calendar = policy.Calendar;
        Pace.Adopt(policy);
        (known, liveRanks) = (null, null);
    }

    public void Adopt(FirstDays usual)
    {
        FirstDays = usual;
        (known, liveRanks) = (null, null);
    }

    /// <summary>Whether a record was booked so long after its time that its hour is not looked at any more. That is a matter of the record
    /// alone, so that an import of any length is judged alike in every order.</summary>
    public static bool IsTooOld(UsageRecord record) =>
        UsageHour.Of(record.At) <= UsageHour.Of(record.BookedAt) - Projection.HoursOfPast;

    /// <summary>A record was booked. Unless it is too old, it is in <paramref name="hours"/> and in <see cref="Recent"/> already.</summary>
    public void Take(UsageRecord record, UsageHours hours)
    {
        (Currency, Booked) = (record.Currency, record.BookedAt);
        var model = record.IsAdjusting || record.LineOf is not null ? null : record.Usage.Dimensions.Model;
        if (IsTooOld(record))
        {
            NoteOldCall(model, UsageHour.Of(record.At));
            return;
        }
        // A record from the future must not move this clock: everything until then would be late.
        var at = Instant.Min(record.At, record.BookedAt);
        var hour = UsageHour.Of(at);
        if (First == 0) First = Current = Judged.Hour = Judged.LastUsed = hour;
        if (hour > Current) Advance(hour, hours);
        if (model is not null) NoteModel(model, hour);
        if (hour == Current) LookAtHour(hours, RecentUse.SlotOf(at.ToUnixTimeSeconds()));
        else if (hour <= Current - Projection.HoursOfPast || (HasForgotten && hour < First)) NoteOldCall(model, hour);
        else ChangePast(hour, hours);
    }

    void Advance(long now, UsageHours hours)
    {
        JudgeAgain(hours);
        JudgeUntil(now, hours);
        Current = now;
        (known, liveRanks) = (null, null);
        Recent.Forget(now);
    }

    /// <summary>The hours until now are complete.</summary>
    void JudgeUntil(long now, UsageHours hours)
    {
        var (from, finds) = (Judged.Hour, new Finds(Booked, Currency));
        var scene = SceneOf(hours);
        Judged.JudgeUntil(now, scene, finds, Keep, known);
        if (finds.ById.Count > 0 || finds.Endings.Count > 0 || liveRanks is null || liveRanks.Any(rank => rank > 0))
            Log.Settle(finds, one => one.Detector is not ("newModel" or "ratio") && UsageHour.Of(one.At) >= from
                && InForce.IsOn(one.Detector),
                Booked);
    }

    void Keep(Judgement judged)
    {
        if (judged.Hour % 24 != 0) return;
        // The last midnight, and the last of the long ones.
        Copies.RemoveAll(copy => copy.Hour % HoursBetweenCopies != 0 || copy.Hour >= judged.Hour);
        while (Copies.Count > LongCopies) Copies.RemoveAt(0);
        Copies.Add(judged.Copy());
    }

    HourBaseline Known(UsageHours hours) => known ??= HourBaseline.Of(Judged, SceneOf(hours), Current);

    void LookAtHour(UsageHours hours, int slot)
    {
        Span<int> ranks = stackalloc int[Examination.Ranks];
        new Examination(Judged, SceneOf(hours), Known(hours), hours[Current], null, IsComplete: false)
            .Live(ranks, liveRanks is { } told && told[Examination.PaceRank] > 0 ? null : slot);
        liveRanks ??= new int[Examination.Ranks];
        var grew = false;
        for (var i = 0; i < ranks.Length; i++)
            if (ranks[i] > liveRanks[i]) (grew, liveRanks[i]) = (true, ranks[i]);
        if (grew) Refresh(hours);
    }

    /// <summary>Brings the finds of the hour that is being filled up to its figures of now.</summary>
    public void Refresh(UsageHours hours)
    {
        if (First == 0) return;
        var finds = new Finds(Booked, Currency);
        Span<int> ranks = stackalloc int[Examination.Ranks];
        new Examination(Judged, SceneOf(hours), Known(hours), hours[Current], finds, IsComplete: false)
            .Live(ranks, RecentUse.SlotsPerHour - 1);
        Log.Settle(finds, one => one.Detector is not ("newModel" or "ratio") && UsageHour.Of(one.At) == Current
            && InForce.IsOn(one.Detector),
            Booked);
    }

    /// <summary>A late record is in its hour. The hours since then will be judged again: at once where they are few, or it may matter
    /// much.</summary>
    void ChangePast(long hour, UsageHours hours)
    {
        First = Math.Min(First, hour);
        known = null;
        ChangedSince = IsBehind ? Math.Min(ChangedSince, hour) : hour;
        LateRecords++;
        var used = hours[hour];
        var step = Math.Max(StepOf(Judged.Tokens, used.Tokens),
            Math.Max(StepOf(Judged.Cost, (double)used.CostNanos), StepOf(Judged.Calls, used.Requests)));
        if (step > LateStep || LateRecords * HoursPerLateRecord >= Current - (CopyBefore(ChangedSince)?.Hour ?? First)) JudgeAgain(hours);
        LateStep = Math.Max(LateStep, step);

        int StepOf(SeasonalDetector detector, double value) => detector.Peaks.Ladder(Current, detector.IsCount, 0).StepOf(value);
    }

    Judgement? CopyBefore(long hour) => Copies.LastOrDefault(copy => copy.Hour <= hour) ?? (HasForgotten ? Copies.FirstOrDefault() : null);

    /// <summary>Judges the hours since the earliest changed one again, with what was known then.</summary>
    public void JudgeAgain(UsageHours hours)
    {
        if (!IsBehind) return;
        var copy = CopyBefore(ChangedSince);
        var start = copy?.Hour ?? First;
        if (copy is null && HasForgotten) start = Judged.Hour;
        else Judged = copy?.Copy() ?? new() { Hour = First, LastUsed = First };
        Copies.RemoveAll(old => old.Hour >= start && old != copy);
        (ChangedSince, LateRecords, LateStep) = (0, 0, 0);
        var finds = new Finds(Booked, Currency);
        Restore(start);
        Judged.JudgeUntil(Current, SceneOf(hours), finds, Keep);
        finds.Forget(one => one.Detector is "velocity" or "perCall" && UsageHour.Of(one.At) <= Current - RecentUse.HoursInDetail);
        AddModels(finds);
        var day = HourBaseline.DayStart(Calendar, start);
        // Rises end hours after they were over.
        Log.Reopen(one => UsageHour.Of(one.EndedAt!.Value) >= start - (one.Kind is AnomalyKind.Drop or AnomalyKind.ErrorRate
            ? 0 : SeasonalDetector.QuietHours) && UsageHour.Of(one.At) < start);
        Log.Settle(finds, one => IsJudgedSince(one, start, day), Booked);
        (known, liveRanks) = (null, null);
        Refresh(hours);
    }

    /// <summary>Minutes and calls are known for some days only: what was found from older ones stands.</summary>
    bool IsJudgedSince(Anomaly one, long start, long day)
    {
        var hour = UsageHour.Of(one.At);
        if (!InForce.IsOn(one.Detector) || hour >= Current) return one.Detector == "newModel" && InForce.NewModel;
        return one.Detector switch
        {
            "newModel" => true,
            "ratio" => hour >= day,
            "velocity" or "perCall" => hour >= start && hour > Current - RecentUse.HoursInDetail,
            _ => hour >= start,
        };
    }

    /// <summary>Of hours whose minutes are not known any more, what was told of limits is known from the finds.</summary>
    void Restore(long start)
    {
        foreach (var one in Log.Kept)
            if (one is { Kind: AnomalyKind.Velocity, Subject: { } subject, WithdrawnAt: null } && UsageHour.Of(one.At) is var hour
                && hour >= start && hour <= Current - RecentUse.HoursInDetail
                && Pace.Limits.FirstOrDefault(limit => limit.Id == subject) is { } limit)
                Judged.Paced[subject] = Calendar.Bounds(new(limit.Window), one.At).Start.ToUnixTimeMilliseconds();
    }

    /// <summary>Names are bounded: an account that makes them up is told of the first thousand.</summary>
    void NoteModel(string model, long hour)
    {
        if (FirstCalls.TryGetValue(model, out var first))
        {
            if (hour < first) FirstCalls[model] = hour;
            return;
        }
        if (FirstCalls.Count >= MostModels) return;
        FirstCalls[model] = hour;
        if (hour < Current || !IsNew(hour)) return;
        var finds = new Finds(Booked, Currency);
        AddModel(finds, model, hour);
        Log.Settle(finds, _ => false, Booked);
    }

    /// <summary>A call in an hour that is not judged again: a model that was called then was not new later.</summary>
    void NoteOldCall(string? model, long hour)
    {
        if (model is null) return;
        NoteModel(model, Math.Min(hour, First));
        if (InForce.NewModel) Log.Settle(new(Booked, Currency), one => one.Detector == "newModel" && one.Subject == model, Booked);
    }

    bool IsNew(long hour) => InForce.NewModel && hour >= First + HoursBeforeNewModels;

    void AddModels(Finds finds)
    {
        foreach (var (model, hour) in FirstCalls)
            if (IsNew(hour)) AddModel(finds, model, hour);
    }

    static void AddModel(Finds finds, string model, long hour) =>
        finds.Add(AnomalyKind.NewModel, "newModel", Severity.Low, hour, AnomalyUnit.Requests, 0, 1, 1,
            $"The model {model} was called for the first time on this account.", model);

    /// <summary>What was kept before hours could be judged again: everything is learnt anew from its hours, and what was found
    /// stands.</summary>
    public void Relearn(UsageHours hours, long oldest)
    {
        foreach (var model in Models ?? []) FirstCalls.TryAdd(model, 0);
        Models = null;
        if (First == 0) return;
        HasForgotten |= oldest > First;
        Judged = new() { Hour = Math.Max(First, oldest), LastUsed = Math.Max(First, oldest) };
        Copies.Clear();
        Judged.JudgeUntil(Current, SceneOf(hours), new(Booked, Currency), Keep);
        if (HasForgotten && Copies.Count == 0) Copies.Add(Judged.Copy());
    }
}
