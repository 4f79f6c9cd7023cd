// The last days in more detail than hours: five minutes at a time, and what single calls were like. Sums of whole numbers, so that the
// order of booking leaves no trace.
namespace Purser.Core.Statistics;

public sealed class RecentUse
{
    /// <summary>How far back minutes are known, and single calls; and with how many hours of calls a call is compared.</summary>
    public const int SlotHours = 48, CallHours = 168, ComparedHours = CallHours - SlotHours;

    /// <summary>What is booked later than so many hours is not looked at minute by minute and call by call; others are compared with
    /// it.</summary>
    public const int HoursInDetail = SlotHours - 1;

    public const int SlotsPerHour = 12, MinutesPerSlot = 5;

    const int NanosPerMicro = 1000;

    public SortedList<long, RecentHour> Hours { get; init; } = [];

    /// <summary>
    /// Takes in a call, and says what the hour's five busiest minutes have come to. A call that is booked days after it was made has no
    /// place here, whatever was booked before it.
    /// </summary>
    public UsageHour Add(UsageRecord record, UsageHour hour)
    {
        var (at, booked) = (UsageHour.Of(record.At), UsageHour.Of(record.BookedAt));
        if (at <= booked - CallHours || at > booked || record.IsAdjusting) return hour;
        if (!Hours.TryGetValue(at, out var recent)) Hours[at] = recent = new();
        var isLive = at > booked - HoursInDetail;
        // A line of a call that several models answered is not another call.
        if (record.LineOf is null) recent.AddCall(record.Amounts.Tokens, record.Amounts.CostNanos / NanosPerMicro, isLive);
        if (!isLive) return hour;
        var slot = recent.Slot(SlotOf(record.At.ToUnixTimeSeconds()), record.Amounts);
        return hour with { MostNanos = Math.Max(hour.MostNanos, slot.Nanos), MostCalls = Math.Max(hour.MostCalls, slot.Calls) };
    }

    public static int SlotOf(long seconds) => (int)(seconds / (60 * MinutesPerSlot) % SlotsPerHour);

    /// <summary>What lies too far before the newest hour is let go.</summary>
    public void Forget(long newest)
    {
        while (Hours.Count > 0 && Hours.GetKeyAtIndex(0) <= newest - CallHours) Hours.RemoveAt(0);
        for (var i = 0; i < Hours.Count && Hours.GetKeyAtIndex(i) <= newest - SlotHours; i++) Hours.GetValueAtIndex(i).Slots = null;
    }

    /// <summary>Tokens and nano-units of the sixty minutes that end with a slot of an hour.</summary>
    public (long Tokens, long Nanos) LastHour(long hour, int slot)
    {
        var (tokens, nanos) = (0L, 0L);
        if (Hours.TryGetValue(hour - 1, out var before) && before.Slots is { } earlier)
            for (var i = slot + 1; i < SlotsPerHour; i++) (tokens, nanos) = (tokens + earlier[i].Tokens, nanos + earlier[i].Nanos);
        if (Hours.TryGetValue(hour, out var now) && now.Slots is { } slots)
            for (var i = 0; i <= slot; i++) (tokens, nanos) = (tokens + slots[i].Tokens, nanos + slots[i].Nanos);
        return (tokens, nanos);
    }

    /// <summary>Tokens and nano-units of an hour up to and with a slot.</summary>
    public (long Tokens, long Nanos) Until(long hour, int slot)
    {
        var (tokens, nanos) = (0L, 0L);
        if (Hours.TryGetValue(hour, out var now) && now.Slots is { } slots)
            for (var i = 0; i <= slot; i++) (tokens, nanos) = (tokens + slots[i].Tokens, nanos + slots[i].Nanos);
        return (tokens, nanos);
    }

    /// <summary>The calls of the days up to an hour, that hour with them.</summary>
    public CallSizes CallsUntil(long hour)
    {
        var all = new CallSizes();
        foreach (var (key, recent) in Hours)
            if (key <= hour && key > hour - ComparedHours) all += recent.Sizes;
        return all;
    }
}

public sealed class RecentHour
{
    public Minutes[]? Slots { get; set; }
    public CallSizes Sizes { get; set; }

    public void AddCall(long tokens, long micros, bool isLive) => Sizes += new CallSizes(1, tokens, micros, (Int128)tokens * tokens,
        (Int128)micros * micros, isLive ? tokens : 0, isLive ? micros : 0);

    public Minutes Slot(int slot, in Amounts amounts)
    {
        Slots ??= new Minutes[RecentUse.SlotsPerHour];
        var was = Slots[slot];
        return Slots[slot] = new(was.Tokens + amounts.Tokens, was.Nanos + amounts.CostNanos, was.Calls + amounts.Requests);
    }
}

/// <summary>What was used in five minutes.</summary>
public readonly record struct Minutes(long Tokens, long Nanos, long Calls);

/// <summary>Sizes of calls: their number, sums, sums of squares, and the largest of those that were booked in time; money in
/// millionths.</summary>
public readonly record struct CallSizes(
    long Calls, Int128 Tokens, Int128 Micros, Int128 SquaredTokens, Int128 SquaredMicros, long MostTokens, long MostMicros)
{
    public static CallSizes operator +(CallSizes a, CallSizes b) => new(
        a.Calls + b.Calls, a.Tokens + b.Tokens, a.Micros + b.Micros, a.SquaredTokens + b.SquaredTokens, a.SquaredMicros + b.SquaredMicros,
        Math.Max(a.MostTokens, b.MostTokens), Math.Max(a.MostMicros, b.MostMicros));

    /// <summary>All calls but one of this size.</summary>
    public RunningStatistics TokensWithout(long one) => Statistics(Calls - 1, Tokens - one, SquaredTokens - (Int128)one * one);

    public RunningStatistics MicrosWithout(long one) => Statistics(Calls - 1, Micros - one, SquaredMicros - (Int128)one * one);

    static RunningStatistics Statistics(long count, Int128 sum, Int128 squares)
    {
        if (count < 1) return default;
        var mean = (double)sum / count;
        return new(count, mean, Math.Max(0, (double)squares - mean * (double)sum));
    }
}
