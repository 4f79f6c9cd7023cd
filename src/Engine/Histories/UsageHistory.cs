// The recent usage of an account at hand: hourly windows, statistics of single calls, and what was found to be abnormal. It advances in
// journal order from its position; built anew from the whole journal it is the same again.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Engine;

public sealed class UsageHistory : IJsonOnSerializing, IJsonOnDeserialized
{
    const long HourMillis = 3_600_000;

    /// <summary>Four days more than anything looks back on are there at most.</summary>
    const long HoursAtOnce = 96;

    /// <summary>The version of the last journal entry in here.</summary>
    public long Position { get; set; }

    /// <summary>2: hours can be judged again. What was kept in an earlier form is brought up to date when it is read.</summary>
    const int CurrentFormat = 2;

    /// <summary>The form that this was kept in.</summary>
    public int Format { get; set; }

    void IJsonOnSerializing.OnSerializing() => Format = CurrentFormat;

    void IJsonOnDeserialized.OnDeserialized()
    {
        if (Format < CurrentFormat && Hours.Count > 0) Watch.Relearn(new(Hours), Hours.GetKeyAtIndex(0));
        Format = CurrentFormat;
    }

    /// <summary>The hours with usage, by their number since 1970.</summary>
    public SortedList<long, UsageHour> Hours { get; init; } = [];

    public RunningStatistics TokensPerCall { get; set; }
    public RunningStatistics NanosPerCall { get; set; }
    public RunningStatistics MillisPerCall { get; set; }

    public AnomalyWatch Watch { get; init; } = new();

    UsageHours? byHour;
    UsageHistoryView? view;

    public void Advance(JournalEntry entry)
    {
        if (entry.Version <= Position) return;
        view = null;
        foreach (var happened in entry.Events)
            if (happened is PolicyChanged changed) Watch.Adopt(changed.Effective);
            else if (happened is FirstDaysKnown known) Watch.Adopt(known.Usual);
            else if (Append.RecordOf(happened) is { } record) Take(record);
        Position = entry.Version;
    }

    void Take(UsageRecord record)
    {
        var start = record.At.ToUnixTimeMilliseconds() / HourMillis;
        var (isTooOld, isNew) = (AnomalyWatch.IsTooOld(record), !Hours.TryGetValue(start, out var hour));
        if (!isTooOld) Hours[start] = Watch.Recent.Add(record, hour.Plus(record));
        Watch.Take(record, byHour ??= new(Hours));
        if (isNew && !isTooOld) Forget();
        // A correction belongs to its hour, but it is not another call.
        if (record.IsAdjusting || record.LineOf is not null) return;
        TokensPerCall = TokensPerCall.With(record.Amounts.Tokens);
        NanosPerCall = NanosPerCall.With(record.Amounts.CostNanos);
        if (record.Usage.DurationMs is { } duration) MillisPerCall = MillisPerCall.With(duration);
    }

    /// <summary>Old is what lies far before the hour that is being filled, so that the result depends on the journal alone and not on when
    /// it was read.</summary>
    void Forget()
    {
        var before = Watch.Current - Projection.HoursOfPast;
        // Some at once: the others move up.
        if (Hours.GetKeyAtIndex(0) >= before - HoursAtOnce) return;
        var kept = Hours.Where(hour => hour.Key >= before).ToArray();
        Watch.HasForgotten = true;
        Hours.Clear();
        foreach (var (start, hour) in kept) Hours.Add(start, hour);
    }

    /// <summary>What callers get: it does not change any more. Where records changed the past, it is judged again first.</summary>
    public UsageHistoryView View()
    {
        if (view is not null) return view;
        if (!Watch.IsBehind)
        {
            Watch.Refresh(byHour ??= new(Hours));
            return view = ViewNow();
        }
        // When this history does so depends on the journal alone, not on who reads it, so that finds have the same numbers everywhere.
        var copy = HistoryJson.Decode(HistoryJson.Encode(this));
        copy.Watch.JudgeAgain(new(copy.Hours));
        return view = copy.ViewNow();
    }

    /// <summary>The anomalies that were found, ended or withdrawn since a moment, in the order of telling.</summary>
    public IReadOnlyList<Anomaly> Finds(Instant since)
    {
        if (view is null && !Watch.IsBehind) Watch.Refresh(byHour ??= new(Hours));
        var known = Watch.IsBehind ? View().Anomalies : Watch.Log.Kept;
        return [.. known.Where(one => one.FoundAt >= since || one.EndedAt >= since || one.WithdrawnAt >= since)];
    }

    UsageHistoryView ViewNow() => new(
        Position, [.. Hours.Select(hour => new UsageHourView(Instant.FromUnixTimeMilliseconds(hour.Key * HourMillis), hour.Value))],
        TokensPerCall, NanosPerCall, MillisPerCall, [.. Watch.Log.Kept]);
}

public sealed record UsageHourView(Instant Start, UsageHour Usage);

/// <summary>Hours and anomalies are in order of time, and of telling.</summary>
public sealed record UsageHistoryView(
    long Position, IReadOnlyList<UsageHourView> Hours, RunningStatistics TokensPerCall, RunningStatistics NanosPerCall,
        RunningStatistics MillisPerCall,
    IReadOnlyList<Anomaly> Anomalies);
