// Anthropic's report: `input_tokens` leaves out what was read from the cache or written to it; thinking is part of the output.
namespace Purser.Core;

static class AnthropicReport
{
    public static readonly string[] Marks =
        ["cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "server_tool_use", "inference_geo", "iterations"];

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var counts = Sums(reader, report);
        // A compaction is billed and left out of the totals; iterations of other kinds are in them, and an advisor is another model's
        // call, reported by itself.
        foreach (var iteration in reader.List(report, "iterations"))
            if (ReportReader.Text(iteration, "type") == "compaction")
                counts = Plus(counts, Sums(reader, iteration));
        var thinking = reader.Count(reader.Inner(report, "output_tokens_details"), "thinking_tokens");
        if (thinking > counts.OutputTokens)
            reader.Refuse("raw.output_tokens_details.thinking_tokens",
                $"is {thinking}, more than the {counts.OutputTokens} `output_tokens` that it is a part of");
        return counts with
        {
            ServiceTier = ReportReader.Text(report, "service_tier"),
            // Where the model ran has a price of its own only where it was bound to a place.
            Region = ReportReader.Text(report, "inference_geo") is "us" or "eu" ? ReportReader.Text(report, "inference_geo") : null,
            Speed = ReportReader.Text(report, "speed") is "fast" ? "fast" : null,
            Parts = counts.Parts with
            {
                ReasoningTokens = thinking,
                WebSearches = reader.Count(reader.Inner(report, "server_tool_use"), "web_search_requests"),
            },
        };
    }

    static ReportCounts Sums(ReportReader reader, in ReportObject report)
    {
        var lifetimes = reader.Inner(report, "cache_creation");
        var (short5m, long1h) = (reader.Count(lifetimes, "ephemeral_5m_input_tokens"),
            reader.Count(lifetimes, "ephemeral_1h_input_tokens"));
        // Older reports have the sum alone, and knew the short lifetime only.
        var written = reader.Find(report, "cache_creation_input_tokens") ?? short5m + long1h;
        if (!lifetimes.Exists) short5m = written;
        else if (short5m + long1h != written)
            reader.Refuse($"{report.Path}.cache_creation_input_tokens",
                $"is {written}, but the lifetimes in `cache_creation` add up to {short5m + long1h}");
        var read = reader.Count(report, "cache_read_input_tokens");
        return new()
        {
            InputTokens = reader.Count(report, "input_tokens") + written + read,
            OutputTokens = reader.Count(report, "output_tokens"),
            InputField = "raw.input_tokens",
            OutputField = "raw.output_tokens",
            Parts = new() { CachedInputTokens = read, CacheWrite5mTokens = short5m, CacheWrite1hTokens = long1h },
        };
    }

    static ReportCounts Plus(ReportCounts one, ReportCounts other) => one with
    {
        InputTokens = one.InputTokens + other.InputTokens,
        OutputTokens = one.OutputTokens + other.OutputTokens,
        Parts = one.Parts with
        {
            CachedInputTokens = one.Parts.CachedInputTokens + other.Parts.CachedInputTokens,
            CacheWrite5mTokens = one.Parts.CacheWrite5mTokens + other.Parts.CacheWrite5mTokens,
            CacheWrite1hTokens = one.Parts.CacheWrite1hTokens + other.Parts.CacheWrite1hTokens,
        },
    };
}
