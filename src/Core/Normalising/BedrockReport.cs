// Bedrock's Converse: `inputTokens` leaves out what was read from the cache or written to it, which the total includes. Models that count
// the other way show it by a total without them.
namespace Purser.Core;

static class BedrockReport
{
    public static readonly string[] Marks =
        ["cacheReadInputTokens", "cacheWriteInputTokens", "cacheReadInputTokenCount", "cacheWriteInputTokenCount", "cacheDetails",
            "serverToolUsage"];

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var (input, output) = (reader.Count(report, "inputTokens"), reader.Count(report, "outputTokens"));
        var read = reader.Count(report, "cacheReadInputTokens", "cacheReadInputTokenCount");
        var written = reader.Count(report, "cacheWriteInputTokens", "cacheWriteInputTokenCount");
        var long1h = 0L;
        foreach (var detail in reader.List(report, "cacheDetails"))
            if (ReportReader.Text(detail, "ttl") == "1h")
                long1h += reader.Count(detail, "inputTokens");
        if (long1h > written)
            reader.Refuse(
                "raw.cacheDetails",
                    $"add up to {long1h} for an hour, more than the {written} `cacheWriteInputTokens` that they are parts of");

        var all = input + read + written;
        if (reader.Find(report, "totalTokens") is { } total && total != all + output)
        {
            if (total == input + output && read + written <= input) all = input;
            else reader.Refuse("raw.totalTokens", $"is {total}, but the counts beside it add up to {all + output}");
        }
        return new()
        {
            InputTokens = all,
            OutputTokens = output,
            InputField = "raw.inputTokens",
            OutputField = "raw.outputTokens",
            Parts = new() { CachedInputTokens = read, CacheWrite5mTokens = written - long1h, CacheWrite1hTokens = long1h },
        };
    }
}
