// The recent usage of an account at hand: hourly windows, and statistics of single calls. It advances in journal order from its position;
// built anew from the whole journal it is the same again.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed class UsageHistory
{
    /// <summary>Five weeks: every day of the week five times, which is what comparing a day with its like needs.</summary>
    static readonly Duration kept = Duration.FromDays(35);

    const long HourMillis = 3_600_000;

    /// <summary>The version of the last journal entry in here.</summary>
    public long Position { get; set; }

    /// <summary>By the start of the hour, in milliseconds since 1970.</summary>
    public SortedDictionary<long, UsageHour> Hours { get; init; } = [];

    public RunningStatistics TokensPerCall { get; set; }
    public RunningStatistics NanosPerCall { get; set; }
    public RunningStatistics MillisPerCall { get; set; }

    public void Advance(JournalEntry entry)
    {
        if (entry.Version <= Position) return;
        foreach (var happened in entry.Events)
            if (Append.RecordOf(happened) is { } record)
                Take(record);
        Position = entry.Version;
    }

    void Take(UsageRecord record)
    {
        var start = record.At.ToUnixTimeMilliseconds() / HourMillis * HourMillis;
        var known = Hours.TryGetValue(start, out var hour);
        Hours[start] = hour.Plus(record);
        if (!known) Forget();
        // A correction belongs to its hour, but it is not another call.
        if (record.Kind == RecordKind.Adjustment) return;
        TokensPerCall = TokensPerCall.With(record.Amounts.Tokens);
        NanosPerCall = NanosPerCall.With(record.Amounts.CostNanos);
        if (record.Usage.DurationMs is { } duration) MillisPerCall = MillisPerCall.With(duration);
    }

    /// <summary>Old is what lies far before the newest hour, so that the result depends on the journal alone and not on when it was read.</summary>
    void Forget()
    {
        var before = Hours.Keys.Last() - (long)kept.TotalMilliseconds;
        while (Hours.First() is var (oldest, _) && oldest <= before) Hours.Remove(oldest);
    }

    /// <summary>What callers get: it does not change any more.</summary>
    public UsageHistoryView View() => new(
        Position, [.. Hours.Select(hour => new UsageHourView(Instant.FromUnixTimeMilliseconds(hour.Key), hour.Value))], TokensPerCall, NanosPerCall, MillisPerCall);
}

/// <summary>What was booked into one hour.</summary>
public readonly record struct UsageHour(long Tokens, Int128 CostNanos, long Requests, long Failed)
{
    public UsageHour Plus(UsageRecord record) => new(
        Tokens + record.Amounts.Tokens, CostNanos + record.Amounts.CostNanos, Requests + record.Amounts.Requests,
        Failed + (record.Usage.Success ? 0 : record.Amounts.Requests));
}

/// <summary>Count, mean and variance of a stream of numbers, in one pass and without keeping them (Welford).</summary>
public readonly record struct RunningStatistics(long Count, double Mean, double SquaredDeviations)
{
    /// <summary>Of the whole stream, not of a sample of it; 0 for fewer than two numbers.</summary>
    public double Variance => Count < 2 ? 0 : SquaredDeviations / Count;

    public RunningStatistics With(double next)
    {
        var mean = Mean + (next - Mean) / (Count + 1);
        return new(Count + 1, mean, SquaredDeviations + (next - Mean) * (next - mean));
    }
}

public sealed record UsageHourView(Instant Start, UsageHour Usage);

public sealed record UsageHistoryView(
    long Position, IReadOnlyList<UsageHourView> Hours, RunningStatistics TokensPerCall, RunningStatistics NanosPerCall, RunningStatistics MillisPerCall);
