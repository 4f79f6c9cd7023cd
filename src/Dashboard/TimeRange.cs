// The period that a page shows: a name or two days, out of the address, in the zone of whoever looks.
using NodaTime;
using NodaTime.Text;

namespace Purser.Dashboard;

/// <summary>Days from the first to the last one, both included.</summary>
public sealed record TimeRange(string Name, LocalDate First, LocalDate Last)
{
    public static readonly IReadOnlyList<(string Name, string Words)> Known =
    [
        ("today", "Today"), ("yesterday", "Yesterday"), ("week", "This week"), ("last-week", "Last week"), ("30d", "30 days"),
        ("month", "This month"), ("last-month", "Last month"), ("quarter", "This quarter"), ("last-quarter", "Last quarter"),
    ];

    const string usual = "30d";

    public int Days => Period.DaysBetween(First, Last) + 1;

    /// <summary>Steps of the series: as many as can be told apart in a plot.</summary>
    public string Granularity => Days <= 3 ? "hour" : Days <= 120 ? "day" : Days <= 800 ? "week" : Days <= 12_000 ? "month" : "year";

    public string From => LocalDatePattern.Iso.Format(First);

    public string To => LocalDatePattern.Iso.Format(Last);

    public string Words => Known.FirstOrDefault(known => known.Name == Name).Words ?? $"{From} to {To}";

    public static TimeRange Of(string? name, string? from, string? to, LocalDate today)
    {
        if (LocalDatePattern.Iso.Parse(from ?? "") is { Success: true, Value: var first }
            && LocalDatePattern.Iso.Parse(to ?? "") is { Success: true, Value: var last } && last >= first
            && first.Year is >= 1900 and < 2900 && last.Year < 2900) return new("custom", first, last);
        var month = new LocalDate(today.Year, today.Month, 1);
        var quarter = new LocalDate(today.Year, (today.Month - 1) / 3 * 3 + 1, 1);
        var week = today.PlusDays(1 - (int)today.DayOfWeek);
        return name switch
        {
            "today" => new(name, today, today),
            "yesterday" => new(name, today.PlusDays(-1), today.PlusDays(-1)),
            "week" => new(name, week, today),
            "last-week" => new(name, week.PlusDays(-7), week.PlusDays(-1)),
            "month" => new(name, month, today),
            "last-month" => new(name, month.PlusMonths(-1), month.PlusDays(-1)),
            "quarter" => new(name, quarter, today),
            "last-quarter" => new(name, quarter.PlusMonths(-3), quarter.PlusDays(-1)),
            _ => new(usual, today.PlusDays(-29), today),
        };
    }

    /// <summary>Its part of an address: from the first instant of its first day to that after its last one.</summary>
    public string Query(DateTimeZone zone) => $"{Span(zone)}&timeZone={Uri.EscapeDataString(zone.Id)}";

    /// <summary>The same for operations that know of no days.</summary>
    public string Span(DateTimeZone zone) => $"from={Text(zone.AtStartOfDay(First))}&to={Text(zone.AtStartOfDay(Last.PlusDays(1)))}";

    static string Text(ZonedDateTime at) => InstantPattern.General.Format(at.ToInstant());
}
