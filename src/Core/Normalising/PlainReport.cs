// Counts in plain words (`input`, `output`, `cache`), as agents at a terminal and tracing services keep them.
using System.Text.Json;

namespace Purser.Core;

static class PlainReport
{
    public static bool Is(in ReportObject report) =>
        report.KindOf("input") == JsonValueKind.Number || report.KindOf("output") == JsonValueKind.Number;

    /// <summary>
    /// Each count stands beside the others, as opencode and pi have it, but for what is called `cached`, which is a part of the input, as
    /// Gemini's command line has it. Where there is a total, it decides.
    /// </summary>
    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var cache = report.KindOf("cache") == JsonValueKind.Object ? reader.Inner(report, "cache") : default;
        var (input, output) = (reader.Count(report, "input"), reader.Count(report, "output"));
        var inside = reader.Find(report, "cached");
        var read = inside ?? reader.Find(report, "cacheRead") ?? reader.Count(cache, "read");
        var written = reader.Find(report, "cacheWrite") ?? reader.Count(cache, "write");
        var (thought, tools) = (reader.Count(report, "reasoning", "thoughts"), reader.Count(report, "tool"));
        var ofCache = (inside is null ? read : 0) + written;
        var (taken, made) = (input + tools + ofCache, output + thought);
        if (reader.Find(report, "total", "totalTokens") is { } total && total != taken + made)
        {
            if (total == taken + output && thought <= output) made = output;
            else if (total == taken - ofCache + made && ofCache <= input) taken -= ofCache;
            else if (total == taken - ofCache + output && ofCache <= input && thought <= output) (taken, made) = (taken - ofCache, output);
            else
            {
                reader.Dispute("raw.total", $"is {total}, but the counts beside it add up to {taken + made}");
                made = Math.Max(made, total - taken);
            }
        }
        return new()
        {
            InputTokens = taken,
            OutputTokens = made,
            InputField = "raw.input",
            OutputField = "raw.output",
            ReportedCost = ReportedCharge.Of(reader, report),
            Parts = new() { CachedInputTokens = read, CacheWrite5mTokens = written, ReasoningTokens = thought },
        };
    }
}
