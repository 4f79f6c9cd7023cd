// Reports as client libraries and servers of open models make them: Microsoft.Extensions.AI, the AI SDK in its versions 5 and 6, Ollama,
// llama.cpp, Titan on Bedrock, and totals alone.
using System.Text.Json;

namespace Purser.Core;

static class ClientReport
{
    public static readonly string[] CountMarks = ["inputTokenCount", "outputTokenCount", "input_token_count", "output_token_count"];

    /// <summary>
    /// Microsoft.Extensions.AI, OpenAI's library for .NET and LangChain4j: what was cached and what was thought are parts of the totals.
    /// The parts stand beside the totals, in details, or in a bag of further counts.
    /// </summary>
    public static ReportCounts Counts(ReportReader reader, in ReportObject report)
    {
        var input = reader.Count(report, "inputTokenCount", "input_token_count");
        var output = reader.Count(report, "outputTokenCount", "output_token_count", "generated_token_count");
        var (taken, given) = (reader.Inner(report, "inputTokenDetails", "inputTokensDetails"),
            reader.Inner(report, "outputTokenDetails", "outputTokensDetails"));
        var more = reader.Inner(report, "additionalCounts");
        var cached = reader.Find(report, "cachedInputTokenCount", "cached_input_token_count")
            ?? reader.Find(taken, "cachedTokenCount", "cachedTokens") ?? reader.Count(more, "InputTokenDetails.CachedTokenCount");
        var thought = reader.Find(report, "reasoningTokenCount", "reasoning_token_count")
            ?? reader.Find(given, "reasoningTokenCount", "reasoningTokens") ?? reader.Count(more, "OutputTokenDetails.ReasoningTokenCount");
        reader.Known(given, "acceptedPredictionTokenCount", "rejectedPredictionTokenCount");
        // The bag of further counts repeats what newer versions tell by members of their own.
        reader.Known(more, "InputTokenDetails.CachedTokenCount", "OutputTokenDetails.ReasoningTokenCount",
            "InputTokenDetails.AudioTokenCount", "OutputTokenDetails.AudioTokenCount",
            "OutputTokenDetails.AcceptedPredictionTokenCount", "OutputTokenDetails.RejectedPredictionTokenCount");
        var heard = reader.Find(report, "inputAudioTokenCount") ?? reader.Find(taken, "audioTokenCount")
            ?? reader.Count(more, "InputTokenDetails.AudioTokenCount");
        var totals = Totals(reader, report, input, output, cached, thought, ("inputTokenCount", "outputTokenCount", "totalTokenCount"));
        var kinds = new InputKinds(heard, 0, 0, 0, 0).Within(totals.InputTokens, cached, cached);
        return totals with
        {
            Parts = new()
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = kinds.CachedAudio,
                ReasoningTokens = thought,
                AudioInputTokens = kinds.Audio,
                AudioOutputTokens = reader.Find(report, "outputAudioTokenCount") ?? reader.Find(given, "audioTokenCount")
                    ?? reader.Count(more, "OutputTokenDetails.AudioTokenCount"),
            },
        };
    }

    public static bool IsAiSdk(in ReportObject report) => report.HasAny("inputTokenDetails", "outputTokenDetails", "noCacheTokens")
        || report.KindOf("inputTokens") == JsonValueKind.Object;

    /// <summary>The AI SDK 6: totals with details beside them, or inside of them as its providers give them.</summary>
    public static ReportCounts AiSdk(ReportReader reader, in ReportObject report)
    {
        var nested = report.KindOf("inputTokens") == JsonValueKind.Object;
        var taken = reader.Inner(report, nested ? "inputTokens" : "inputTokenDetails");
        var given = nested && !report.Has("outputTokens") ? default : reader.Inner(report, nested ? "outputTokens" : "outputTokenDetails");
        var (plain, read, written) = (reader.Find(taken, "noCacheTokens", "noCache"), reader.Find(taken, "cacheReadTokens", "cacheRead"),
            reader.Find(taken, "cacheWriteTokens", "cacheWrite"));
        var cached = read ?? reader.Count(report, "cachedInputTokens");
        var thought = reader.Find(given, "reasoningTokens", "reasoning") ?? reader.Count(report, "reasoningTokens");
        var text = reader.Count(given, "textTokens", "text");
        var input = (nested ? reader.Find(taken, "total") : reader.Find(report, "inputTokens")) ?? (plain ?? 0) + cached + (written ?? 0);
        var output = (nested ? reader.Find(given, "total") : reader.Find(report, "outputTokens")) ?? text + thought;
        reader.Known(report, "cachedInputTokens", "reasoningTokens", "raw");
        if (plain + cached + (written ?? 0) is { } parts && parts > input)
        {
            reader.Dispute("raw.inputTokens", $"is {input}, but its details add up to {parts}");
            input = parts;
        }
        return Totals(reader, report, input, output, cached, thought, ("inputTokens", "outputTokens", "totalTokens")) with
        {
            Parts = new() { CachedInputTokens = cached, CacheWrite5mTokens = written ?? 0, ReasoningTokens = thought },
        };
    }

    public static readonly string[] ServerMarks = ["prompt_eval_count", "eval_count", "tokens_evaluated", "tokens_predicted"];

    /// <summary>The last message of Ollama, and of the server of llama.cpp.</summary>
    public static ReportCounts OpenServer(ReportReader reader, in ReportObject report)
    {
        // How much of the prompt the server had at hand costs nobody anything.
        reader.Known(report, "tokens_cached");
        return new()
        {
            InputTokens = reader.Count(report, "prompt_eval_count", "tokens_evaluated"),
            OutputTokens = reader.Count(report, "eval_count", "tokens_predicted"),
            InputField = "raw.prompt_eval_count",
            OutputField = "raw.eval_count",
        };
    }

    /// <summary>Titan's text models on Bedrock: one count of the prompt, and one of each result.</summary>
    public static ReportCounts Titan(ReportReader reader, in ReportObject report)
    {
        var output = 0L;
        foreach (var result in reader.List(report, "results")) output += reader.Count(result, "tokenCount");
        return new()
        {
            InputTokens = reader.Count(report, "inputTextTokenCount"),
            OutputTokens = output + reader.Count(report, "outputTextTokenCount", "totalOutputTextTokenCount"),
            InputField = "raw.inputTextTokenCount",
            OutputField = "raw.results",
        };
    }

    public static readonly string[] TotalMarks =
        ["total_tokens", "totalTokens", "totalTokenCount", "total_token_count", "token_count", "tokens"];

    /// <summary>How many there were, and nothing of what they were: input alone, where the provider's models put out none.</summary>
    public static ReportCounts TotalOnly(ReportReader reader, in ReportObject report, bool onlyInput)
    {
        var total = reader.Count(report, TotalMarks);
        // Of embeddings of images: the text is told beside the total.
        reader.Known(report, "text_tokens", "image_pixels");
        return (onlyInput ? new() { InputTokens = total }
            : new ReportCounts { TotalTokens = total }) with { InputField = "raw.total_tokens" };
    }

    /// <summary>Totals that are to include what was cached and what was thought; where they are less, those stand beside them.</summary>
    internal static ReportCounts Totals(ReportReader reader, in ReportObject report, long input, long output, long cached, long thought,
        (string Input, string Output, string Total) names, bool cacheMayBeApart = false)
    {
        if (cached > input)
        {
            if (!cacheMayBeApart)
                reader.Dispute($"raw.{names.Input}", $"is {input}, less than the {cached} that were cached");
            input += cached;
        }
        if (thought > output)
        {
            reader.Dispute($"raw.{names.Output}", $"is {output}, less than the {thought} of reasoning");
            output += thought;
        }
        if (reader.Find(report, names.Total) is { } total && total != input + output
            && !(cacheMayBeApart && total == input + output - cached))
        {
            if (thought > 0 && total == input + output + thought) output += thought;
            else if (cached > 0 && total == input + output + cached) input += cached;
            else
            {
                reader.Dispute($"raw.{names.Total}", $"is {total}, but `{names.Input}` and `{names.Output}` add up to {input + output}");
                output = Math.Max(output, total - input);
            }
        }
        return new() { InputTokens = input, OutputTokens = output, InputField = $"raw.{names.Input}", OutputField = $"raw.{names.Output}" };
    }
}
