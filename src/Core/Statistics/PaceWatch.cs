// How fast the limits of an account are being used up: the tokens and the money of the last sixty minutes.
using NodaTime;

namespace Purser.Core.Statistics;

/// <summary>A limit over a calendar window that all of the account's calls count against.</summary>
public sealed record PacedLimit(string Id, LimitUnit Unit, WindowKind Window, long Amount);

/// <summary>A limit that will not last: <see cref="Spent"/> of it are gone, the rest goes at <see cref="Pace"/>.</summary>
public readonly record struct Exhaustion(PacedLimit Limit, Velocity Pace, double Spent, Span Window, Instant At, double MinutesLeft);

public sealed class PaceWatch
{
    const int Minutes = 60;
    const double MinutesOfLongestMonth = 31 * 1440 + 60;

    /// <summary>The first ones of a policy; a policy with more limits over all calls is hardly meant so.</summary>
    const int MostLimits = 8;

    public List<PacedLimit> Limits { get; set; } = [];

    public void Adopt(EffectivePolicy policy) => Limits =
    [
        .. policy.Limits.Select(numbered => numbered.Limit)
            .Where(limit => limit is { Each: null, Unit: LimitUnit.Tokens or LimitUnit.Cost, Amount: not null, Mode: not LimitMode.Off }
                && limit.Amount > 0 && limit.Amount <= long.MaxValue
                && (limit.Match?.Count ?? 0) == 0 && limit.Window.Kind is WindowKind.Day or WindowKind.Week or WindowKind.Month)
            .Take(MostLimits).Select(limit => new PacedLimit(limit.Id, limit.Unit, limit.Window.Kind, (long)limit.Amount!.Value)),
    ];

    /// <summary>
    /// A limit that is used up before its window ends, at so many times the pace that would use it up exactly, by the sixty minutes that
    /// end with a slot of an hour. One that was used up within these minutes is told as well. <paramref name="told"/>: the window that
    /// was told of.
    /// </summary>
    internal static Exhaustion? Look(PacedLimit limit, Scene scene, long hour, int slot, long told)
    {
        var (tokens, nanos) = scene.Recent.LastHour(hour, slot);
        var last = (double)(limit.Unit == LimitUnit.Cost ? nanos : tokens);
        var perMinute = last / Minutes;
        var ratio = scene.Rules.Pace;
        // Even over the longest window it would do.
        if (perMinute * MinutesOfLongestMonth < ratio * limit.Amount) return null;
        var start = UsageHour.StartOf(hour);
        var at = start + Duration.FromMinutes((slot + 1) * RecentUse.MinutesPerSlot);
        var window = scene.Calendar.Bounds(new(limit.Window), start + Duration.FromMinutes(slot * RecentUse.MinutesPerSlot));
        var velocity = new Velocity(perMinute, limit.Amount / (window.End - window.Start).TotalDays);
        if (velocity.Ratio < ratio || told == window.Start.ToUnixTimeMilliseconds()) return null;
        var before = scene.Hours.Sum(UsageHour.Of(window.Start), hour);
        var (nowTokens, nowNanos) = scene.Recent.Until(hour, slot);
        var spent = limit.Unit == LimitUnit.Cost ? (double)before.CostNanos + nowNanos : before.Tokens + nowTokens;
        if (spent - last >= limit.Amount || velocity.MinutesToLimit(limit.Amount - spent) is not { } left
            || left >= (window.End - at).TotalMinutes) return null;
        return new(limit, velocity, spent, window, at, left);
    }
}
