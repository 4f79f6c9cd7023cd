// What watching over usage costs for each record, on one core: the hours, the statistics and every detector that is on by default.
using System.Diagnostics;
using System.Globalization;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Bench;

public static class HistorySpeed
{
    /// <summary>Longer than anything looks back.</summary>
    const int HoursBefore = 1600;

    static readonly Instant start = Instant.FromUtc(2026, 1, 5, 0, 0);

    public static IEnumerable<Row> Measure(TimeSpan duration)
    {
        foreach (
            var (name, perHour, goal) in new[] { ("a busy account", 1000, "< 1000"),
                ("a rare one, whose every record begins an hour", 1, "< 5000") })
        {
            Speed(perHour, duration / 2);
            yield return new($"anomalies: {name}", "ns", Speed(perHour, duration), Goal: goal);
        }
    }

    static double Speed(int perHour, TimeSpan duration)
    {
        var history = new UsageHistory();
        var (random, version, hour) = (new Random(1), 0L, 0);
        JournalEntry[] Hour(int records)
        {
            hour++;
            return [.. Enumerable.Range(0, records).Select(record =>
            {
                var at = start + Duration.FromHours(hour) + Duration.FromMilliseconds(record);
                var tokens = 500 + random.Next(200) + (hour % 24 * 20);
                var happened = new Recorded(new()
                {
                    Id = string.Create(CultureInfo.InvariantCulture, $"u{version}"), At = at, BookedAt = at,
                        Amounts = new(tokens, tokens, 0, tokens * 1000, 1),
                    Usage = new() { Dimensions = new() { Model = "gpt-5" }, InputTokens = tokens, DurationMs = 1000 },
                }, []) { At = at };
                return new JournalEntry("a", ++version, at, [happened]);
            })];
        }

        while (hour < HoursBefore)
            foreach (var entry in Hour(1)) history.Advance(entry);
        var (counted, elapsed) = (0L, TimeSpan.Zero);
        while (elapsed < duration)
        {
            var entries = Enumerable.Range(0, Math.Max(1, 1000 / perHour)).SelectMany(_ => Hour(perHour)).ToArray();
            var clock = Stopwatch.StartNew();
            foreach (var entry in entries) history.Advance(entry);
            elapsed += clock.Elapsed;
            counted += entries.Length;
        }
        return elapsed.TotalNanoseconds / counted;
    }
}
