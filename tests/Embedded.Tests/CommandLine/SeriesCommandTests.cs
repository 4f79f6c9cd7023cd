// detect and project, as typed.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Spectre.Console;

namespace Purser.Embedded.Tests.CommandLine;

public sealed class SeriesCommandTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly StringWriter screen = new();

    string In(string name) => Path.Combine(folder.Path, name);

    async Task<(int Code, string[] Lines)> RunAsync(params string[] args)
    {
        screen.GetStringBuilder().Clear();
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(screen), Interactive = InteractionSupport.No });
        var code = await Api.CommandLine.RunAsync(args, _ => Task.FromResult(99), console);
        return (code, screen.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    static readonly DateTime start = new(2026, 1, 5, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Rows every quarter of an hour, the same every day, but for one hour.</summary>
    void Write(string name, int days, int oddHour = -1)
    {
        using var writer = new StreamWriter(name.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(File.Create(In(name)), CompressionLevel.Fastest) : File.Create(In(name)), new UTF8Encoding(false));
        writer.WriteLine("timestamp,value");
        for (var row = 0; row < days * 96; row++)
        {
            var value = row / 4 == oddHour ? 5_000 : (row / 4 % 24 is >= 8 and < 18 ? 100 : 10) + row * 7 % 11;
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{start.AddMinutes(15 * row):yyyy-MM-ddTHH:mm:ssZ},{value}"));
        }
    }

    [Fact]
    public async Task Detect_prints_a_score_for_every_hour_and_half_or_more_for_the_odd_one()
    {
        Write("calls.csv.gz", 28, oddHour: 500);
        Write("quiet.csv", 28);
        File.WriteAllText(In("labels.json"), """{"series":{"quiet":{"kind":"level"}}}""");
        var (code, lines) = await RunAsync("detect", In("calls.csv.gz"), In("quiet.csv"));
        Assert.Equal((0, "series,timestamp,score", 1 + 2 * 28 * 24), (code, lines[0], lines.Length));
        var flagged = lines.Skip(1).Select(line => line.Split(','))
            .Where(line => double.Parse(line[2], CultureInfo.InvariantCulture) >= 0.5).ToList();
        Assert.Equal(["calls,2026-01-25T20:45:00Z"], flagged.Select(line => $"{line[0]},{line[1]}"));
    }

    [Fact]
    public async Task Project_answers_every_task()
    {
        Write("calls.csv", 35);
        File.WriteAllText(
            In("tasks.csv"), "series,window,start,end,cut\ncalls,week,2026-02-02T00:00:00Z,2026-02-09T00:00:00Z,2026-02-04T10:00:00Z\n");
        var (code, lines) = await RunAsync("project", In("tasks.csv"));
        Assert.Equal((0, "series,window,start,cut,point,low,high", 2), (code, lines[0], lines.Length));
        var answer = lines[1].Split(',');
        Assert.Equal("calls,week,2026-02-02T00:00:00Z,2026-02-04T10:00:00Z", string.Join(',', answer[..4]));
        var (point, low, high) = (double.Parse(answer[4], CultureInfo.InvariantCulture),
            double.Parse(answer[5], CultureInfo.InvariantCulture), double.Parse(answer[6], CultureInfo.InvariantCulture));
        const double week = 7 * (40 * 100 + 56 * 10) + 672 * 5;
        Assert.InRange(point, week * 0.98, week * 1.02);
        Assert.True(low <= point && point <= high);
    }

    [Fact]
    public async Task What_can_not_be_read_is_named()
    {
        File.WriteAllText(In("bad.csv"), "timestamp,value\n2026-01-05T00:00:00Z,many\n");
        var (code, lines) = await RunAsync("detect", In("bad.csv"));
        Assert.Equal(1, code);
        Assert.Contains("line 2 is not a time and a number", lines[^1], StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("detect", In("none.csv"))).Code);
        Assert.Equal(2, (await RunAsync("detect")).Code);
    }

    public void Dispose()
    {
        screen.Dispose();
        folder.Dispose();
    }
}
