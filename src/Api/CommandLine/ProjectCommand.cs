// `project`: totals of weeks and months of series in files, from what was known at a moment inside them.
using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.Core.Statistics;
using Spectre.Console;

namespace Purser.Api;

static class ProjectCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var tasks = new Argument<string>("TASKS") { Description = "A CSV with the columns `series,window,start,end,cut`." };
        CommandLine.NotAnOption(tasks);
        var folder = new Option<string?>(
            "--series") { Description = "Where the series are, as NAME.csv or NAME.csv.gz; the folder of TASKS where it is not given.",
                HelpName = "FOLDER" };
        var command = new Command(
            "project",
                "Print `series,window,start,cut,point,low,high`: the total of each window with an 80 % interval, from the rows before "
                    + "the cut.") { tasks, folder };
        var screen = new OperationScreen(console);
        screen.Runs(command, (parsed, cancellation) =>
        {
            var path = parsed.GetValue(tasks)!;
            var from = parsed.GetValue(folder) ?? Path.GetDirectoryName(Path.GetFullPath(path))!;
            var known = new Dictionary<string, Totals>();
            var items = new JsonArray();
            if (!screen.Json) screen.Say("series,window,start,cut,point,low,high");
            var line = 0;
            foreach (var text in File.ReadLines(path))
            {
                cancellation.ThrowIfCancellationRequested();
                line++;
                if (text.Length == 0 || (line == 1 && text.StartsWith("series,", StringComparison.Ordinal))) continue;
                if (text.Split(',') is not [var name, var window, var start, var end, var cut] || Time(start) is not { } a
                    || Time(end) is not { } b || Time(cut) is not { } c)
                    throw new InvalidDataException($"{path}: line {line} is not `series,window,start,end,cut`");
                if (!known.TryGetValue(name, out var totals)) known[name] = totals = new(SeriesFile.Read(Find(from, name)));
                var (point, low, high) = totals.Project(a, b, c);
                if (!screen.Json)
                    screen.Say(string.Create(CultureInfo.InvariantCulture, $"{name},{window},{start},{cut},{point:R},{low:R},{high:R}"));
                else
                    items.Add((JsonNode)new JsonObject
                    {
                        ["series"] = name, ["window"] = window, ["start"] = start, ["cut"] = cut, ["point"] = point, ["low"] = low,
                        ["high"] = high,
                    });
            }
            return Task.FromResult(screen.Json ? screen.Print(new JsonObject { ["items"] = items }) : ExitCodes.Done);
        });
        return command;
    }

    static DateTimeOffset? Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var at) ? at : null;

    static string Find(string folder, string name)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny('/', '\\'))
            throw new InvalidDataException($"'{name}' is not the name of a series");
        var plain = Path.Combine(folder, name + ".csv");
        return File.Exists(plain) ? plain : plain + ".gz";
    }

    /// <summary>A series by hours, and its sums of rows.</summary>
    sealed class Totals
    {
        readonly long[] times;
        readonly double[] sums;
        readonly Dictionary<long, (double Value, int Rows)> hours = [];
        readonly long spacing;

        public Totals(SeriesFile series)
        {
            times = [.. series.Rows.Select(row => row.At.ToUnixTimeSeconds())];
            sums = new double[times.Length + 1];
            spacing = series.SpacingSeconds;
            for (var i = 0; i < times.Length; i++)
            {
                sums[i + 1] = sums[i] + series.Rows[i].Value;
                var (value, rows) = hours.GetValueOrDefault(times[i] / 3600);
                hours[times[i] / 3600] = (value + series.Rows[i].Value, rows + 1);
            }
        }

        /// <summary>The first row that is not before a time; some times come twice.</summary>
        int Index(long time) => Sorted.First(times.Length, (times, time), static (asked, i) => asked.times[i] >= asked.time);

        public (double Point, double Low, double High) Project(DateTimeOffset start, DateTimeOffset end, DateTimeOffset cut)
        {
            var (from, to, now) = (start.ToUnixTimeSeconds(), end.ToUnixTimeSeconds(), cut.ToUnixTimeSeconds());
            var elapsed = sums[Index(now)] - sums[Index(from)];
            var current = now / 3600;
            var rowsPerHour = Math.Max(1, 3600 / spacing);
            // A few rows of an hour may be missing: what is there stands for it.
            double Past(long hour) => hour < current && hours.TryGetValue(hour, out var known) && 2 * known.Rows > rowsPerHour
                ? known.Value * rowsPerHour / Math.Min(known.Rows, rowsPerHour) : double.NaN;
            if (Projection.Rest(Past, times[0] / 3600, now / 3600.0, to / 3600.0) is { } rest)
                return (elapsed + rest.Point, elapsed + rest.Low, elapsed + rest.High);
            // Too little is known for a shape: the elapsed part, extended.
            var whole = now > from ? elapsed * (to - from) / (now - from) : 0;
            return (whole, elapsed + (whole - elapsed) / 2, elapsed + (whole - elapsed) * 2);
        }
    }
}
