// Gemini's `usageMetadata`: thinking stands apart from the candidates, what tools put into the prompt apart from the prompt, and each
// is told apart by kind. The client libraries write the same names in snake case; Llama on Bedrock uses some of those names too.
namespace Purser.Core;

static class GeminiReport
{
    public static readonly string[] Marks =
    [
        "promptTokenCount", "candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount",
        "prompt_token_count", "candidates_token_count", "response_token_count", "thoughts_token_count", "tool_use_prompt_token_count",
        "generation_token_count",
    ];

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var prompt = reader.Count(report, "promptTokenCount", "prompt_token_count");
        var tools = reader.Count(report, "toolUsePromptTokenCount", "tool_use_prompt_token_count");
        var cached = reader.Count(report, "cachedContentTokenCount", "cached_content_token_count");
        var candidates = reader.Count(report, "candidatesTokenCount", "candidates_token_count", "responseTokenCount",
            "response_token_count", "generation_token_count");
        var thoughts = reader.Count(report, "thoughtsTokenCount", "thoughts_token_count");
        if (cached > prompt)
        {
            reader.Dispute("raw.cachedContentTokenCount", $"is {cached}, more than the {prompt} `promptTokenCount` that it is a part of");
            prompt += cached;
        }
        var given = Kinds(reader, report, ref prompt, "promptTokenCount", "promptTokensDetails", "prompt_tokens_details",
            "promptTokenDetails", "prompt_token_details");
        var fromTools = Kinds(reader, report, ref tools, "toolUsePromptTokenCount", "toolUsePromptTokensDetails",
            "tool_use_prompt_tokens_details");
        var fromCache = Kinds(reader, report, ref cached, "cachedContentTokenCount", "cacheTokensDetails", "cache_tokens_details");
        var made = Kinds(reader, report, ref candidates, "candidatesTokenCount", "candidatesTokensDetails", "candidates_tokens_details",
            "responseTokensDetails", "response_tokens_details");

        // What was cached is counted as cached, whatever it was.
        var kinds = new InputKinds(Less(reader, given.Audio, fromCache.Audio, "AUDIO"), Less(reader, given.Image, fromCache.Image, "IMAGE"),
            Less(reader, given.Video, fromCache.Video, "VIDEO"), fromCache.Audio, fromCache.Image)
            .Within(prompt, cached, cached - fromCache.All);
        var output = candidates + thoughts;
        // A field of their own in the total: some versions leave the tools' part out of it, some count thoughts among the candidates.
        if (reader.Find(report, "totalTokenCount", "total_token_count") is { } total && total != prompt + tools + output
            && total != prompt + output)
        {
            if ((total == prompt + tools + candidates || total == prompt + candidates) && thoughts <= candidates) output = candidates;
            else
            {
                reader.Dispute("raw.totalTokenCount", $"is {total}, but the counts beside it add up to {prompt + tools + output}");
                output = Math.Max(output, total - prompt - tools);
            }
        }
        return new()
        {
            InputTokens = prompt + tools,
            OutputTokens = output,
            InputField = "raw.promptTokenCount",
            OutputField = "raw.candidatesTokenCount",
            ServiceTier = ReportReader.Text(report, "serviceTier", "service_tier", "trafficType", "traffic_type"),
            Parts = new()
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = kinds.CachedAudio,
                CachedImageInputTokens = kinds.CachedImage,
                AudioInputTokens = kinds.Audio + fromTools.Audio,
                ImageInputTokens = kinds.Image + fromTools.Image,
                VideoInputTokens = kinds.Video + fromTools.Video,
                ReasoningTokens = thoughts,
                AudioOutputTokens = made.Audio,
                ImageOutputTokens = made.Image,
                VideoOutputTokens = made.Video,
            },
        };
    }

    public readonly record struct OfKind(long Audio, long Image, long Video, long All);

    /// <summary>Pages of documents are read as images. A kind without a count is none; text is what is left.</summary>
    public static OfKind Kinds(ReportReader reader, in ReportObject report, ref long whole, string of, params string[] names)
    {
        var (audio, image, video, all) = (0L, 0L, 0L, 0L);
        var field = "raw.";
        foreach (var entry in reader.List(report, names))
        {
            var count = reader.Count(entry, "tokenCount", "token_count", "tokens");
            field = entry.Path[..entry.Path.LastIndexOf('[')];
            all = Math.Min(all + count, long.MaxValue / 2);
            switch (ReportReader.Text(entry, "modality")?.ToUpperInvariant())
            {
                case "AUDIO":
                    audio += count;
                    break;
                case "IMAGE" or "DOCUMENT":
                    image += count;
                    break;
                case "VIDEO":
                    video += count;
                    break;
            }
        }
        if (all > whole)
        {
            reader.Dispute(field, $"add up to {all}, more than the {whole} `{of}` that they are parts of");
            whole = all;
        }
        return new(audio, image, video, all);
    }

    static long Less(ReportReader reader, long given, long cached, string kind)
    {
        if (cached <= given) return given - cached;
        reader.Dispute("raw.cacheTokensDetails", $"has {cached} tokens of {kind}, more than the {given} in `promptTokensDetails`");
        return given;
    }
}
