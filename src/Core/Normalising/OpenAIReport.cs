// OpenAI's reports, and those of everybody who speaks its language: Azure, Groq, Mistral, DeepSeek, xAI, Perplexity, OpenRouter, LiteLLM,
// LangChain. Totals include their parts.
using System.Text.Json;

namespace Purser.Core;

/// <summary>Who made a report, as far as that changes what its counts mean.</summary>
readonly record struct ReportOrigin(string? Family, string? Model, bool ReasoningMayBeApart, bool IsInputOnly);

static class OpenAIReport
{
    /// <summary>Members that Anthropic's report, which has the same names for the totals, does not have.</summary>
    public static readonly string[] ResponsesMarks = ["total_tokens", "input_tokens_details", "input_token_details"];

    static readonly string[] inputDetails =
        ["prompt_tokens_details", "input_tokens_details", "input_token_details", "prompt_token_details"];

    static readonly string[] outputDetails =
        ["completion_tokens_details", "output_tokens_details", "output_token_details", "completion_token_details"];

    /// <summary>Whether a report that names its totals as ours does has the details of OpenAI's, in the manner of a language.</summary>
    public static bool HasDetails(in ReportObject report) => report.KindOf("inputTokensDetails") == JsonValueKind.Object
        || report.KindOf("outputTokensDetails") == JsonValueKind.Object;

    /// <summary>Chat completions and embeddings.</summary>
    public static ReportCounts Chat(ReportReader reader, in ReportObject report, in ReportOrigin origin)
    {
        // DeepSeek tells what its cache had and what not; their sum is the prompt.
        var (hit, miss) = (reader.Find(report, "prompt_cache_hit_tokens"), reader.Find(report, "prompt_cache_miss_tokens"));
        var input = reader.Find(report, "prompt_tokens") ?? (hit ?? 0) + (miss ?? 0);
        if (hit + miss is { } prompt && prompt != input)
        {
            reader.Dispute("raw.prompt_tokens",
                $"is {input}, but `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens` add up to {prompt}");
            input = Math.Max(input, prompt);
        }
        // Some gateways say every total under both names.
        reader.Known(report, "input_tokens", "output_tokens");
        // What Mistral's connectors put into the conversation is a part of the total, and of nothing else.
        if (reader.Find(report, "connector_tokens") is { } connected
            && reader.Find(report, "total_tokens") != input + reader.Count(report, "completion_tokens"))
            input += connected;
        return Of(reader, report, input, reader.Count(report, "completion_tokens"), "prompt_tokens", "completion_tokens", origin);
    }

    /// <summary>Responses, images, realtime and transcriptions.</summary>
    public static ReportCounts Responses(ReportReader reader, in ReportObject report, in ReportOrigin origin) =>
        Of(reader, report, reader.Count(report, "input_tokens"), reader.Count(report, "output_tokens"), "input_tokens", "output_tokens",
            origin);

    /// <summary>Transcriptions that are paid by their length.</summary>
    public static ReportCounts Duration(ReportReader reader, in ReportObject report) =>
        new() { Parts = new() { AudioSecondsIn = reader.Number(report, "seconds") } };

