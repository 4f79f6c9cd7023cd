// Reports of services that pass calls on: what OpenRouter tells of one afterwards, what each model had of a call, and charges without any
// count.
using System.Text.Json;

namespace Purser.Core;

static class RouterReport
{
    public static readonly string[] GenerationMarks = ["native_tokens_prompt", "native_tokens_completion", "tokens_prompt"];

    /// <summary>
    /// OpenRouter's statistics of a generation. What is billed are the model's own tokens; the others are of one tokenizer for all models.
    /// </summary>
    public static ReportCounts Generation(ReportReader reader, in ReportObject report)
    {
        reader.Known(report, "tokens_prompt", "tokens_completion", "num_media_prompt", "num_media_completion", "num_input_audio_prompt",
            "usage", "provider_responses");
        var thought = reader.Count(report, "native_tokens_reasoning");
        return new()
        {
            InputTokens = reader.Count(report, "native_tokens_prompt", "tokens_prompt"),
            OutputTokens = reader.Count(report, "native_tokens_completion", "tokens_completion"),
            InputField = "raw.native_tokens_prompt",
            OutputField = "raw.native_tokens_completion",
            ServiceTier = ReportReader.Text(report, "service_tier"),
            ReportedCost = ReportedCharge.Of(reader, report),
            Parts = new()
            {
                CachedInputTokens = reader.Count(report, "native_tokens_cached"),
                ReasoningTokens = thought,
                ImageOutputTokens = reader.Count(report, "native_tokens_completion_images"),
            },
        };
    }

    public static bool IsByModel(in ReportObject report) => report.KindOf("models") == JsonValueKind.Array;

    /// <summary>Groq's compound systems tell each model's own usage: the first is the call's, the others are lines of it.</summary>
    public static ReportCounts? ByModel(ReportReader reader, in ReportObject report, in ReportOrigin origin)
    {
        ReportCounts? first = null;
        var lines = new List<UsageLine>();
        foreach (var one in reader.List(report, "models"))
        {
            var (usage, model) = (reader.Inner(one, "usage"), ReportReader.Text(one, "model"));
            if (!usage.HasAny("prompt_tokens", "completion_tokens")) continue;
            var counts = OpenAIReport.Chat(reader, usage, origin);
            if (first is null) first = counts with { Model = model };
            else lines.Add(new(model ?? "", counts.InputTokens, counts.OutputTokens, counts.Parts));
        }
        return first is null ? null : first with { Lines = ReportCounts.ByModel(lines) };
    }

    /// <summary>xAI tells of images and videos what they cost, and nothing else.</summary>
    public static bool IsCharge(in ReportObject report) => report.KindOf("cost_in_usd_ticks") == JsonValueKind.Number
        || report.KindOf("cost") == JsonValueKind.Number || report.KindOf("total_cost") == JsonValueKind.Number;

    public static ReportCounts? Charge(ReportReader reader, in ReportObject report) =>
        ReportedCharge.Of(reader, report) is { } cost ? new() { ReportedCost = cost } : null;
}
