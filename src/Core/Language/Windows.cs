// Windows of time. A window is a function of the instant: nothing resets a counter, the next window simply is another one.
using System.Text.Json.Serialization;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core;

public enum WindowKind { Request, Minute, Hour, Day, Week, Month, Quarter, Year, Lifetime, Session, Rolling }

/// <summary>A kind of window; <see cref="Length"/> is set for rolling ones only. Text form: `hour`, `rolling:P7D`.</summary>
[JsonConverter(typeof(WindowConverter))]
public readonly record struct Window(WindowKind Kind, Duration Length = default)
{
    /// <summary>Rolling windows are kept as this many sub-buckets; the oldest partial one counts whole.</summary>
    public const int RollingBuckets = 60;

    /// <summary>Longer numbers are no durations, and would only overflow.</summary>
    const int MostDigits = 9;

    static readonly Duration shortestRolling = Duration.FromMinutes(1);
    static readonly Duration longestRolling = Duration.FromDays(400);

    public override string ToString() => Kind == WindowKind.Rolling
        ? "rolling:" + PeriodPattern.NormalizingIso.Format(Period.FromTicks(Length.BclCompatibleTicks))
        : Names[(int)Kind];

    public static readonly IReadOnlyList<string> Names =
        ["request", "minute", "hour", "day", "week", "month", "quarter", "year", "lifetime", "session", "rolling"];

    public static bool TryParse(string? text, out Window window)
    {
        window = default;
        if (text is null) return false;
        if (text.StartsWith("rolling:", StringComparison.Ordinal))
        {
            // The pattern that does not normalise: normalising overflows where components are far too large.
            if (LongestNumber(text) > MostDigits || !PeriodPattern.Roundtrip.Parse(text[8..]).TryGetValue(null!, out var period)
                || !IsBounded(period)) return false;
            window = new(WindowKind.Rolling, period.ToDuration());
            if (window.IsPossible) return true;
            window = default;
            return false;
        }
        for (var kind = WindowKind.Request; kind < WindowKind.Rolling; kind++)
            if (text == Names[(int)kind])
            {
                window = new(kind);
                return true;
            }
        return false;
    }

    /// <summary>Rolling windows are whole seconds, from a minute to 400 days.</summary>
    public bool IsPossible => Kind == WindowKind.Rolling
        ? Length >= shortestRolling && Length <= longestRolling && Length.SubsecondNanoseconds == 0
        : Kind is >= WindowKind.Request and < WindowKind.Rolling && Length == default;

    static int LongestNumber(string text)
    {
        var (longest, digits) = (0, 0);
        foreach (var c in text) longest = Math.Max(longest, digits = char.IsAsciiDigit(c) ? digits + 1 : 0);
        return longest;
    }

    static bool IsBounded(Period period)
    {
        const long most = 400L * 24 * 3600;
        return period is { Years: 0, Months: 0, Milliseconds: 0, Ticks: 0, Nanoseconds: 0 }
            && period.Weeks is >= 0 and <= 60 && period.Days is >= 0 and <= 400
            && period.Hours is >= 0 and <= most && period.Minutes is >= 0 and <= most && period.Seconds is >= 0 and <= most;
    }

    /// <summary>One sub-bucket of a rolling window, in whole milliseconds, rounded up so that 60 of them cover the window.</summary>
    public Duration BucketLength => Duration.FromMilliseconds(((long)Length.TotalMilliseconds() + RollingBuckets - 1) / RollingBuckets);
}

/// <summary>The half-open span [Start, End) in which a counter's slot counts.</summary>
public readonly record struct Span(Instant Start, Instant End)
{
    public static readonly Span Always = new(Instant.FromUnixTimeMilliseconds(0), Instant.FromUnixTimeMilliseconds(253402300799999));

    public bool Contains(Instant at) => Start <= at && at < End;
}

/// <summary>What turns an instant into calendar windows: an IANA zone, the day a week starts on, the day a month starts on.</summary>
public sealed record Calendar(DateTimeZone Zone, IsoDayOfWeek WeekStart, int MonthAnchorDay)
{
    public static readonly Calendar Utc = new(DateTimeZone.Utc, IsoDayOfWeek.Monday, 1);

    /// <summary>The month in which a year begins; its quarters follow.</summary>
    public int YearStartMonth { get; init; } = 1;

    /// <summary>The local time at which a day begins, and with it every longer window.</summary>
    public LocalTime DayStart { get; init; } = LocalTime.Midnight;

    /// <summary>From the words of a policy.</summary>
    public static Calendar Of(string timeZone, IsoDayOfWeek weekStart, int monthAnchorDay, int? yearStartMonth, string? dayStart) =>
        new(TimeZones.Of(timeZone), weekStart, monthAnchorDay)
    {
        YearStartMonth = yearStartMonth ?? 1, DayStart = dayStart is null ? LocalTime.Midnight : DayStarts.Of(dayStart)
            ?? LocalTime.Midnight,
    };

