// `detect`: what the default detector says of series in files.
using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.Core.Statistics;
using Spectre.Console;

namespace Purser.Api;

static class DetectCommand
{
    /// <summary>A score of this is the shipped limit.</summary>
    const double LimitScore = 0.5;

    /// <summary>For hours that would be alarms if their event had not been told already.</summary>
    const double JustBelow = 0.499;

    public static Command Build(IAnsiConsole console)
    {
        var files = new Argument<string[]>("FILES")
        {
            Description =
                "CSV files with the columns `timestamp,value`, also gzipped. A `labels.json` beside them may say that a series is a "
                    + "`level` instead of a `count`.",
            Arity = ArgumentArity.OneOrMore,
        };
        CommandLine.NotAnOption(files);
        var limit = new Option<double>("--limit")
        {
            Description = "The threshold `seasonal`: evidence that makes an alarm.", HelpName = "EVIDENCE",
            DefaultValueFactory = _ => SeasonalDetector.BaseLimit,
        };
        var command = new Command(
            "detect",
                "Print `series,timestamp,score` for every hour of usage series; 0.5 and above is an anomaly of the default "
                    + "detector.") { files, limit };
        var screen = new OperationScreen(console);
        screen.Runs(command, (parsed, cancellation) =>
        {
            var items = new JsonArray();
            if (!screen.Json) screen.Say("series,timestamp,score");
            foreach (var file in parsed.GetValue(files)!)
            {
                cancellation.ThrowIfCancellationRequested();
                var series = SeriesFile.Read(file);
                foreach (var (at, score) in Scores(series, parsed.GetValue(limit)))
                    if (!screen.Json)
                        screen.Say(
                            string.Create(CultureInfo.InvariantCulture, $"{series.Name},{at:yyyy-MM-dd'T'HH:mm:ss'Z'},{score:0.####}"));
                    else
                        items.Add((JsonNode)new JsonObject
                        {
                            ["series"] = series.Name,
                            ["timestamp"] = at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                            ["score"] = Math.Round(score, 4),
                        });
            }
            return Task.FromResult(screen.Json ? screen.Print(new JsonObject { ["items"] = items }) : ExitCodes.Done);
        });
        return command;
    }

    /// <summary>Each complete hour, at the row that showed that it was complete. Where rows are closer than hours, the highest of an hour
    /// is looked at as the busiest minutes of accounts are.</summary>
    internal static IEnumerable<(DateTimeOffset At, double Score)> Scores(SeriesFile series, double limit = SeasonalDetector.BaseLimit)
    {
        var detector = new SeasonalDetector { IsCount = series.IsCount };
        var bursts = new BurstWatch();
        var hours = new Dictionary<long, double>();
        var isFine = series.SpacingSeconds < SecondsPerHour;
        foreach (var (hour, value, most, row) in series.Hours())
        {
            var verdict = detector.Take(detector.Look(hour, back => hours.TryGetValue(back, out var known) ? known : double.NaN), value,
                limit);
            hours[hour] = value;
            hours.Remove(hour - SeasonalDetector.HoursOfPast - 1);
            var score = verdict.Grade / verdict.Limit * LimitScore;
            var isAlarm = verdict.IsAlarm;
            if (isFine)
            {
                var outlook = bursts.Look(hour, series.IsCount, limit);
                // An hour that is too much as a whole is told as such.
                var told = detector.Rise.IsOpen(hour, SeasonalDetector.QuietHours) ? 0 : bursts.RankOf(outlook, hour, most, BurstFactor);
                bursts.Take(hour, most, told);
                isAlarm |= told > 0;
                if (outlook.IsKnown) score = Math.Max(score, outlook.Evidence(most) / outlook.Limit * LimitScore);
            }
            yield return (series.Rows[row].At, isAlarm ? Math.Min(1, Math.Max(LimitScore, score)) : Math.Min(JustBelow, score));
        }
    }

    const long SecondsPerHour = 3600;

    static readonly double BurstFactor = (double)AnomalySettings.UsualThresholds["burst"];
}
