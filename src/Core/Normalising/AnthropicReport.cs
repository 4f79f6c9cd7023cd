// Anthropic's report: `input_tokens` leaves out what was read from the cache or written to it; thinking is part of the output. Attempts of
// other models inside of the same response stand in `iterations`.
namespace Purser.Core;

static class AnthropicReport
{
    public static readonly string[] Marks =
        ["cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "server_tool_use", "inference_geo", "iterations"];

    public static ReportCounts Read(ReportReader reader, in ReportObject report, string? model)
    {
        var counts = Sums(reader, report);
        var thinking = reader.Count(reader.Inner(report, "output_tokens_details"), "thinking_tokens");
        if (thinking > counts.OutputTokens)
        {
            reader.Dispute("raw.output_tokens_details.thinking_tokens",
                $"is {thinking}, more than the {counts.OutputTokens} `output_tokens` that it is a part of");
            counts = counts with { OutputTokens = counts.OutputTokens + thinking };
        }
        var tools = reader.Inner(report, "server_tool_use");
        // The usage by model of Anthropic's agents has them beside the counts.
        var searches = reader.Find(tools, "web_search_requests") ?? reader.Count(report, "web_search_requests");
        // Fetching costs its tokens only.
        reader.Known(tools, "web_fetch_requests");
        counts = Totalled(reader, report, counts);
        counts = counts with
        {
            ServiceTier = ReportReader.Text(report, "service_tier"),
            Region = RegionOf(report),
            Speed = SpeedOf(report),
            ReportedCost = ReportedCharge.Of(reader, report),
            Parts = counts.Parts with { ReasoningTokens = thinking, WebSearches = searches },
        };
        return WithIterations(reader, report, counts, model);
    }

    /// <summary>
    /// The totals are the sum of the `message` iterations; after a fallback they are those of the model that answered. A compaction and an
    /// advisor's call are beside the totals. An attempt that was declined before it put out anything is not billed.
    /// </summary>
    static ReportCounts WithIterations(ReportReader reader, in ReportObject report, ReportCounts counts, string? model)
    {
        var attempts = new List<(string? Type, string? Model, ReportCounts Counts)>();
        foreach (var iteration in reader.List(report, "iterations"))
        {
            var (type, ran) = (ReportReader.Text(iteration, "type"), ReportReader.Text(iteration, "model"));
            // One of a kind that is not known may be a part of the totals, or not: its counts are named as unread.
            if (ran is null && type is not ("message" or "compaction" or "fallback_message")) continue;
            attempts.Add((type, ran, Sums(reader, iteration)));
        }
        var lines = new List<UsageLine>();
        var served = attempts.FindLast(attempt => attempt.Type == "fallback_message").Model;
        foreach (var (type, ran, sums) in attempts)
        {
            if (type == "compaction" && (ran is null || ran == (served ?? model))) counts = Plus(counts, sums);
            else if (type == "fallback_message" || (type == "message" && (served is null || ran is null || ran == served))) continue;
            else if (type == "message" ? sums.OutputTokens > 0 : sums.InputTokens + sums.OutputTokens > 0)
                lines.Add(new(ran ?? model ?? "", sums.InputTokens, sums.OutputTokens, sums.Parts == new UsageParts() ? null : sums.Parts));
        }
        return counts with { Lines = ReportCounts.ByModel(lines), Model = served };
    }

    /// <summary>Where the model ran has a price of its own only where it was bound to a place.</summary>
    public static string? RegionOf(in ReportObject report) => ReportReader.Text(report, "inference_geo") is ("us" or "eu") and var bound
        ? bound : null;

    public static string? SpeedOf(in ReportObject report) => ReportReader.Text(report, "speed") is "fast" ? "fast" : null;

    /// <summary>Gateways add a total, with the cache or without it.</summary>
    static ReportCounts Totalled(ReportReader reader, in ReportObject report, ReportCounts counts)
    {
        var plain = reader.Count(report, "input_tokens", "uncached_input_tokens") + counts.OutputTokens;
        if (reader.Find(report, "total_tokens") is not { } total || total == plain || total == counts.InputTokens + counts.OutputTokens)
            return counts;
        reader.Dispute("raw.total_tokens", $"is {total}, but the counts beside it add up to {counts.InputTokens + counts.OutputTokens}");
        return counts with { OutputTokens = Math.Max(counts.OutputTokens, total - counts.InputTokens) };
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
        {
            reader.Dispute($"{report.Path}.cache_creation_input_tokens",
                $"is {written}, but the lifetimes in `cache_creation` add up to {short5m + long1h}");
            // The rest of the sum is short-lived, which is what a write is unless it says otherwise.
            if (written > short5m + long1h) short5m = written - long1h;
            else written = short5m + long1h;
        }
        var read = reader.Count(report, "cache_read_input_tokens");
        return new()
        {
            InputTokens = reader.Count(report, "input_tokens", "uncached_input_tokens") + written + read,
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
        Parts = one.Parts.Plus(other.Parts),
    };
}
