// The default detector on series made here, whose anomalies are known: what it must find, and how seldom it may cry wolf.
using System.Text.Json;
using Purser.Core.Statistics;
using Xunit.Abstractions;

namespace Purser.Core.Tests.Statistics;

public sealed class SeasonalDetectorTests(ITestOutputHelper output)
{
    const int Hours = 8 * 168;
    const int WarmUp = 168;

    /// <summary>A made series: hourly values, and the hours at which something happened.</summary>
    sealed record Made(string Name, bool IsCount, double[] Values, (int From, int To)[] Anomalies);

    [Fact]
    public void Made_series_are_judged_as_well_as_when_the_detector_was_chosen()
    {
        var (hits, windows, falseAlarms, warm, weeks) = (0, 0, 0, 0, 0.0);
        foreach (var series in MadeSeries())
        {
            var alarms = AlarmsOf(series);
            // For all that is known in the first night, its batch runs away.
            warm += alarms.Count(hour => hour < WarmUp && !(hour == 3 && series.Name == "nightly batch"));
            windows += series.Anomalies.Length;
            var hit = series.Anomalies.Count(window => alarms.Any(hour => hour >= window.From && hour <= window.To + 2));
            var wrong = alarms.Count(hour => hour >= WarmUp && !series.Anomalies.Any(window => hour >= window.From - 1 && hour <= window.To
                + 2));
            output.WriteLine($"{series.Name}: {hit}/{series.Anomalies.Length} found, {wrong} false alarms, in the warm-up at "
                + string.Join(' ', alarms.Where(hour => hour < WarmUp)));
            (hits, falseAlarms, weeks) = (hits + hit, falseAlarms + wrong, weeks + (Hours - WarmUp) / 168.0);
        }
        var (precision, recall) = ((double)hits / (hits + falseAlarms), (double)hits / windows);
        var f1 = 2 * precision * recall / (precision + recall);
        output.WriteLine(
            $"F1 {f1:0.00}, {hits}/{windows} found, {falseAlarms / weeks:0.00} false alarms a series and week, {warm} alarms in the "
                + $"warm-up");
        Assert.True(f1 >= 0.8, $"F1 is {f1:0.00}");
        Assert.True(falseAlarms / weeks <= 0.3, $"{falseAlarms} false alarms in {weeks} weeks");
        Assert.True(warm <= 3, $"{warm} alarms in the warm-up");
    }

    /// <summary>The kinds of usage that accounts have: office hours, around the clock, seldom, bursts, growth; each with three
    /// events.</summary>
    static IEnumerable<Made> MadeSeries()
    {
        var shapes = new (string Name, bool IsCount, Func<int, double> Usual, double Noise)[]
        {
            ("office hours", true, hour => hour / 24 % 7 < 5 && hour % 24 is >= 8 and < 18 ? 40_000 : 1_500, 0.2),
            ("around the clock", true, hour => 10_000 + 4_000 * Math.Sin(hour % 24 / 24.0 * 2 * Math.PI), 0.1),
            ("a few calls", true, hour => hour % 24 is >= 7 and < 22 ? 4 : 0.3, 0),
            ("nightly batch", true, hour => hour % 24 == 3 ? 500_000 : 200, 0.15),
            ("growth", true, hour => (5_000 + 8.0 * hour) * (hour % 24 is >= 8 and < 20 ? 1 : 0.3), 0.15),
            ("heavy tails", true, _ => 3_000, 0.8),
            ("latency", false, hour => 250 + 60 * Math.Sin(hour % 24 / 24.0 * 2 * Math.PI), 0.08),
        };
        for (var shape = 0; shape < shapes.Length; shape++)
        {
            var (name, isCount, usual, noise) = shapes[shape];
            var random = new MadeNumbers(17 + shape);
            var values = Enumerable.Range(0, Hours).Select(hour => noise == 0
                ? random.Poisson(usual(hour)) : usual(hour) * Math.Exp(noise * random.Normal() - noise * noise / 2)).ToArray();
            var peak = values.Order().ElementAt((int)(0.95 * Hours));
            // A runaway, an outage (of what is used by day), and hours of use when there is none.
            (int From, int To)[] events = [(2 * 168 + 62, 2 * 168 + 64), (4 * 168 + 33, 4 * 168 + 42),
                (6 * 168 + 5 * 24 + 1, 6 * 168 + 5 * 24 + 4)];
            for (var hour = events[0].From; hour <= events[0].To; hour++) values[hour] = 6 * peak;
            for (var hour = events[1].From; hour <= events[1].To; hour++) values[hour] = 0;
            for (var hour = events[2].From; hour <= events[2].To; hour++) values[hour] = 3 * peak;
            yield return new(name, isCount, values, name is "nightly batch" or "a few calls" ? [events[0], events[2]] : events);
        }
    }

