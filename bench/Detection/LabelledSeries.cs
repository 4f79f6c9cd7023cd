// A public series with labelled anomalies, and how a detector's flags on it are scored: windows found, false alarms, and the score of the
// Numenta Anomaly Benchmark.
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Bench;

/// <summary>An hour of a series: its value, its highest row, and the row that showed that it was over.</summary>
readonly record struct LabelledHour(long Hour, double Value, double Most, int Row);

/// <summary>What flags came to. <see cref="Points"/> and <see cref="PointWindows"/> are those of the Numenta Anomaly Benchmark.</summary>
readonly record struct DetectionScore(int Windows, int Found, int False, double Weeks, double Points, int PointWindows)
{
    public double Recall => Windows == 0 ? 0 : (double)Found / Windows;
    public double Precision => Found + False == 0 ? 0 : (double)Found / (Found + False);
    public double F1 => Found == 0 ? 0 : 2.0 * Found / (Found + False + Windows);
    public double FalsePerWeek => Weeks > 0 ? False / Weeks : 0;

    /// <summary>0: nothing was flagged; 100: every window at its first row, and nothing else.</summary>
    public double Standard => PointWindows == 0 ? 0 : 100 * Points / (2 * PointWindows);

    public static DetectionScore operator +(DetectionScore a, DetectionScore b) => new(a.Windows + b.Windows, a.Found + b.Found,
        a.False + b.False, a.Weeks + b.Weeks, a.Points + b.Points, a.PointWindows + b.PointWindows);
}

sealed class LabelledSeries
{
    const long Hour = 3600, Day = 24 * Hour, Week = 7 * Day;

    /// <summary>Rows at the beginning in which nothing counts: a share of all, so many, or a week.</summary>
    const double WarmUpShare = 0.15;
    const int MostWarmUpRows = 750, MostProbation = 5000;

    readonly long[] times;
    readonly double[] values;
    readonly (long From, long To)[] windows;
    readonly int warm;

    /// <summary>Of each row: 0 outside, -1 counts for nothing, else the number of its window.</summary>
    readonly int[] states;
    readonly int counted;

    LabelledSeries(string name, JsonElement labels, long[] times, double[] values)
    {
        (Name, this.times, this.values) = (name, times, values);
        Group = labels.GetProperty("group").GetString()!;
        IsCount = labels.GetProperty("kind").ValueEquals("count");
        Spacing = labels.GetProperty("periodSeconds").GetInt64();
        IsOfNumenta = labels.TryGetProperty("nab", out var nab) && nab.ValueKind == JsonValueKind.String;
        var source = labels.GetProperty("source").GetString()!;
        Source = source.Split(',')[0];
        Dataset = source.Split('/') is { Length: > 2 } parts ? parts[1] : Source;
        windows = SpansOf(labels.GetProperty("windows"));
        warm = Math.Min(Math.Min((int)(WarmUpShare * times.Length), MostWarmUpRows), Before(times[0] + Week));
        (states, counted) = StatesOf(SpansOf(labels.GetProperty("ignore")));
        Hours = [.. HoursOf()];
    }

    public string Name { get; }
    public string Group { get; }
    public bool IsCount { get; }
    public long Spacing { get; }
    public bool IsOfNumenta { get; }

    /// <summary>Who published it, and the folder of that publication that it is in.</summary>
    public string Source { get; }
    public string Dataset { get; }

    public IReadOnlyList<LabelledHour> Hours { get; }

