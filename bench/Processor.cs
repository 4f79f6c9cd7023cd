// Processor time of other processes, and the name of the machine: both from /proc, so other systems than Linux show less.
using System.Diagnostics;
using System.Globalization;

namespace Purser.Bench;

static class Processor
{
    /// <summary>What the kernel counts in, on every Linux that .NET runs on.</summary>
    const double TicksPerSecond = 100;

    /// <summary>User and system time of a process; nothing where it is gone.</summary>
    public static TimeSpan TimeOf(int id)
    {
        var fields = Stat(id);
        return fields.Length < 13 ? TimeSpan.Zero
            : TimeSpan.FromSeconds((Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
    }

    /// <summary>User and system time of everything that runs on this machine.</summary>
    public static TimeSpan TimeOfAll()
    {
        if (!File.Exists("/proc/stat")) return TimeSpan.Zero;
        // cpu user nice system idle iowait irq softirq …
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return TimeSpan.FromSeconds((Number(fields[1]) + Number(fields[2]) + Number(fields[3]) + Number(fields[6]) + Number(fields[7]))
            / TicksPerSecond);
    }

    /// <summary>Waits until some processes have next to nothing to do any more, but not without end.</summary>
    public static async Task RestAsync(IReadOnlyCollection<int> processes, TimeSpan longest)
    {
        TimeSpan Spent() => TimeSpan.FromSeconds(processes.Sum(process => TimeOf(process).TotalSeconds));
        var waited = Stopwatch.StartNew();
        for (var before = Spent(); waited.Elapsed < longest;)
        {
            await Task.Delay(restsFor);
            var now = Spent();
            if (now - before < restsFor * AtRest) return;
            before = now;
        }
    }

    static readonly TimeSpan restsFor = TimeSpan.FromMilliseconds(500);

    /// <summary>Less than this part of one processor is what hosts need that only look whether there is something to do.</summary>
    const double AtRest = 0.2;

    /// <summary>A process and its children: a PostgreSQL server has one for each connection.</summary>
    public static IEnumerable<int> WithChildren(int id)
    {
        if (!Directory.Exists("/proc")) return [id];
        var processes = Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), out var process)
            ? process : 0);
        return [id, .. processes.Where(process => process > 0 && Stat(process) is { Length: > 1 } fields && Number(fields[1]) == id)];
    }

    public static string MachineName()
    {
        var model = "unknown processor";
        var memory = "";
        if (File.Exists("/proc/cpuinfo"))
            model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(
                ':', 2)[1].Trim() ?? model;
        if (File.Exists("/proc/meminfo"))
            memory = string.Create(CultureInfo.InvariantCulture,
                $", {Number(File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1_048_576.0:0} GiB");
        return string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} x {model}{memory}, {Environment.OSVersion.VersionString}, .NET {Environment.Version}");
    }

    /// <summary>How many processes wanted to run over the last minute, others' included.</summary>
    public static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    /// <summary>The fields after the name, which may contain anything: state, parent, …</summary>
    static string[] Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
