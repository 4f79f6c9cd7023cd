// What is found in an account does not depend on the order in which its records were booked: histories of every length, imported in any
// permutation, late by hours or by days, or half live and half imported.
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class OrderOfRecordsTests
{
    static readonly Instant start = Instant.FromUtc(2026, 1, 5, 0, 0);

    /// <summary>One call of an account's past, and the minute in which it is booked.</summary>
    sealed record Call(long Minute, long Tokens, long Nanos, bool Success, string Model)
    {
        public long Booked { get; init; } = Minute;
    }

    /// <summary>Detectors that look at whole hours: these are judged again for weeks. The others look at minutes and single calls, which
    /// are known for two days.</summary>
    static readonly string[] hourly = ["seasonal", "zscore", "ratio", "errorRate", "newModel"];

    /// <summary>Days of an account: office hours or not, at any scale, with an outage, a runaway, failures, a burst, models of every
    /// age.</summary>
    static Call[] Past(Random random, int days)
    {
        var scale = Math.Pow(10, random.Next(6));
        var hours = days * 24;
        var (outage, runaway, failures, burst) = (random.Next(hours), random.Next(hours), random.Next(hours), random.Next(hours));
        var (times, length, busy) = (Math.Pow(10, random.Next(4)), random.Next(1, 40), random.Next(1, 4));
        var office = random.Next(2) == 0;
        var calls = new List<Call>();
        for (var hour = 0; hour < hours; hour++)
        {
            if (hour >= outage && hour < outage + length) continue;
            var most = hour == burst ? 40 : office && hour % 24 is < 8 or >= 20 ? 1 : busy + 1;
            var high = hour >= runaway && hour < runaway + length ? times : 1;
            for (var i = random.Next(most); i >= 0; i--)
                calls.Add(new(hour * 60 + (hour == burst ? 7 : random.Next(60)), (long)(scale * high * (5 + random.NextDouble())),
                    (long)(1e6 * high * scale), !(hour >= failures && hour < failures + length) && random.Next(40) > 0,
                    random.Next(300) == 0 ? $"rare-{random.Next(3)}" : "usual"));
        }
        return [.. calls];
    }

    static readonly EffectivePolicy limits = EffectivePolicy.None with
    {
        Limits =
        [
            new(1, new() { Id = "daily", Unit = LimitUnit.Cost, Window = new(WindowKind.Day), Amount = 2 * Money.NanosPerUnit }),
            new(2, new() { Id = "weekly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Week), Amount = 100_000 }),
        ],
    };

    static UsageHistory HistoryOf(IEnumerable<Call> calls, IReadOnlyList<string> detectors)
    {
        var history = new UsageHistory();
        var version = 0L;
        history.Watch.Adopt(limits with { Anomalies = new() { Detectors = detectors } });
        foreach (var call in calls)
        {
            var booked = start + Duration.FromMinutes(call.Booked);
            var record = new UsageRecord
            {
                Id = $"u{version}", At = start + Duration.FromMinutes(call.Minute), BookedAt = booked,
                Usage = new() { Success = call.Success, Dimensions = new() { Model = call.Model } },
                Amounts = new(call.Tokens, call.Tokens, 0, call.Nanos, 1),
            };
            history.Advance(new JournalEntry("a", ++version, booked, [new Recorded(record, []) { At = booked }]));
        }
        return history;
    }

    /// <summary>What holds, without when, and after how many others, it was told.</summary>
    static List<string> FindsOf(IEnumerable<Call> calls, IReadOnlyList<string>? detectors = null) =>
    [
        .. HistoryOf(calls, detectors ?? AnomalySettings.AllDetectors).View().Anomalies.Where(found => found.WithdrawnAt is null)
            .Select(found => (found with { No = 0, FoundAt = default }).ToString()).Order(StringComparer.Ordinal),
    ];

    static void Same(List<string> expected, List<string> found, string which) =>
        Assert.True(expected.SequenceEqual(found), $"""
            {which}: other finds.
            Missing: {string.Join("\n  ", expected.Except(found).Take(5))}
            Too many: {string.Join("\n  ", found.Except(expected).Take(5))}
            """);

    static Call[] Permuted(IEnumerable<Call> calls, Random random)
    {
        var all = calls.ToArray();
        random.Shuffle(all);
        return all;
    }

    /// <summary>As they are booked; of those that are booked in the same minute in any order.</summary>
    static Call[] AsBooked(IEnumerable<Call> calls, Random random) => [.. Permuted(calls, random).OrderBy(call => call.Booked)];

    static void ForPasts(int first, int count, int mostDays, Action<Random, Call[], string> holds)
    {
        for (var seed = first; seed < first + count; seed++)
        {
            var random = new Random(seed);
            var days = random.Next(1, mostDays + 1);
            var calls = Past(random, days);
            if (calls.Length > 0) holds(random, [.. calls.OrderBy(call => call.Minute)], $"seed {seed}, {days} days");
        }
    }

    [Theory]
    [InlineData(1, 12, 20)]
    [InlineData(101, 8, 62)]
    [InlineData(201, 5, 200)]
    public void Any_permutation_of_an_import_gives_the_same_finds(int first, int count, int mostDays) =>
        ForPasts(first, count, mostDays, (random, calls, which) =>
        {
            var at = calls[^1].Minute + random.Next(3) * 50;
            var imported = Array.ConvertAll(calls, call => call with { Booked = at });
            var inOrder = FindsOf(imported);
            Same(inOrder, FindsOf(imported.Reverse()), which + ", newest first");
            Same(inOrder, FindsOf(Permuted(imported, random)), which + ", shuffled");
            // Days in any order, each of them in its own.
            var byDay = imported.GroupBy(call => call.Minute / 1440).ToArray();
            random.Shuffle(byDay);
            Same(inOrder, FindsOf(byDay.SelectMany(day => day)), which + ", day by day");
        });

    /// <summary>The clocks of both end at the same hour: with the newest call, in time.</summary>
    static Call[] WithTheLastInTime(Call[] calls) => [.. calls[..^1].Where(call => call.Booked <= calls[^1].Minute),
        calls[^1] with { Booked = calls[^1].Minute }];

    [Theory]
    [InlineData(301, 12, 20)]
    [InlineData(401, 6, 150)]
    public void Calls_that_come_late_by_hours_give_the_finds_that_they_would_have_given_in_time(int first, int count, int mostDays) =>
        ForPasts(first, count, mostDays, (random, calls, which) =>
        {
            var late = WithTheLastInTime(Array.ConvertAll(calls, call => call with
            {
                Booked = call.Minute + (random.Next(4) == 0 ? random.Next((RecentUse.HoursInDetail - 1) * 60) : 0),
            }));
            Same(FindsOf(late.Select(call => call with { Booked = call.Minute })), FindsOf(AsBooked(late, random)), which);
        });

    /// <summary>Single calls, and whole days, that are booked up to two weeks later.</summary>
    [Theory]
    [InlineData(501, 12, 40)]
    [InlineData(601, 6, 150)]
    public void Hours_are_judged_as_they_are_however_late_in_two_weeks_they_became_so(int first, int count, int mostDays) =>
        ForPasts(first, count, mostDays, (random, calls, which) =>
        {
            var lateDays = Enumerable.Range(0, mostDays).Select(_ => random.Next(4) == 0 ? random.Next(13 * 1440) : 0).ToArray();
            var late = WithTheLastInTime(Array.ConvertAll(calls, call => call with
            {
                Booked = call.Minute + Math.Max(lateDays[call.Minute / 1440], random.Next(10) == 0 ? random.Next(13 * 1440) : 0),
            }));
            Same(FindsOf(late.Select(call => call with { Booked = call.Minute }), hourly), FindsOf(AsBooked(late, random), hourly), which);
        });

    /// <summary>An account that is in use already when its past is imported, in any order, before, after and between its calls.</summary>
    [Theory]
    [InlineData(701, 12, 50)]
    public void A_past_that_is_imported_into_an_account_in_use_is_one_with_what_follows(int first, int count, int mostDays) =>
        ForPasts(first, count, mostDays, (random, calls, which) =>
        {
            var from = random.Next(calls.Length);
            var (past, live) = (calls[..from], calls[from..]);
            var at = live[random.Next(live.Length)].Minute;
            var together = Array.ConvertAll(past, call => call with { Booked = at }).Concat(live).ToArray();
            Same(FindsOf(calls, hourly), FindsOf(AsBooked(together, random), hourly), which);
        });
}
