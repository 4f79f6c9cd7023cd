// OpenAI's reports, and those of everybody who speaks its language: Azure, Groq, Mistral, DeepSeek, xAI, Perplexity, OpenRouter. Totals
// include their parts.
namespace Purser.Core;

static class OpenAIReport
{
    /// <summary>Members that Anthropic's report, which has the same names for the totals, does not have.</summary>
    public static readonly string[] ResponsesMarks = ["total_tokens", "input_tokens_details", "input_token_details"];

    static readonly string[] inputDetails = ["prompt_tokens_details", "input_tokens_details", "input_token_details"];
    static readonly string[] outputDetails = ["completion_tokens_details", "output_tokens_details", "output_token_details"];

    /// <summary>
    /// Chat completions and embeddings. <paramref name="reasoningMayBeApart"/>: the provider (xAI) leaves reasoning out of
    /// `completion_tokens`; its total says so.
    /// </summary>
    public static ReportCounts Chat(ReportReader reader, in ReportObject report, bool reasoningMayBeApart)
    {
        // DeepSeek tells what its cache had and what not; their sum is the prompt.
        var (hit, miss) = (reader.Find(report, "prompt_cache_hit_tokens"), reader.Find(report, "prompt_cache_miss_tokens"));
        var input = reader.Find(report, "prompt_tokens") ?? (hit ?? 0) + (miss ?? 0);
        if (hit + miss is { } prompt && prompt != input)
            reader.Refuse(
                "raw.prompt_tokens", $"is {input}, but `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens` add up to {prompt}");
        return Of(reader, report, input, reader.Count(report, "completion_tokens"), "prompt_tokens", "completion_tokens",
            reasoningMayBeApart);
    }

    /// <summary>Responses, images, realtime and transcriptions.</summary>
    public static ReportCounts Responses(ReportReader reader, in ReportObject report) =>
        Of(reader, report, reader.Count(report, "input_tokens"), reader.Count(report, "output_tokens"), "input_tokens", "output_tokens",
            false);

    /// <summary>Transcriptions that are paid by their length.</summary>
    public static ReportCounts Duration(ReportReader reader, in ReportObject report) =>
        new() { Parts = new() { AudioSecondsIn = reader.Number(report, "seconds") } };

    static ReportCounts Of(ReportReader reader, in ReportObject report, long input, long output, string inputName, string outputName,
        bool reasoningMayBeApart)
    {
        var (taken, given) = (reader.Inner(report, inputDetails), reader.Inner(report, outputDetails));
        var cachedOf = reader.Inner(taken, "cached_tokens_details");
        // Gateways put the names of other providers beside these: LiteLLM Anthropic's, LangChain its own.
        var cached = reader.Find(taken, "cached_tokens", "cache_read")
            ?? reader.Find(report, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens", "num_cached_tokens") ?? 0;
        var written = reader.Find(taken, "cache_write_tokens", "cache_creation_tokens", "cache_creation")
            ?? reader.Find(report, "cache_creation_input_tokens") ?? 0;
        var reasoning = reader.Find(given, "reasoning_tokens", "reasoning", "thinking_tokens") ?? reader.Find(report, "reasoning_tokens")
            ?? 0;
        // Perplexity, which alone reports citations and searches, counts its reasoning beside the completion and out of the total.
        var apart = !given.Exists && report.HasAny("citation_tokens", "num_search_queries") ? reasoning : 0;
        Within(reader, cached, input, $"{(taken.Exists ? taken.Path : "raw")}.cached_tokens", inputName);
        // What was cached is counted as cached, whatever it was.
        var audio = Without(reader, taken, cachedOf, "audio_tokens");
        var image = Without(reader, taken, cachedOf, "image_tokens");
        var video = reader.Count(taken, "video_tokens");

        if (reader.Find(report, "total_tokens") is { } total && total != input + output)
        {
            if (reasoningMayBeApart && total == input + output + reasoning) output += reasoning;
            else reader.Refuse("raw.total_tokens", $"is {total}, but `{inputName}` and `{outputName}` add up to {input + output}");
        }
        output += apart;
        Within(reader, reasoning, output, $"{(given.Exists ? given.Path : "raw")}.reasoning_tokens", outputName);
        return new()
        {
            InputTokens = input,
            OutputTokens = output,
            InputField = $"raw.{inputName}",
            OutputField = $"raw.{outputName}",
            ServiceTier = ReportReader.Text(report, "service_tier"),
            Parts = new()
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = reader.Count(cachedOf, "audio_tokens"),
                CachedImageInputTokens = reader.Count(cachedOf, "image_tokens"),
                CacheWrite5mTokens = written,
                AudioInputTokens = audio,
                ImageInputTokens = image,
                VideoInputTokens = video,
                ReasoningTokens = reasoning,
                AudioOutputTokens = reader.Count(given, "audio_tokens", "audio"),
                ImageOutputTokens = reader.Count(given, "image_tokens"),
                VideoOutputTokens = reader.Count(given, "video_tokens"),
                CitationTokens = reader.Count(report, "citation_tokens"),
                Queries = reader.Count(report, "num_search_queries"),
                AudioSecondsIn = reader.Number(report, "prompt_audio_seconds"),
            },
        };
    }

    static long Without(ReportReader reader, in ReportObject all, in ReportObject cached, string name)
    {
        var (count, less) = (reader.Count(all, name), reader.Count(cached, name));
        Within(reader, less, count, $"{cached.Path}.{name}", name);
        return count - less;
    }

    static void Within(ReportReader reader, long part, long whole, string field, string of)
    {
        if (part > whole) reader.Refuse(field, $"is {part}, more than the {whole} `{of}` that it is a part of");
    }
}