    /// <summary>
    /// The span that holds <paramref name="at"/>. For rolling windows it is the span in which what happens at that instant counts: from
    /// its sub-bucket's start until the whole sub-bucket has left the window.
    /// </summary>
    public Span Bounds(Window window, Instant at)
    {
        switch (window.Kind)
        {
            case WindowKind.Request:
            case WindowKind.Lifetime:
                return Span.Always;
            case WindowKind.Session:
                return new(at, at + SessionIdle);
            case WindowKind.Rolling:
                var bucket = (long)window.BucketLength.TotalMilliseconds();
                var start = Instant.FromUnixTimeMilliseconds(FloorTo(at.ToUnixTimeMilliseconds(), bucket));
                return new(start, start + window.BucketLength + window.Length);
            case WindowKind.Minute:
            case WindowKind.Hour:
                return ClockSpan(window.Kind == WindowKind.Minute ? 60 : 3600, at);
            default:
                var local = at.InZone(Zone).LocalDateTime;
                var first = FirstDay(window.Kind, local.TimeOfDay < DayStart ? local.Date.PlusDays(-1) : local.Date);
                var next = NextFirstDay(window.Kind, first);
                var end = StartOf(next);
                // A clock put back over midnight shows the day before once more; the new day goes on.
                return at < end ? new(StartOf(first), end) : new(end, StartOf(NextFirstDay(window.Kind, next)));
        }
    }

    /// <summary>A session's window ends this long after its last call (or when it is closed).</summary>
    public static readonly Duration SessionIdle = Duration.FromHours(24);

    /// <summary>
    /// Minutes and hours follow the wall clock of the zone (they start at :00 in Kathmandu's +05:45 too), cut at every transition of the
    /// zone: each instant lies in exactly one window, also in the hour that happens twice.
    /// </summary>
    Span ClockSpan(long seconds, Instant at)
    {
        var interval = Zone.GetZoneInterval(at);
        var offset = interval.WallOffset.Seconds;
        var local = at.ToUnixTimeSeconds() + offset;
        if (at < Instant.FromUnixTimeSeconds(at.ToUnixTimeSeconds())) local--;
        var floor = FloorTo(local, seconds);
        var start = Instant.FromUnixTimeSeconds(floor - offset);
        var end = Instant.FromUnixTimeSeconds(floor + seconds - offset);
        if (interval.HasStart && interval.Start > start) start = interval.Start;
        if (interval.HasEnd && interval.End < end) end = interval.End;
        return new(start, end);
    }

    /// <summary>The first instant of a day: after a skipped midnight the instant of the transition, also where a zone skips a whole
    /// day.</summary>
    public Instant StartOf(LocalDate day)
    {
        var mapping = Zone.MapLocal(day + DayStart);
        return mapping.Count > 0 ? mapping.First().ToInstant() : mapping.LateInterval.Start;
    }

    LocalDate FirstDay(WindowKind kind, LocalDate date)
    {
        switch (kind)
        {
            case WindowKind.Day: return date;
            case WindowKind.Week: return date.DayOfWeek == WeekStart ? date : date.Previous(WeekStart);
        }
        var month = Anchor(date.Year, date.Month);
        if (month > date) month = Anchor(date.PlusMonths(-1).Year, date.PlusMonths(-1).Month);
        // Quarters and years are made of the anchored months: the year starts with the one anchored in its first month.
        var ofYear = (month.Month - YearStartMonth + 12) % 12;
        return kind switch
        {
            WindowKind.Month => month,
            WindowKind.Quarter => AnchorAfter(month, -(ofYear % 3)),
            _ => AnchorAfter(month, -ofYear),
        };
    }

    LocalDate NextFirstDay(WindowKind kind, LocalDate first) => kind switch
    {
        WindowKind.Day => first.PlusDays(1),
        WindowKind.Week => first.PlusDays(7),
        WindowKind.Month => AnchorAfter(first, 1),
        WindowKind.Quarter => AnchorAfter(first, 3),
        _ => AnchorAfter(first, 12),
    };

    LocalDate AnchorAfter(LocalDate first, int months)
    {
        var later = new LocalDate(first.Year, first.Month, 1).PlusMonths(months);
        return Anchor(later.Year, later.Month);
    }

    /// <summary>The anchor day in a month; 29 to 31 clamp to the month's end.</summary>
    LocalDate Anchor(int year, int month) => new(year, month, Math.Min(MonthAnchorDay, CalendarSystem.Iso.GetDaysInMonth(year, month)));

    static long FloorTo(long value, long step) => value - ((value % step) + step) % step;
}

static class InstantExtensions
{
    /// <summary>Cut to whole milliseconds, the resolution in which instants are stored.</summary>
    public static Instant ToMillis(this Instant instant) => Instant.FromUnixTimeMilliseconds(instant.ToUnixTimeMilliseconds());
}

static class DurationExtensions
{
    /// <summary>Whole milliseconds, without going through binary floating point.</summary>
    public static long TotalMilliseconds(this Duration duration) => duration.BclCompatibleTicks / NodaConstants.TicksPerMillisecond;
}