    static List<int> AlarmsOf(Made series)
    {
        var alarms = new List<int>();
        var detector = new SeasonalDetector { IsCount = series.IsCount };
        for (var hour = 0; hour < series.Values.Length; hour++)
            if (detector.Take(Look(detector, series.Values, hour), series.Values[hour]).IsAlarm) alarms.Add(hour);
        return alarms;
    }

    /// <summary>Hours are counted from one that is not the first of all time.</summary>
    static Outlook Look(SeasonalDetector detector, double[] values, int hour) =>
        detector.Look(Epoch + hour, past => past >= Epoch && past < Epoch + hour ? values[past - Epoch] : double.NaN);

    const long Epoch = 400_000;

    [Fact]
    public void A_series_that_never_changes_never_alarms()
    {
        Assert.Empty(AlarmsOf(new("flat", true, [.. Enumerable.Repeat(100.0, Hours)], [])));
        Assert.Empty(AlarmsOf(new("nothing", true, new double[Hours], [])));
    }

    [Fact]
    public void Every_severity_can_be_reached_by_rises_and_by_drops()
    {
        var series = MadeSeries().Single(series => series.Name == "around the clock");
        var detector = new SeasonalDetector { IsCount = true };
        const int quietWeek = 3 * 168;
        for (var hour = 0; hour < quietWeek; hour++)
            if (hour is < 2 * 168 + 60 or > 2 * 168 + 66) detector.Take(Look(detector, series.Values, hour), series.Values[hour]);
        var outlook = Look(detector, series.Values, quietWeek);
        var limit = detector.LimitAt(outlook.Hour);
        var rises = Enumerable.Range(0, 400)
            .Select(step => Deviations.SeverityOf(detector.Grade(outlook, outlook.Expected!.Value * Math.Pow(1.02, step)), limit));
        Assert.Equal([null, Severity.Medium, Severity.High, Severity.Critical], rises.Distinct().Order());
        Assert.Equal(Severity.Critical, Deviations.SeverityOfDrop(detector.Grade(outlook, 0), limit, 0));
    }

    [Fact]
    public void What_is_kept_does_not_grow_and_is_the_same_after_it_was_stored()
    {
        var series = MadeSeries().Single(series => series.Name == "heavy tails");
        var (detector, kept) = (new SeasonalDetector { IsCount = true }, new SeasonalDetector { IsCount = true });
        var sizes = new List<int>();
        for (var hour = 0; hour < 20 * Hours; hour++)
        {
            var value = series.Values[hour % Hours];
            var values = series.Values;
            HourlyPast past = back => back >= Epoch && back < Epoch + hour ? values[(back - Epoch) % Hours] : double.NaN;
            var verdict = detector.Take(detector.Look(Epoch + hour, past), value);
            Assert.Equal(verdict, kept.Take(kept.Look(Epoch + hour, past), value));
            if (hour % Hours != 0) continue;
            var json = JsonSerializer.Serialize(kept);
            sizes.Add(json.Length);
            kept = JsonSerializer.Deserialize<SeasonalDetector>(json)!;
        }
        Assert.InRange(sizes.Max(), 1, 4_000);
        Assert.InRange(sizes[^1], 1, sizes[4] * 1.1);
    }

    [Fact]
    public void An_alarm_makes_the_next_one_harder_for_a_while()
    {
        var series = MadeSeries().Single(series => series.Name == "around the clock");
        var detector = new SeasonalDetector { IsCount = true };
        for (var hour = 0; hour < 2 * 168; hour++) detector.Take(Look(detector, series.Values, hour), series.Values[hour]);
        var before = detector.LimitAt(Epoch + 2 * 168);
        Assert.True(detector.Take(Look(detector, series.Values, 2 * 168), 1e7).IsAlarm);
        var after = detector.LimitAt(Epoch + 2 * 168);
        Assert.True(after > before + 0.1);
        Assert.True(detector.LimitAt(Epoch + 2 * 168 + 24 * 60) < before + 0.05);
        // The same event goes on: it was told.
        Assert.False(detector.Take(Look(detector, series.Values, 2 * 168 + 1), 1e7).IsAlarm);
    }
}
