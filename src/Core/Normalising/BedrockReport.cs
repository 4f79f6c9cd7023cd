// Bedrock's Converse, the metrics of InvokeModel and the log of its calls; and tools that count Anthropic's tokens under names of their
// own. `inputTokens` leaves out what was read from the cache or written to it, which the total includes. Models that count the other way
// show it by a total without them.
using System.Text.Json;

namespace Purser.Core;

static class BedrockReport
{
    public static readonly string[] Marks =
        ["cacheReadInputTokens", "cacheWriteInputTokens", "cacheReadInputTokenCount", "cacheWriteInputTokenCount", "cacheDetails",
            "serverToolUsage", "invocationLatency", "firstByteLatency", "cacheReadTokens", "cacheCreationTokens", "cacheWriteTokens"];

    /// <summary>The log of InvokeModel tells each side of a call by itself.</summary>
    public static bool IsLog(ReportReader reader, in ReportObject report) =>
        report.KindOf("input") == JsonValueKind.Object && report.KindOf("output") == JsonValueKind.Object
        && reader.Inner(report, "input").Has("inputTokenCount");

    public static ReportCounts Log(ReportReader reader, in ReportObject report)
    {
        var (input, output) = (reader.Inner(report, "input"), reader.Inner(report, "output"));
        var (read, written) = (reader.Count(input, "cacheReadInputTokenCount"), reader.Count(input, "cacheWriteInputTokenCount"));
        return new()
        {
            InputTokens = reader.Count(input, "inputTokenCount") + read + written,
            OutputTokens = reader.Count(output, "outputTokenCount"),
            InputField = "raw.input.inputTokenCount",
            OutputField = "raw.output.outputTokenCount",
            Parts = new() { CachedInputTokens = read, CacheWrite5mTokens = written },
        };
    }

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var input = reader.Count(report, "inputTokens", "inputTokenCount");
        var output = reader.Count(report, "outputTokens", "outputTokenCount");
        var read = reader.Count(report, "cacheReadInputTokens", "cacheReadInputTokenCount", "cacheReadTokens");
        var written = reader.Count(report, "cacheWriteInputTokens", "cacheWriteInputTokenCount", "cacheCreationInputTokens",
            "cacheCreationTokens", "cacheWriteTokens");
        // Some versions say each count under both names.
        reader.Known(report, "inputTokenCount", "outputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount");
        var (short5m, long1h) = (0L, 0L);
        foreach (var detail in reader.List(report, "cacheDetails"))
            if (ReportReader.Text(detail, "ttl") == "1h") long1h += reader.Count(detail, "inputTokens");
            else short5m += reader.Count(detail, "inputTokens");
        if (short5m + long1h > written)
        {
            reader.Dispute("raw.cacheDetails",
                $"add up to {short5m + long1h}, more than the {written} `cacheWriteInputTokens` that they are parts of");
            written = short5m + long1h;
        }

        var all = input + read + written;
        // LangChain4j adds a total to Anthropic's counts, without the cache.
        var withoutCache = report.Has("cacheCreationInputTokens");
        if (reader.Find(report, "totalTokens", "totalTokenCount") is { } total && total != all + output
            && !(withoutCache && total == input + output))
        {
            if (total == input + output && read + written <= input) all = input;
            else
            {
                reader.Dispute("raw.totalTokens", $"is {total}, but the counts beside it add up to {all + output}");
                output = Math.Max(output, total - all);
            }
        }
        var tools = reader.Inner(report, "serverToolUsage");
        return new()
        {
            InputTokens = all,
            OutputTokens = output,
            InputField = "raw.inputTokens",
            OutputField = "raw.outputTokens",
            ServiceTier = ReportReader.Text(report, "serviceTier"),
            ReportedCost = ReportedCharge.Of(reader, report),
            Parts = new()
            {
                CachedInputTokens = read,
                CacheWrite5mTokens = written - long1h,
                CacheWrite1hTokens = long1h,
                WebSearches = reader.Count(tools, "webSearchRequests", "webSearches"),
            },
        };
    }
}
