// Bedrock's Converse and the metrics of InvokeModel: `inputTokens` leaves out what was read from the cache or written to it, which the
// total includes. Models that count the other way show it by a total without them.
namespace Purser.Core;

static class BedrockReport
{
    public static readonly string[] Marks =
        ["cacheReadInputTokens", "cacheWriteInputTokens", "cacheReadInputTokenCount", "cacheWriteInputTokenCount", "cacheDetails",
            "serverToolUsage", "invocationLatency", "firstByteLatency"];

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var input = reader.Count(report, "inputTokens", "inputTokenCount");
        var output = reader.Count(report, "outputTokens", "outputTokenCount");
        var read = reader.Count(report, "cacheReadInputTokens", "cacheReadInputTokenCount");
        var written = reader.Count(report, "cacheWriteInputTokens", "cacheWriteInputTokenCount");
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
        if (reader.Find(report, "totalTokens", "totalTokenCount") is { } total && total != all + output)
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
