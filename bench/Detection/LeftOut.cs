// `./run bench detection FOLDER`: how well the detectors judge labelled series, with the constants that are shipped, and with constants
// that were chosen without the series that are judged: nested choice over groups, data sets and sources that are left out whole.
using System.Globalization;
using Purser.Core.Statistics;

namespace Purser.Bench;

static class LeftOut
{
    /// <summary>The groups that count; others are told beside them.</summary>
    static readonly string[] headline = ["requests", "errors", "host", "ads", "traffic", "latency"];

    const int Settings = 300;

    public static int Run(TextWriter output, string folder)
    {
        var series = LabelledSeries.Read(folder);
        var counting = series.Where(one => headline.Contains(one.Group)).ToList();
        if (counting.Count == 0)
            throw new InvalidDataException($"{folder} has no labelled series of the groups {string.Join(", ", headline)}");
        var shipped = series.ToDictionary(one => one, one => one.Score(one.Flags(DetectorConstants.Shipped)));
        var tried = Choices().Select(constants => counting.ToDictionary(one => one, one => one.Score(one.Flags(constants)))).ToList();
        var byGroup = Chosen(counting, tried, one => one.Group);

        output.WriteLine(
            "| group | found | recall | precision | F1 | F1 with constants of the other groups | false alarms a series and week |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var group in headline.Where(group => counting.Any(one => one.Group == group)))
            output.WriteLine(Line(group, Sum(counting, shipped, group), byGroup[group]));
        output.WriteLine(Line("**together**", Sum(counting, shipped, null), Sum(byGroup.Values)));
        foreach (var other in series.Select(one => one.Group).Distinct().Except(headline).Order(StringComparer.Ordinal))
            output.WriteLine(Line($"{other} (not counted)", Sum(series, shipped, other), null));

        output.WriteLine();
        output.WriteLine("| left out whole, in turn | F1 | recall | precision | false alarms a series and week | standard score |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- |");
        output.WriteLine(Line("nothing: as shipped", Sum(counting, shipped, null)));
        output.WriteLine(Line("the groups", Sum(byGroup.Values)));
        output.WriteLine(Line("the data sets", Sum(Chosen(counting, tried, one => one.Dataset).Values)));
        output.WriteLine(Line("the sources", Sum(Chosen(counting, tried, one => one.Source).Values)));
        var scores = tried.Select(one => Sum(one.Values).F1).Order().ToList();
        output.WriteLine(
            Line("all: a random setting, the middle one", Sum(tried.OrderBy(one => Sum(one.Values).F1).ElementAt(Settings / 2).Values)));
        output.WriteLine();
        output.WriteLine(Text($"{Settings} settings of {Grid.Count} constants; F1 over all series {scores[0]:0.00} to {scores[^1]:0.00}."));
        output.WriteLine(Text($"Standard score of all files of its benchmark, as shipped: {Sum(shipped.Values).Standard:0.0}."));
        return 0;
    }

    static readonly Dictionary<string, double[]> Grid = new()
    {
        ["Limit"] = [1.75, 2, 2.25, 2.5, 2.75, 3], ["MoreForBursts"] = [0, 0.125, 0.25, 0.375, 0.5, 1],
        ["LimitPerAlarm"] = [0, 0.0625, 0.125, 0.25, 0.4], ["PressureKept"] = [0.85, 0.9, 0.95], ["PressureNeeds"] = [0.75, 1, 1.25, 1.5],
        ["MostPerHour"] = [1.5, 2, 3], ["PeakFactor"] = [4, 6, 8], ["ClippedGrade"] = [3, 3.5, 4, 5],
    };

    /// <summary>The same in every run.</summary>
    static IEnumerable<DetectorConstants> Choices()
    {
#pragma warning disable CA5394 // Nothing secret.
        var random = new Random(1);
        double Of(string name) => Grid[name][random.Next(Grid[name].Length)];
#pragma warning restore CA5394
        for (var i = 0; i < Settings; i++)
            yield return new()
            {
                Limit = Of("Limit"), MoreForBursts = Of("MoreForBursts"), LimitPerAlarm = Of("LimitPerAlarm"),
                PressureKept = Of("PressureKept"), PressureNeeds = Of("PressureNeeds"), MostPerHour = Of("MostPerHour"),
                PeakFactor = Of("PeakFactor"), ClippedGrade = Of("ClippedGrade"),
            };
    }

    /// <summary>Each part judged by the setting that has the best F1 on all others.</summary>
    static Dictionary<string, DetectionScore> Chosen(
        List<LabelledSeries> series, List<Dictionary<LabelledSeries, DetectionScore>> tried, Func<LabelledSeries, string> partOf) =>
        series.Select(partOf).Distinct().ToDictionary(part => part, part =>
        {
            var best = tried.MaxBy(scores => Sum(series.Where(one => partOf(one) != part).Select(one => scores[one])).F1)!;
            return Sum(series.Where(one => partOf(one) == part).Select(one => best[one]));
        });

    static DetectionScore Sum(IEnumerable<DetectionScore> scores) => scores.Aggregate(default(DetectionScore), (sum, one) => sum + one);

    static DetectionScore Sum(List<LabelledSeries> series, Dictionary<LabelledSeries, DetectionScore> scores, string? group) =>
        Sum(series.Where(one => group is null || one.Group == group).Select(one => scores[one]));

    static string Line(string name, DetectionScore fitted, DetectionScore? chosen) => Text(
        $"| {name} | {fitted.Found} of {fitted.Windows} | {fitted.Recall:0.00} | {fitted.Precision:0.00} | {fitted.F1:0.00} | ")
        + (chosen is { } one ? Text($"{one.F1:0.00}") : "") + Text($" | {fitted.FalsePerWeek:0.00} |");

    static string Line(string name, DetectionScore score) => Text(
        $"| {name} | {score.F1:0.00} | {score.Recall:0.00} | {score.Precision:0.00} | {score.FalsePerWeek:0.00} | {score.Standard:0.0} |");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