    /// <summary>The labelled ones of a folder with a `labels.json`.</summary>
    public static List<LabelledSeries> Read(string folder)
    {
        using var labels = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "labels.json")));
        var all = new List<LabelledSeries>();
        foreach (var series in labels.RootElement.GetProperty("series").EnumerateObject())
            if (series.Value.GetProperty("labelled").GetBoolean())
                all.Add(Read(Path.Combine(folder, series.Value.GetProperty("file").GetString()!), series.Name, series.Value));
        return all;
    }

    static LabelledSeries Read(string path, string name, JsonElement labels)
    {
        using var file = File.OpenRead(path);
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress) : file);
        var (times, values) = (new List<long>(), new List<double>());
        reader.ReadLine();
        while (reader.ReadLine() is { Length: > 0 } line)
        {
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            times.Add(Seconds(line[..comma]));
            values.Add(double.Parse(line.AsSpan(comma + 1), CultureInfo.InvariantCulture));
        }
        return new(name, labels, [.. times], [.. values]);
    }

    static long Seconds(string time) => DateTimeOffset.Parse(time, CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal).ToUnixTimeSeconds();

    static (long, long)[] SpansOf(JsonElement spans) =>
        [.. spans.EnumerateArray().Select(span => (Seconds(span[0].GetString()!), Seconds(span[1].GetString()!)))];

    /// <summary>How many rows are before a time.</summary>
    int Before(long time) => Sorted.First(times.Length, (times, time), static (asked, i) => asked.times[i] >= asked.time);

    (int[] States, int Counted) StatesOf((long From, long To)[] ignored)
    {
        var all = new int[times.Length];
        foreach (var (from, to) in ignored) Array.Fill(all, -1, Before(from), Before(to + 1) - Before(from));
        var kept = new List<(int From, int To)>();
        foreach (var window in windows)
        {
            var (from, to) = (Before(window.From), Before(window.To + 1));
            // A row before, and two after, a window are neither right nor wrong.
            foreach (var row in (int[])[from - 1, to, to + 1])
                if (row >= 0 && row < all.Length && all[row] == 0) all[row] = -1;
            if (from < warm) Array.Fill(all, -1, from, to - from);
            else kept.Add((from, to));
        }
        for (var i = 0; i < kept.Count; i++) Array.Fill(all, i + 1, kept[i].From, kept[i].To - kept[i].From);
        return (all, kept.Count);
    }

    IEnumerable<LabelledHour> HoursOf()
    {
        var spacing = Math.Min(Spacing, Hour);
        for (var first = 0; first < times.Length;)
        {
            var (hour, last) = (times[first] / Hour, first);
            while (last + 1 < times.Length && times[last + 1] / Hour == hour) last++;
            var rows = values.AsSpan(first, last - first + 1);
            var (sum, most) = (0.0, double.MinValue);
            foreach (var value in rows) (sum, most) = (sum + value, Math.Max(most, value));
            // Where the last row of the hour is missing, the next one shows that it is over.
            var isWhole = (times[last] + spacing) / Hour != hour || last + 1 == times.Length;
            yield return new(hour, IsCount ? sum : sum / rows.Length, most, isWhole ? last : last + 1);
            first = last + 1;
        }
    }

    /// <summary>The rows at which the detectors that are on by default tell of something, as `detect` says them.</summary>
    public List<int> Flags(DetectorConstants constants)
    {
        var (detector, bursts) = (new SeasonalDetector { IsCount = IsCount, Constants = constants }, new BurstWatch());
        var (flags, start) = (new List<int>(), Hours[0].Hour);
        var past = new double[Hours[^1].Hour - start + 1];
        Array.Fill(past, double.NaN);
        foreach (var (hour, value, most, row) in Hours)
        {
            var verdict = detector.Take(detector.Look(hour, back => back < start || back >= hour ? double.NaN : past[back - start]), value,
                constants.Limit);
            past[hour - start] = value;
            var burst = 0;
            if (Spacing < Hour)
            {
                burst = detector.Rise.IsOpen(hour, SeasonalDetector.QuietHours)
                    ? 0 : bursts.RankOf(bursts.Look(hour, IsCount, constants.Limit, constants), hour, most, BurstFactor);
                bursts.Take(hour, most, burst);
            }
            if (verdict.IsAlarm || burst > 0) flags.Add(row);
        }
        return flags;
    }

    static readonly double BurstFactor = (double)Core.AnomalySettings.UsualThresholds["burst"];

    public DetectionScore Score(List<int> flags)
    {
        // Flags that are close together are one alarm, for a day at most; it is false where it begins outside of every window.
        var gap = Math.Max(Hour, 2 * Spacing);
        var found = new HashSet<int>();
        var (wrong, last, begun) = (0, long.MinValue / 2, 0L);
        foreach (var row in flags.Where(row => row >= warm))
        {
            if (states[row] > 0) found.Add(states[row]);
            if (times[row] - last > gap || times[row] - begun >= Day)
            {
                begun = times[row];
                if (states[row] == 0) wrong++;
            }
            last = times[row];
        }
        var (points, pointWindows) = IsOfNumenta ? PointsOf(flags) : (0, 0);
        return new(counted, found.Count, wrong, (times[^1] - times[warm]) / (double)Week, points, pointWindows);
    }

    /// <summary>The standard profile: an early flag in a window is worth most, a false one costs the more the further it is from
    /// one.</summary>
    (double Points, int Windows) PointsOf(List<int> flags)
    {
        var flagged = flags.ToHashSet();
        var probation = Math.Min(Math.Floor(WarmUpShare * times.Length), WarmUpShare * MostProbation);
        var (best, known, wrong) = (new Dictionary<int, double>(), new HashSet<int>(), 0.0);
        var (next, open, end, length, lastEnd, lastLength) = (0, -1, 0, 0, -1, 0);
        for (var row = 0; row < times.Length; row++)
        {
            if (open < 0 && next < windows.Length && times[row] == windows[next].From)
            {
                (open, end) = (next, Array.IndexOf(times, windows[next].To));
                length = end - row + 1;
                next++;
            }
            var worth = open >= 0 ? Sigmoid(-(end - row + 1.0) / length) / Sigmoid(-1)
                : lastEnd < 0 ? -0.11 : 0.11 * Sigmoid((row - lastEnd) / (lastLength - 1.0));
            if (row >= probation)
            {
                if (open >= 0) known.Add(open);
                if (flagged.Contains(row) && open < 0) wrong += worth;
                else if (flagged.Contains(row)) best[open] = Math.Max(worth, best.GetValueOrDefault(open, double.MinValue));
            }
            if (open < 0 || row != end) continue;
            (lastEnd, lastLength, open) = (row, length, -1);
        }
        return (wrong + best.Values.Sum(worth => worth + 1), known.Count);
    }

    static double Sigmoid(double at) => at > 3 ? -1 : 2 / (1 + Math.Exp(5 * at)) - 1;
}
