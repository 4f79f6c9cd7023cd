// Google's Interactions: every total stands apart, by kinds where they are told, and searches beside them. Nova Sonic's running totals have
// the same names.
namespace Purser.Core;

static class InteractionsReport
{
    public static readonly string[] Marks =
        ["total_input_tokens", "total_output_tokens", "total_thought_tokens", "total_reasoning_tokens", "total_tool_use_tokens"];

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var (input, tools) = (reader.Count(report, "total_input_tokens"), reader.Count(report, "total_tool_use_tokens"));
        var (made, cached) = (reader.Count(report, "total_output_tokens"), reader.Count(report, "total_cached_tokens"));
        var thoughts = reader.Count(report, "total_thought_tokens", "total_reasoning_tokens");
        if (cached > input)
        {
            reader.Dispute("raw.total_cached_tokens", $"is {cached}, more than the {input} `total_input_tokens` that it is a part of");
            input += cached;
        }
        var given = GeminiReport.Kinds(reader, report, ref input, "total_input_tokens", "input_tokens_by_modality");
        var fromTools = GeminiReport.Kinds(reader, report, ref tools, "total_tool_use_tokens", "tool_use_tokens_by_modality");
        var fromCache = GeminiReport.Kinds(reader, report, ref cached, "total_cached_tokens", "cached_tokens_by_modality");
        var taken = new InputKinds(Math.Max(0, given.Audio - fromCache.Audio), Math.Max(0, given.Image - fromCache.Image),
            Math.Max(0, given.Video - fromCache.Video), fromCache.Audio, fromCache.Image).Within(input, cached, cached - fromCache.All);
        var kinds = GeminiReport.Kinds(reader, report, ref made, "total_output_tokens", "output_tokens_by_modality");
        var output = made + thoughts;
        if (reader.Find(report, "total_tokens") is { } total && total != input + tools + output && total != input + output)
        {
            if ((total == input + tools + made || total == input + made) && thoughts <= made) output = made;
            else
            {
                reader.Dispute("raw.total_tokens", $"is {total}, but the counts beside it add up to {input + tools + output}");
                output = Math.Max(output, total - input - tools);
            }
        }
        var spoken = Speech(reader, report);
        var searches = 0L;
        foreach (var tool in reader.List(report, "grounding_tool_count"))
            if (ReportReader.Text(tool, "type") is "google_search" or null)
                searches += reader.Count(tool, "count");
        return new()
        {
            InputTokens = input + tools,
            OutputTokens = output,
            InputField = "raw.total_input_tokens",
            OutputField = "raw.total_output_tokens",
            ServiceTier = ReportReader.Text(report, "service_tier"),
            Parts = new()
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = taken.CachedAudio,
                CachedImageInputTokens = taken.CachedImage,
                AudioInputTokens = taken.Audio + fromTools.Audio + spoken.Heard,
                ImageInputTokens = taken.Image + fromTools.Image,
                VideoInputTokens = taken.Video + fromTools.Video,
                ReasoningTokens = thoughts,
                AudioOutputTokens = kinds.Audio + spoken.Said,
                ImageOutputTokens = kinds.Image,
                VideoOutputTokens = kinds.Video,
                WebSearches = searches,
            },
        };
    }

    /// <summary>Nova Sonic tells speech from text, of the whole session and of what came since the last report.</summary>
    static (long Heard, long Said) Speech(ReportReader reader, in ReportObject report)
    {
        var details = reader.Inner(report, "details");
        if (!details.Exists) return default;
        reader.Known(details, "delta");
        var total = reader.Inner(details, "total");
        var (input, output) = (reader.Inner(total, "input"), reader.Inner(total, "output"));
        reader.Known(input, "text_tokens");
        reader.Known(output, "text_tokens");
        return (reader.Count(input, "speech_tokens"), reader.Count(output, "speech_tokens"));
    }
}
