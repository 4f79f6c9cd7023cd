// Windows partition time, in every zone there is; and a rolling window never lets through more than the true one.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class WindowsTests
{
    static readonly IsoDayOfWeek[] weekStarts = [IsoDayOfWeek.Monday, IsoDayOfWeek.Tuesday, IsoDayOfWeek.Wednesday, IsoDayOfWeek.Thursday,
        IsoDayOfWeek.Friday, IsoDayOfWeek.Saturday, IsoDayOfWeek.Sunday];
    static readonly int[] anchors = [1, 15, 29, 30, 31];
    static readonly LocalTime[] dayStarts = [new(1, 30), new(2, 30), new(4, 0), new(23, 59)];

    [Fact]
    public void Consecutive_windows_have_no_gap_and_no_overlap_in_any_zone()
    {
        const int seed = 20260302;
        var random = new Random(seed);
        var (from, to) = (Instant.FromUtc(2020, 1, 1, 0, 0), Instant.FromUtc(2031, 1, 1, 0, 0));
        var zones = DateTimeZoneProviders.Tzdb.Ids.Select(id => DateTimeZoneProviders.Tzdb[id]).ToList();
        Assert.True(zones.Count > 500);
        // Links of the database are other names of the same zone.
        foreach (var zone in zones.DistinctBy(zone => NodaTime.TimeZones.TzdbDateTimeZoneSource.Default.CanonicalIdMap[zone.Id]))
        {
            var instants = new List<Instant>();
            foreach (var interval in zone.GetZoneIntervals(from, to))
                if (interval.HasStart)
                    foreach (var seconds in new[] { -90_000, -1, 0, 1, 1800, 90_000 })
                        instants.Add(interval.Start + Duration.FromSeconds(seconds));
            for (var i = 0; i < 8; i++)
                instants.Add(from + Duration.FromMilliseconds(random.NextInt64((long)(to - from).TotalMilliseconds)));
            foreach (var at in instants) CheckAround(zone, at, seed);
        }
    }

    [Theory]
    [InlineData(WindowKind.Day, "2026-03-08T03:59", "2026-03-07T04:00-05:00", "2026-03-08T04:00-04:00")]
    [InlineData(WindowKind.Day, "2026-03-08T04:00", "2026-03-08T04:00-04:00", "2026-03-09T04:00-04:00")]
    [InlineData(WindowKind.Day, "2026-11-01T03:59", "2026-10-31T04:00-04:00", "2026-11-01T04:00-05:00")]
    [InlineData(WindowKind.Month, "2026-04-01T03:59", "2026-03-01T04:00-05:00", "2026-04-01T04:00-04:00")]
    [InlineData(WindowKind.Quarter, "2026-12-31T12:00", "2026-11-01T04:00-05:00", "2027-02-01T04:00-05:00")]
    [InlineData(WindowKind.Year, "2026-02-01T03:59", "2025-02-01T04:00-05:00", "2026-02-01T04:00-05:00")]
    [InlineData(WindowKind.Year, "2026-02-01T04:00", "2026-02-01T04:00-05:00", "2027-02-01T04:00-05:00")]
    public void A_day_may_begin_at_four_and_a_year_in_February(WindowKind kind, string at, string start, string end)
    {
        var zone = DateTimeZoneProviders.Tzdb["America/New_York"];
        var calendar = new Calendar(zone, IsoDayOfWeek.Monday, 1) { DayStart = new(4, 0), YearStartMonth = 2 };
        var moment = NodaTime.Text.LocalDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd'T'HH:mm").Parse(at).Value
            .InZoneLeniently(zone).ToInstant();
        var instants = NodaTime.Text.OffsetDateTimePattern.CreateWithInvariantCulture("yyyy-MM-dd'T'HH:mmo<+HH:mm>");
        Assert.Equal(new Span(instants.Parse(start).Value.ToInstant(), instants.Parse(end).Value.ToInstant()),
            calendar.Bounds(new(kind), moment));
    }

    static void CheckAround(DateTimeZone zone, Instant at, int seed)
    {
        var calendar = new Calendar(zone, IsoDayOfWeek.Monday, 1);
        foreach (var kind in new[] { WindowKind.Minute, WindowKind.Hour, WindowKind.Day }) CheckPartition(calendar, kind, at, seed);
        foreach (var start in weekStarts) CheckPartition(calendar with { WeekStart = start }, WindowKind.Week, at, seed);
        foreach (var anchor in anchors)
            foreach (var kind in new[] { WindowKind.Month, WindowKind.Quarter, WindowKind.Year })
                CheckPartition(calendar with { MonthAnchorDay = anchor }, kind, at, seed);
        foreach (var start in dayStarts)
            foreach (var kind in new[] { WindowKind.Day, WindowKind.Week, WindowKind.Month, WindowKind.Quarter, WindowKind.Year })
                CheckPartition(calendar with { DayStart = start, YearStartMonth = 4, MonthAnchorDay = 31 }, kind, at, seed);
    }

    static void CheckPartition(Calendar calendar, WindowKind kind, Instant at, int seed)
    {
        var window = new Window(kind);
        var span = calendar.Bounds(window, at);
        var sound = span.Contains(at)
            && calendar.Bounds(window, span.Start) == span
            && calendar.Bounds(window, span.End - Duration.FromMilliseconds(1)) == span
            && calendar.Bounds(window, span.End).Start == span.End
            && calendar.Bounds(window, span.Start - Duration.FromMilliseconds(1)).End == span.Start;
        Assert.True(sound, $"{kind} at {at} in {calendar} gave {span} (seed {seed})");
    }

    [Theory]
    [InlineData("Europe/Berlin", 2026, 3, 29, 23)]
    [InlineData("Europe/Berlin", 2026, 10, 25, 25)]
    [InlineData("America/New_York", 2026, 3, 8, 23)]
    [InlineData("America/New_York", 2026, 11, 1, 25)]
    [InlineData("America/Havana", 2026, 3, 8, 23)]
    [InlineData("America/Havana", 2025, 11, 2, 25)]
    [InlineData("Asia/Beirut", 2026, 3, 29, 23)]
    [InlineData("Asia/Kathmandu", 2026, 3, 29, 24)]
    [InlineData("UTC", 2028, 2, 29, 24)]
    public void A_day_is_as_long_as_it_is_there(string zone, int year, int month, int day, int hours)
    {
        var calendar = In(zone);
        var noon = new LocalDateTime(year, month, day, 12, 0).InZoneLeniently(calendar.Zone).ToInstant();
        var span = calendar.Bounds(new(WindowKind.Day), noon);
        Assert.Equal(Duration.FromHours(hours), span.End - span.Start);
        Assert.Equal(new LocalDate(year, month, day), span.Start.InZone(calendar.Zone).Date);
    }

    [Fact]
    public void A_half_hour_change_makes_a_day_of_23_and_a_half_hours()
    {
        var calendar = In("Australia/Lord_Howe");
        var span = calendar.Bounds(new(WindowKind.Day), Instant.FromUtc(2026, 10, 4, 0, 0));
        Assert.Equal(Duration.FromMinutes(23 * 60 + 30), span.End - span.Start);
    }

    [Theory]
    [InlineData("Asia/Kathmandu")]
    [InlineData("Asia/Kolkata")]
    [InlineData("Pacific/Chatham")]
    [InlineData("Australia/Eucla")]
    [InlineData("America/St_Johns")]
    public void Hours_start_at_the_full_hour_of_the_wall_clock(string zone)
    {
        var calendar = In(zone);
        var span = calendar.Bounds(new(WindowKind.Hour), Instant.FromUtc(2026, 6, 15, 10, 20));
        Assert.Equal(0, span.Start.InZone(calendar.Zone).Minute);
        Assert.Equal(Duration.FromHours(1), span.End - span.Start);
    }

    [Fact]
    public void The_hour_that_happens_twice_is_two_windows()
    {
        var calendar = In("Europe/Berlin");
        var first = calendar.Bounds(new(WindowKind.Hour), Instant.FromUtc(2026, 10, 25, 0, 30));
        var second = calendar.Bounds(new(WindowKind.Hour), Instant.FromUtc(2026, 10, 25, 1, 30));
        Assert.Equal(first.End, second.Start);
        Assert.Equal(Duration.FromHours(1), first.End - first.Start);
        Assert.Equal(Duration.FromHours(1), second.End - second.Start);
    }

    [Fact]
    public void A_day_that_a_zone_skips_leaves_no_gap()
    {
        // Samoa went from 29 to 31 December 2011.
        var calendar = In("Pacific/Apia");
        var change = Instant.FromUtc(2011, 12, 30, 10, 0);
        var before = calendar.Bounds(new(WindowKind.Day), change - Duration.FromHours(1));
        var after = calendar.Bounds(new(WindowKind.Day), change);
        Assert.Equal(change, before.End);
        Assert.Equal(change, after.Start);
    }

    [Fact]
    public void A_clock_put_back_over_midnight_leaves_no_gap()
    {
        // Newfoundland's clocks went from 00:01 back to 23:01 of the day before.
        var calendar = In("America/St_Johns");
        var change = Instant.FromUtc(2010, 11, 7, 2, 31);
        for (var minutes = -120; minutes < 120; minutes++)
            foreach (var kind in new[] { WindowKind.Minute, WindowKind.Hour, WindowKind.Day, WindowKind.Week })
                CheckPartition(calendar, kind, change + Duration.FromMinutes(minutes), 0);
    }

    [Theory]
    [InlineData(WindowKind.Month, 1, "2026-02-10", "2026-02-01", "2026-03-01")]
    [InlineData(WindowKind.Month, 15, "2026-02-10", "2026-01-15", "2026-02-15")]
    [InlineData(WindowKind.Month, 15, "2026-02-15", "2026-02-15", "2026-03-15")]
    [InlineData(WindowKind.Month, 31, "2026-02-10", "2026-01-31", "2026-02-28")]
    [InlineData(WindowKind.Month, 31, "2026-02-28", "2026-02-28", "2026-03-31")]
    [InlineData(WindowKind.Month, 30, "2028-02-29", "2028-02-29", "2028-03-30")]
    [InlineData(WindowKind.Month, 29, "2026-01-05", "2025-12-29", "2026-01-29")]
    [InlineData(WindowKind.Quarter, 1, "2026-05-20", "2026-04-01", "2026-07-01")]
    [InlineData(WindowKind.Quarter, 15, "2026-04-10", "2026-01-15", "2026-04-15")]
    [InlineData(WindowKind.Quarter, 31, "2026-04-30", "2026-04-30", "2026-07-31")]
    [InlineData(WindowKind.Year, 1, "2026-12-31", "2026-01-01", "2027-01-01")]
    [InlineData(WindowKind.Year, 15, "2026-01-10", "2025-01-15", "2026-01-15")]
    [InlineData(WindowKind.Week, 1, "2026-03-01", "2026-02-23", "2026-03-02")]
    [InlineData(WindowKind.Week, 1, "2026-03-02", "2026-03-02", "2026-03-09")]
    public void Months_quarters_and_years_start_on_the_anchor_day(WindowKind kind, int anchor, string at, string start, string end)
    {
        var span = new Calendar(DateTimeZone.Utc, IsoDayOfWeek.Monday, anchor).Bounds(new(kind), Midnight(at));
        Assert.Equal(new Span(Midnight(start), Midnight(end)), span);
    }

    [Fact]
    public void A_week_starts_on_the_given_day()
    {
        foreach (var start in weekStarts)
            for (var hour = 0; hour < 24 * 14; hour += 5)
            {
                var span = (Calendar.Utc with { WeekStart = start })
                    .Bounds(new(WindowKind.Week), Midnight("2026-02-20") + Duration.FromHours(hour));
                Assert.Equal(start, span.Start.InUtc().DayOfWeek);
                Assert.Equal(Duration.FromDays(7), span.End - span.Start);
            }
    }

    [Theory]
    [InlineData("rolling:P7D", "rolling:P7D")]
    [InlineData("rolling:P2W", "rolling:P14D")]
    [InlineData("rolling:PT90M", "rolling:PT1H30M")]
    [InlineData("rolling:PT1M", "rolling:PT1M")]
    [InlineData("rolling:P400D", "rolling:P400D")]
    [InlineData("rolling:P1DT12H", "rolling:P1DT12H")]
    [InlineData("hour", "hour")]
    [InlineData("lifetime", "lifetime")]
    public void Windows_are_read_and_written(string text, string written)
    {
        Assert.True(Window.TryParse(text, out var window));
        Assert.Equal(written, window.ToString());
        Assert.True(Window.TryParse(written, out var again));
        Assert.Equal(window, again);
        Assert.True(window.IsPossible);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Day")]
    [InlineData("days")]
    [InlineData("rolling")]
    [InlineData("rolling:")]
    [InlineData("rolling:P")]
    [InlineData("rolling:7d")]
    [InlineData("rolling:P1M")]
    [InlineData("rolling:P1Y")]
    [InlineData("rolling:P-1D")]
    [InlineData("rolling:PT59S")]
    [InlineData("rolling:PT90.5S")]
    [InlineData("rolling:P400DT1S")]
    [InlineData("rolling:P999999999999D")]
    [InlineData("rolling:PT99999999999999999H")]
    [InlineData("rolling:P9223372036854775807W")]
    [InlineData("rolling:PT1H\n")]
    [InlineData(null)]
    public void What_is_no_window_is_refused(string? text)
    {
        Assert.False(Window.TryParse(text, out var window));
        Assert.Equal(default, window);
    }

    [Fact]
    public void A_rolling_window_never_lets_through_more_than_the_true_window() => Programs.Same.Check(200, 80, program =>
    {
        var length = Duration.FromSeconds(60 + program[0] % 7200);
        const long most = 100;
        var desk = new Desk { Checks = false };
        desk.Send(
            new SetPolicy(
                new() { Limits = [new() { Id = "roll", Unit = LimitUnit.InputTokens, Window = new(WindowKind.Rolling, length),
                    Amount = most }] }));
        var spent = new List<(Instant At, long Tokens)>();
        foreach (var step in program)
        {
            desk.Now += Duration.FromMilliseconds(step % 11 == 0 ? (long)length.TotalMilliseconds : step % 200_000);
            var tokens = step / 7 % 60;
            if (desk.Send(new Reserve($"h{spent.Count}", new() { InputTokens = tokens })).Status != OutcomeStatus.Done) continue;
            desk.Send(new Settle($"h{spent.Count}", $"u{spent.Count}", new() { InputTokens = tokens }));
            spent.Add((desk.Now, tokens));
            var inside = spent.Where(call => call.At > desk.Now - length).Sum(call => call.Tokens);
            Assert.True(inside <= most, $"{inside} within {length} before {desk.Now}");
        }
    });

    [Fact]
    public void A_rolling_window_is_cut_into_at_most_61_slots()
    {
        foreach (var length in new[] { "rolling:PT1M", "rolling:PT61S", "rolling:P1D", "rolling:P400D" })
        {
            Assert.True(Window.TryParse(length, out var window));
            var at = Instant.FromUtc(2026, 3, 2, 10, 0);
            var starts = new HashSet<Instant>();
            for (var i = 0; i < 1000; i++)
            {
                var call = at - window.Length * i / 999;
                var span = Calendar.Utc.Bounds(window, call);
                Assert.True(span.Contains(at) || call == at - window.Length, $"{length} {i}");
                starts.Add(span.Start);
            }
            Assert.InRange(starts.Count, 60, 61);
        }
    }

    static Calendar In(string zone) => new(DateTimeZoneProviders.Tzdb[zone], IsoDayOfWeek.Monday, 1);

    static Instant Midnight(string date) => NodaTime.Text.LocalDatePattern.Iso.Parse(date).Value.AtMidnight().InUtc().ToInstant();
}
