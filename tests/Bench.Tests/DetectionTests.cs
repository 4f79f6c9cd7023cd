// The table of labelled series that were left out, from a made folder.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Purser.Bench.Tests;

public sealed class DetectionTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("purser-series-").FullName;

    public void Dispose() => Directory.Delete(folder, true);

    /// <summary>Forty days, every ten minutes, with a wave of a day, and six hours in which it is far too high.</summary>
    object Series(string name, string group, int event1)
    {
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var csv = new StringBuilder("timestamp,value\n");
        for (var row = 0; row < 40 * 144; row++)
        {
            var value = 100 + 40 * Math.Sin(row % 144 / 144.0 * 2 * Math.PI) + row * 7 % 13;
            csv.Append(CultureInfo.InvariantCulture,
                $"{At(row)},{(row / 6 >= event1 && row / 6 < event1 + 6 ? 20 * value : value):0.##}\n");
        }
        File.WriteAllText(Path.Combine(folder, name + ".csv"), csv.ToString());
        string At(int row) => start.AddMinutes(10 * row).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return new
        {
            file = name + ".csv", group, kind = "level", periodSeconds = 600, labelled = true, nab = name,
                source = $"Made here, data/{name}/x.csv",
            windows = new[] { new[] { At(6 * (event1 - 1)), At(6 * (event1 + 7)) } }, ignore = Array.Empty<string[]>(),
        };
    }

    [Fact]
    public async Task Constants_are_chosen_without_what_is_judged()
    {
        var labels = new { series = new Dictionary<string,
            object> { ["a"] = Series("a", "host", 600), ["b"] = Series("b", "requests", 700) } };
        await File.WriteAllTextAsync(Path.Combine(folder, "labels.json"), JsonSerializer.Serialize(labels));
        var run = await BenchProgram.RunAsync("detection", folder);
        Assert.True(run.Code == 0, run.Errors);
        Assert.Contains("| **together** | 2 of 2 | 1.00 |", run.Output, StringComparison.Ordinal);
        Assert.Contains("| the groups | ", run.Output, StringComparison.Ordinal);
        Assert.Contains("| the sources | ", run.Output, StringComparison.Ordinal);
    }
}
