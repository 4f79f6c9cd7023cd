// When a channel may be used: so many messages in a time, and not at night.
using NodaTime;

namespace Purser.Core.Alerts;

/// <summary>At most so many messages in any such time.</summary>
public sealed record AlertRate(int Most, Duration Per)
{
    /// <summary>When the next message may go, after those that went at these times; now where it may go now.</summary>
    public Instant FreeAt(IReadOnlyCollection<Instant> sent, Instant now)
    {
        var recent = sent.Where(at => at > now - Per).Order().ToArray();
        return recent.Length < Most ? now : recent[^Most] + Per;
    }
}

/// <summary>
/// Hours of the day in which only what is critical is told, in a zone: from one local time to another, over midnight where the second is
/// not later. <see cref="Days"/>: the days on which they begin; null is every day.
/// </summary>
public sealed record QuietHours(LocalTime From, LocalTime To, string TimeZone, IReadOnlyList<IsoDayOfWeek>? Days = null)
{
    /// <summary>When the quiet hours end that it is in; null where it is not in any.</summary>
    public Instant? EndsAt(Instant now)
    {
        var zone = TimeZones.Of(TimeZone);
        var local = now.InZone(zone).LocalDateTime;
        for (var back = 0; back <= 1; back++)
        {
            var day = local.Date.PlusDays(-back);
            if (Days is { } days && !days.Contains(day.DayOfWeek)) continue;
            var end = (To > From ? day : day.PlusDays(1)) + To;
            if (local < day + From || local >= end) continue;
            // A time that does not exist, as clocks go forward, is the first one after.
            return end.InZoneLeniently(zone).ToInstant();
        }
        return null;
    }
}
