// How fast the limits of an account are being used up: the tokens and the money of the last sixty minutes.
using NodaTime;

namespace Purser.Core.Statistics;

/// <summary>A limit over a calendar window that all of the account's calls count against.</summary>
public sealed record PacedLimit(string Id, LimitUnit Unit, WindowKind Window, long Amount);

/// <summary>A limit that will not last: <see cref="Spent"/> of it are gone, the rest goes at <see cref="Pace"/>.</summary>
public readonly record struct Exhaustion(PacedLimit Limit, Velocity Pace, double Spent, Span Window, double MinutesLeft);

public sealed class PaceWatch
{
    const int Minutes = 60;
    const double MinutesOfLongestMonth = 31 * 1440 + 60;

    /// <summary>The first ones of a policy; a policy with more limits over all calls is hardly meant so.</summary>
    const int MostLimits = 8;

    public List<PacedLimit> Limits { get; set; } = [];

    /// <summary>What was used in each of the last minutes, at the minute's number modulo sixty. Empty while there is no limit to
    /// watch.</summary>
    public double[] Tokens { get; set; } = [];
    public double[] Nanos { get; set; } = [];

    /// <summary>The newest minute that anything was booked in.</summary>
    public long Minute { get; set; }

    /// <summary>By limit: the start of the window, in milliseconds since 1970, that was told of last.</summary>
    public SortedDictionary<string, long> Told { get; init; } = new(StringComparer.Ordinal);

    public void Adopt(EffectivePolicy policy)
    {
        Limits =
        [
            .. policy.Limits.Select(numbered => numbered.Limit)
                .Where(limit => limit is { Each: null, Unit: LimitUnit.Tokens or LimitUnit.Cost, Amount: not null, Mode: not LimitMode.Off }
                    && limit.Amount > 0 && limit.Amount <= long.MaxValue
                    && (limit.Match?.Count ?? 0) == 0 && limit.Window.Kind is WindowKind.Day or WindowKind.Week or WindowKind.Month)
                .Take(MostLimits).Select(limit => new PacedLimit(limit.Id, limit.Unit, limit.Window.Kind, (long)limit.Amount!.Value)),
        ];
        foreach (var gone in Told.Keys.Except(Limits.Select(limit => limit.Id)).ToList()) Told.Remove(gone);
        if (Limits.Count > 0 && Tokens.Length == 0) (Tokens, Nanos) = (new double[Minutes], new double[Minutes]);
    }

    /// <summary>Counts what was used; true when a minute began, which is when it is worth looking.</summary>
    public bool Take(long minute, in Amounts amounts)
    {
        if (Limits.Count == 0 || minute <= Minute - Minutes) return false;
        var began = minute > Minute;
        for (var passed = Math.Max(Minute + 1, minute - Minutes + 1); passed <= minute; passed++)
            Tokens[passed % Minutes] = Nanos[passed % Minutes] = 0;
        Minute = Math.Max(Minute, minute);
        Tokens[minute % Minutes] += amounts.Tokens;
        Nanos[minute % Minutes] += amounts.CostNanos;
        return began;
    }

    /// <summary>Limits that would be used up before their window ends, at so many times the pace that would do it exactly. Each once per
    /// window.</summary>
    public IEnumerable<Exhaustion> Look(Instant at, Calendar calendar, UsageHours hours, double ratio)
    {
        foreach (var limit in Limits)
        {
            var perMinute = (limit.Unit == LimitUnit.Cost ? Nanos : Tokens).Sum() / Minutes;
            // Even over the longest window it would do.
            if (perMinute * MinutesOfLongestMonth < ratio * limit.Amount) continue;
            var window = calendar.Bounds(new(limit.Window), at);
            var velocity = new Velocity(perMinute, limit.Amount / (window.End - window.Start).TotalDays);
            if (velocity.Ratio < ratio || Told.GetValueOrDefault(limit.Id) == window.Start.ToUnixTimeMilliseconds()) continue;
            var used = hours.Sum(FirstHour(window.Start), FirstHour(at) + 1);
            var spent = limit.Unit == LimitUnit.Cost ? (double)used.CostNanos : used.Tokens;
            if (velocity.MinutesToLimit(limit.Amount - spent) is not { } left || spent >= limit.Amount
                || left >= (window.End - at).TotalMinutes) continue;
            Told[limit.Id] = window.Start.ToUnixTimeMilliseconds();
            yield return new(limit, velocity, spent, window, left);
        }
    }

    static long FirstHour(Instant at) => at.ToUnixTimeSeconds() / 3600;
}
