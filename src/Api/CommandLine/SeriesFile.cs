// A series of numbers over time, read from a CSV with the columns `timestamp` and `value`, plain or gzipped. Times are UTC.
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Purser.Api;

/// <summary>One series. <see cref="IsCount"/>: rows add up to longer periods; otherwise they are averaged.</summary>
sealed record SeriesFile(string Name, bool IsCount, IReadOnlyList<(DateTimeOffset At, double Value)> Rows)
{
    /// <summary>How far apart rows usually are, in seconds; an hour where that can not be told.</summary>
    public long SpacingSeconds
    {
        get
        {
            var steps = Rows.Skip(1).Zip(Rows, (later, earlier) => (long)(later.At - earlier.At).TotalSeconds).Where(step => step > 0)
                .Order().ToList();
            return steps.Count == 0 ? 3600 : steps[steps.Count / 2];
        }
    }

    /// <summary>Throws <see cref="InvalidDataException"/> where a line can not be read.</summary>
    public static SeriesFile Read(string path)
    {
        var file = Path.GetFileName(path);
        var name = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? file[..^3] : file;
        name = name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? name[..^4] : name;
        using var stream = File.OpenRead(path);
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        var rows = new List<(DateTimeOffset, double)>();
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            if (text.Length == 0) continue;
            if (text.Split(',') is not [var time, var number])
                throw new InvalidDataException($"{path}: line {line} is not `timestamp,value`");
            if (DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
                && double.TryParse(number, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)) rows.Add((at, value));
            else if (line > 1) throw new InvalidDataException($"{path}: line {line} is not a time and a number");
        }
        return new(name, KindOf(path, name), rows);
    }

    /// <summary>`labels.json` beside the file says `level` or `count`; without it, values are counts.</summary>
    static bool KindOf(string path, string name)
    {
        var labels = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "labels.json");
        if (!File.Exists(labels)) return true;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(labels));
            return !(json.RootElement.TryGetProperty("series", out var all) && all.TryGetProperty(name, out var one)
                && one.TryGetProperty("kind", out var kind) && kind.ValueEquals("level"));
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{labels}: {wrong.Message}");
        }
    }

    /// <summary>Rows of an hour as one value, and the highest of them, by the number of the hour.</summary>
    public IEnumerable<(long Hour, double Value, double Most, int LastRow)> Hours()
    {
        var (hour, sum, most, rows) = (0L, 0.0, 0.0, 0);
        for (var i = 0; i < Rows.Count; i++)
        {
            var at = Rows[i].At.ToUnixTimeSeconds() / 3600;
            if (rows > 0 && at != hour)
            {
                // A row of this hour is missing at its end: that the hour is over shows with the first row after it.
                yield return (hour, IsCount ? sum : sum / rows, most, i);
                rows = 0;
            }
            if (rows == 0) (hour, sum, most) = (at, 0, double.MinValue);
            (sum, most) = (sum + Rows[i].Value, Math.Max(most, Rows[i].Value));
            rows++;
            if ((Rows[i].At.ToUnixTimeSeconds() + SpacingOf) / 3600 == hour) continue;
            yield return (hour, IsCount ? sum : sum / rows, most, i);
            rows = 0;
        }
        if (rows > 0) yield return (hour, IsCount ? sum : sum / rows, most, Rows.Count - 1);
    }

    long SpacingOf => spacing ??= Math.Min(SpacingSeconds, 3600);
    long? spacing;
}