    static ReportCounts Of(ReportReader reader, in ReportObject report, long input, long output, string inputName, string outputName,
        in ReportOrigin origin)
    {
        var (taken, given) = (reader.Inner(report, inputDetails), reader.Inner(report, outputDetails));
        // Gateways put the names of other providers beside these: LiteLLM Anthropic's, LangChain its own.
        var cached = reader.Find(taken, "cached_tokens", "cache_read", "cache_read_tokens", "cache_read_input_tokens", "flex_cache_read",
                "priority_cache_read")
            ?? Beside(reader, report, taken, "cached_tokens")
            ?? reader.Find(report, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cache_read_tokens", "cached_tokens",
                "num_cached_tokens", "input_cached_tokens", "cached_input_tokens", "cached_prompt_tokens", "cached_prompt_text_tokens")
            ?? 0;
        var (short5m, long1h) = Written(reader, report, taken);
        var reasoning = reader.Find(given, "reasoning_tokens", "reasoning", "thinking_tokens", "flex_reasoning", "priority_reasoning")
            ?? reader.Find(report, "reasoning_tokens", "reasoning_output_tokens")
            ?? 0;
        KnownBeside(reader, report, taken, given);
        // Perplexity, which alone reports citations and searches, counts its reasoning beside the completion and out of the total.
        var apart = !given.Exists && report.HasAny("citation_tokens", "num_search_queries") ? reasoning : 0;
        var ofCache = cached + short5m + long1h;
        var sound = reader.Number(report, "prompt_audio_seconds");
        if (cached > input)
        {
            // More than the whole can only stand beside it.
            reader.Dispute($"{(taken.Exists ? taken.Path : "raw")}.cached_tokens",
                $"is {cached}, more than the {input} `{inputName}` that it is a part of");
            input += cached;
        }
        // The rest of Mistral's total is the sound, which is paid by its seconds.
        if (reader.Find(report, "total_tokens") is { } total && total != input + output && !(sound > 0 && total > input + output))
            (input, output) = ByTotal(reader, total, input, output, reasoning, ofCache, (inputName, outputName), origin);
        output += apart;
        if (reasoning > output)
        {
            if (!origin.ReasoningMayBeApart)
                reader.Dispute($"{(given.Exists ? given.Path : "raw")}.reasoning_tokens",
                    $"is {reasoning}, more than the {output} `{outputName}` that it is a part of");
            output += reasoning;
        }
        var kinds = Kinds(reader, report, taken, input, ofCache);
        var (madeImages, madeSound) = Made(reader, report, given, inputName == "input_tokens" ? origin.Model : null, output - reasoning);
        return new()
        {
            InputTokens = input,
            OutputTokens = output,
            InputField = $"raw.{inputName}",
            OutputField = $"raw.{outputName}",
            ServiceTier = ReportReader.Text(report, "service_tier") ?? TierOf(taken) ?? TierOf(given),
            // Gateways to Anthropic hand these on.
            Region = AnthropicReport.RegionOf(report), Speed = AnthropicReport.SpeedOf(report),
            ReportedCost = ReportedCharge.Of(reader, report),
            Parts = Searches(reader, report, taken) with
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = kinds.CachedAudio,
                CachedImageInputTokens = kinds.CachedImage,
                CacheWrite5mTokens = short5m,
                CacheWrite1hTokens = long1h,
                AudioInputTokens = kinds.Audio,
                ImageInputTokens = kinds.Image,
                VideoInputTokens = kinds.Video,
                ReasoningTokens = reasoning,
                AudioOutputTokens = madeSound,
                ImageOutputTokens = madeImages,
                VideoOutputTokens = reader.Count(given, "video_tokens"),
                CitationTokens = reader.Count(report, "citation_tokens"),
                AudioSecondsIn = sound,
            },
        };
    }

    /// <summary>The kinds of an input of which so much was cached: what was is counted as cached, whatever it was.</summary>
    static InputKinds Kinds(ReportReader reader, in ReportObject report, in ReportObject taken, long input, long ofCache)
    {
        var cachedOf = reader.Inner(taken, "cached_tokens_details");
        var (audio, cachedAudio) = Uncached(reader, report, taken, cachedOf, ["audio_tokens", "audio"],
            ["input_audio_tokens", "audio_input_tokens"], ["input_cached_audio_tokens", "cache_audio_read_tokens"]);
        var (image, cachedImage) = Uncached(reader, report, taken, cachedOf, ["image_tokens", "image"],
            ["input_image_tokens", "prompt_image_tokens"], ["input_cached_image_tokens"]);
        var text = reader.Find(cachedOf, "text_tokens") ?? reader.Count(report, "input_cached_text_tokens");
        return new InputKinds(audio, image, reader.Count(taken, "video_tokens", "video"), cachedAudio, cachedImage)
            .Within(input, ofCache, ofCache - cachedAudio - cachedImage - text);
    }

    /// <summary>Images and sound of the output. The endpoints for images and for speech tell no parts: all of it is one of them.</summary>
    static (long Images, long Sound) Made(ReportReader reader, in ReportObject report, in ReportObject given, string? model, long output)
    {
        var images = reader.Find(given, "image_tokens", "image") ?? reader.Count(report, "output_image_tokens");
        var sound = reader.Find(given, "audio_tokens", "audio") ?? reader.Count(report, "output_audio_tokens", "audio_output_tokens");
        return given.Exists || images + sound > 0 ? (images, sound)
            : IsImageModel(model) ? (output, 0) : IsSpeechModel(model) ? (0, output) : (0, 0);
    }

    /// <summary>What the counts are where the total is another than their sum.</summary>
    static (long Input, long Output) ByTotal(ReportReader reader, long total, long input, long output, long reasoning, long ofCache,
        (string Input, string Output) names, in ReportOrigin origin)
    {
        // xAI leaves reasoning out of the completion, and gateways to Gemini do so too: the total says it.
        if (reasoning > 0 && total == input + output + reasoning) return (input, output + reasoning);
        // A gateway to Anthropic that left the cache out of the prompt.
        if (ofCache > 0 && total == input + output + ofCache) return (input + ofCache, output);
        reader.Dispute("raw.total_tokens", $"is {total}, but `{names.Input}` and `{names.Output}` add up to {input + output}");
        // What the total has more was made: thinking that the counts leave out.
        return (input, Math.Max(output, total - input));
    }

    /// <summary>Tokens written to a cache, for five minutes and for an hour.</summary>
    static (long Short, long Long) Written(ReportReader reader, in ReportObject report, in ReportObject taken)
    {
        var byLifetime = taken.KindOf("cache_creation") == JsonValueKind.Object;
        var written = reader.Find(taken, "cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
            ?? (byLifetime ? null : reader.Find(taken, "cache_creation"))
            ?? reader.Find(report, "cache_creation_input_tokens", "cache_write_tokens") ?? 0;
        var lifetimes = reader.Inner(taken, "cache_creation_token_details");
        if (!lifetimes.Exists && byLifetime) lifetimes = reader.Inner(taken, "cache_creation");
        if (!lifetimes.Exists) lifetimes = reader.Inner(report, "cache_creation");
        if (!lifetimes.Exists) lifetimes = taken;
        var (short5m, long1h) = (reader.Count(lifetimes, "ephemeral_5m_input_tokens"),
            reader.Count(lifetimes, "ephemeral_1h_input_tokens"));
        // Clients that tell the lifetimes may leave the sum at nothing.
        return (Math.Max(written - long1h, short5m), long1h);
    }

    /// <summary>LangChain says the tier in the names of the counts: `flex`, `priority_cache_read`.</summary>
    static string? TierOf(in ReportObject details) =>
        details.HasAny("flex", "flex_cache_read", "flex_reasoning") ? "flex"
        : details.HasAny("priority", "priority_cache_read", "priority_reasoning") ? "priority" : null;

    /// <summary>Parts that cost what their whole costs, and members that repeat what others say.</summary>
    static void KnownBeside(ReportReader reader, in ReportObject report, in ReportObject taken, in ReportObject given)
    {
        reader.Known(report, "cache_read_input_tokens", "cache_creation_input_tokens", "cached_tokens", "num_cached_tokens",
            "prompt_cache_hit_tokens", "reasoning_tokens", "cache_read_tokens", "cache_write_tokens", "request_usage_entries", "requests",
            "context_details", "num_server_side_tools_used", "native_usage", "input_text_tokens", "output_text_tokens",
            "prompt_text_tokens", "input_uncached_tokens", "input_cached_text_tokens", "audio_total_tokens");
        reader.Known(taken, "text_tokens", "text", "cache_creation_tokens", "cache_write_tokens", "cache_creation_input_tokens",
            "cache_read_input_tokens");
        if (taken.KindOf("cache_creation") == JsonValueKind.Number) reader.Known(taken, "cache_creation");
        reader.Known(reader.Inner(taken, "cached_tokens_details"), "text_tokens");
        reader.Known(taken, "flex", "priority");
        reader.Known(given, "flex", "priority");
        reader.Known(given, "text_tokens", "text", "accepted_prediction_tokens", "rejected_prediction_tokens");
    }

    /// <summary>
    /// Searches of Perplexity (one a request, whose context has a size, or as many as deep research made), of xAI's tools on the web and
    /// on X, and those that gateways report as Anthropic does.
    /// </summary>
    static UsageParts Searches(ReportReader reader, in ReportObject report, in ReportObject taken)
    {
        var size = ReportReader.Text(report, "search_context_size");
        var tools = reader.Inner(report, "server_side_tool_usage_details");
        var hosted = reader.Inner(report, "server_tool_use");
        reader.Known(hosted, "web_fetch_requests");
        var searches = reader.Find(report, "num_search_queries") ?? (size is null ? 0 : 1);
        searches += reader.Count(tools, "web_search_calls") + reader.Count(tools, "x_search_calls");
        // The same tools as xAI's own library names them.
        var byName = reader.Inner(report, "server_side_tool_usage");
        searches += reader.Count(byName, "SERVER_SIDE_TOOL_WEB_SEARCH") + reader.Count(byName, "SERVER_SIDE_TOOL_X_SEARCH");
        // LiteLLM says them among the details of the prompt where Gemini made them.
        searches += reader.Find(hosted, "web_search_requests") ?? reader.Count(taken, "web_search_requests");
        // Perplexity's agents, Mistral's connectors, and the plugins of DashScope.
        searches += reader.Count(reader.Inner(reader.Inner(report, "tool_calls_details"), "search_web"), "invocation");
        var connectors = reader.Inner(report, "connectors");
        searches += reader.Count(connectors, "web_search") + reader.Count(connectors, "web_search_premium");
        searches += reader.Count(reader.Inner(reader.Inner(report, "plugins"), "search"), "count");
        return new() { WebSearches = searches, WebSearchContext = size is "low" or "medium" or "high" ? size : null };
    }

    /// <summary>Tokens of a kind, told among the details or beside the totals, without those of them that were cached.</summary>
    static (long Count, long Cached) Uncached(ReportReader reader, in ReportObject report, in ReportObject all, in ReportObject cached,
        string[] names, string[] besideTotals, string[] cachedBesideTotals)
    {
        var count = reader.Find(all, names) ?? Beside(reader, report, all, names[0]) ?? reader.Count(report, besideTotals);
        var less = reader.Find(cached, names[0]) ?? reader.Count(report, cachedBesideTotals);
        if (less <= count) return (count - less, less);
        reader.Dispute(cached.Exists ? $"{cached.Path}.{names[0]}" : $"raw.{cachedBesideTotals[0]}",
            $"is {less}, more than the {count} `{names[0]}` that it is a part of");
        return (count, less);
    }

    /// <summary>A count of the details under the name of the other endpoint, which some services send beside the first.</summary>
    static long? Beside(ReportReader reader, in ReportObject report, in ReportObject taken, string name)
    {
        var other = reader.Inner(report, "input_tokens_details");
        if (!taken.Exists || !other.Exists || other.Path == taken.Path) return null;
        reader.Known(other, "text_tokens");
        return reader.Find(other, name);
    }

    static bool IsImageModel(string? model) => model is not null
        && (model.Contains("gpt-image", StringComparison.OrdinalIgnoreCase)
            || model.Contains("image-1", StringComparison.OrdinalIgnoreCase));

    static bool IsSpeechModel(string? model) => model?.Contains("-tts", StringComparison.OrdinalIgnoreCase) == true;
}
