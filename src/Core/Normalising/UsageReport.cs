// A provider's own usage report, brought into the one form that prices assume. Which form it has is told by its own members; the
// provider's name decides only where those do not.
using System.Text.Json;

namespace Purser.Core;

/// <summary>What a report says: totals that include their parts, parts that do not overlap.</summary>
public sealed record UsageReading(long InputTokens, long OutputTokens, UsageParts? Parts = null, string? ServiceTier = null,
    string? Region = null, string? Speed = null)
{
    /// <summary>All there is, where input and output are not told apart.</summary>
    public long? TotalTokens { get; init; }

    /// <summary>The model that made the answer, where the report names another one than was asked.</summary>
    public string? Model { get; init; }

    /// <summary>What other models did inside of the same call.</summary>
    public IReadOnlyList<UsageLine>? Lines { get; init; }

    /// <summary>What the provider says that it charged, in USD.</summary>
    public decimal? ReportedCost { get; init; }

    /// <summary>How the report contradicts itself; the larger reading was taken.</summary>
    public string? Disputed { get; init; }

    /// <summary>Members that may be counts and were not read.</summary>
    public IReadOnlyList<string>? Unread { get; init; }

    /// <summary>A usage with the counts of this report, which is <paramref name="raw"/>. What the usage says of tier, region, speed and
    /// charge stands above it.</summary>
    public Usage On(Usage usage, string raw) => usage with
    {
        Dimensions = Model is { } served ? usage.Dimensions with { Model = served } : usage.Dimensions,
        InputTokens = InputTokens,
        OutputTokens = OutputTokens,
        TotalTokens = TotalTokens,
        Parts = Parts,
        Lines = Lines,
        ReportedCost = usage.ReportedCost ?? ReportedCost,
        Disputed = Disputed,
        Unread = Unread,
        ServiceTier = usage.ServiceTier ?? ServiceTier,
        Region = usage.Region ?? Region,
        Speed = usage.Speed ?? Speed,
        Raw = raw,
    };
}

public static class UsageReport
{
    /// <summary>
    /// Reads the text of a report. Exactly one of the answers is there: a reading whose parts fit into its totals, or what is wrong
    /// with the report, under the name that the member has in it, behind `raw.`.
    /// </summary>
    public static (UsageReading? Reading, Outcome? Problem) Read(string? provider, string? model, string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, strict);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The second is half of a surrogate pair in the name of a member.
            return (null, Outcome.Invalid("raw", "is not valid JSON, or holds a member twice"));
        }
        using (document)
        {
            var whole = new ReportObject(document.RootElement, "raw");
            var report = whole;
            if (!report.Exists) return (null, Outcome.Invalid("raw", "must be a JSON object"));
            var origin = OriginOf(provider, model);
            if (report.TryFind(InvocationMetrics, out var metrics, out var path)) report = new(metrics, path);
            var family = origin.Family;
            var reader = new ReportReader();
            var shape = ShapeOf(reader, ref report, family);
            var counts = shape switch
            {
                ReportShape.Gemini => GeminiReport.Read(reader, report),
                ReportShape.OpenAIChat => OpenAIReport.Chat(reader, report, origin),
                ReportShape.OpenAIResponses => OpenAIReport.Responses(reader, report, origin),
                ReportShape.Duration => OpenAIReport.Duration(reader, report),
                ReportShape.Anthropic => AnthropicReport.Read(reader, report, model),
                ReportShape.Bedrock => BedrockReport.Read(reader, report),
                ReportShape.Cohere => CohereReport.Read(reader, report),
                ReportShape.Pages => PagesReport.Read(reader, report),
                ReportShape.Interactions => InteractionsReport.Read(reader, report),
                ReportShape.Counts => ClientReport.Counts(reader, report),
                ReportShape.AiSdk => ClientReport.AiSdk(reader, report),
                ReportShape.OpenServer => ClientReport.OpenServer(reader, report),
                ReportShape.InvocationLog => BedrockReport.Log(reader, report),
                ReportShape.Generation => RouterReport.Generation(reader, report),
                ReportShape.ByModel => RouterReport.ByModel(reader, report, origin),
                ReportShape.Plain => PlainReport.Read(reader, report),
                ReportShape.Charge => RouterReport.Charge(reader, report),
                ReportShape.Titan => ClientReport.Titan(reader, report),
                ReportShape.TotalOnly => ClientReport.TotalOnly(reader, report, origin.IsInputOnly),
                ReportShape.Own => OwnReport.Read(reader, report, family),
                _ => null,
            };
            if (counts is null) return (null, Outcome.Unprocessable("raw", Unknown(report)));
            counts = counts.Fitted(reader);
            return reader.Problem is { } problem ? (null, problem) : (counts.ToReading(reader, whole), null);
        }
    }

    // As deep as bodies may be.
    static readonly JsonDocumentOptions strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Under which InvokeModel on Bedrock puts its counts beside an answer.</summary>
    const string InvocationMetrics = "amazon-bedrock-invocationMetrics";

    enum ReportShape
    {
        Unknown, Gemini, Interactions, OpenAIChat, OpenAIResponses, Duration, Anthropic, Bedrock, Cohere, Pages, Counts, AiSdk, OpenServer,
        Titan, TotalOnly, Own, InvocationLog, Generation, ByModel, Plain, Charge,
    }

    /// <summary>The shape by the names as their provider writes them; where that is none, by the same names in any manner.</summary>
    static ReportShape ShapeOf(ReportReader reader, ref ReportObject report, string? family)
    {
        var shape = Shape(reader, report, family);
        // Libraries that write OpenAI's details in the manner of their language use our own names for the totals.
        var isOpenAI = shape == ReportShape.Own && OpenAIReport.HasDetails(report);
        // Anthropic's counts so written have one name in common with Bedrock's.
        var isAnthropic = shape == ReportShape.Bedrock && report.HasAny("cacheCreationInputTokens", "cacheCreation")
            && report.HasAny("inputTokens", "outputTokens") && !report.Has("totalTokens");
        if (shape is not (ReportShape.Unknown or ReportShape.TotalOnly or ReportShape.Charge) && !isOpenAI && !isAnthropic) return shape;
        var inAnyManner = report with { AnyManner = true };
        var other = isOpenAI ? ReportShape.OpenAIResponses : isAnthropic ? ReportShape.Anthropic : Shape(reader, inAnyManner, family);
        if (other is ReportShape.Unknown || (other is ReportShape.Charge && shape != ReportShape.Unknown)) return shape;
        report = inAnyManner;
        return other;
    }

    static ReportShape Shape(ReportReader reader, in ReportObject report, string? family)
    {
        if (report.HasAny(GeminiReport.Marks)) return ReportShape.Gemini;
        if (report.HasAny("prompt_tokens", "completion_tokens", "prompt_cache_hit_tokens")) return ReportShape.OpenAIChat;
        if (report.HasAny(InteractionsReport.Marks)) return ReportShape.Interactions;
        if (CohereReport.Is(reader, report)) return ReportShape.Cohere;
        if (report.HasAny(RouterReport.GenerationMarks)) return ReportShape.Generation;
        if (report.HasAny("input_tokens", "output_tokens"))
        {
            if (report.AnyManner && report.HasAny(BedrockReport.Marks) && report.Has("total_tokens")) return ReportShape.Bedrock;
            // Both forms use these two names. Alone they mean the same in either.
            var anthropic = report.HasAny(AnthropicReport.Marks);
            var openai = report.HasAny(OpenAIReport.ResponsesMarks);
            if (anthropic && openai)
                return family == "openai" || (family is null && IsInside(report)) ? ReportShape.OpenAIResponses : ReportShape.Anthropic;
            return anthropic || (family == "anthropic" && !openai) ? ReportShape.Anthropic : ReportShape.OpenAIResponses;
        }
        if (ReportReader.Text(report, "type") == "duration" && report.Has("seconds")) return ReportShape.Duration;
        if (report.HasAny(BedrockReport.Marks) && !report.HasAny(OwnReport.Marks)) return ReportShape.Bedrock;
        if (report.HasAny(ClientReport.CountMarks)) return ReportShape.Counts;
        if (report.HasAny(ClientReport.ServerMarks)) return ReportShape.OpenServer;
        if (report.Has("inputTextTokenCount")) return ReportShape.Titan;
        if (ClientReport.IsAiSdk(report)) return ReportShape.AiSdk;
        if (report.HasAny("inputTokens", "outputTokens") || report.HasAny(OwnReport.Marks)) return ReportShape.Own;
        if (report.Has("pages_processed")) return ReportShape.Pages;
        if (BedrockReport.IsLog(reader, report)) return ReportShape.InvocationLog;
        if (PlainReport.Is(report)) return ReportShape.Plain;
        if (RouterReport.IsByModel(report)) return ReportShape.ByModel;
        return report.HasAny(ClientReport.TotalMarks) ? ReportShape.TotalOnly
            : RouterReport.IsCharge(report) ? ReportShape.Charge : ReportShape.Unknown;
    }

    /// <summary>Of a report with the names of both: whether its total says that the cache is a part of the input. The larger reading is
    /// Anthropic's, in which the cache stands beside it.</summary>
    static bool IsInside(in ReportObject report)
    {
        var counts = new ReportReader();
        return counts.Find(report, "total_tokens") is { } total
            && total == counts.Count(report, "input_tokens") + counts.Count(report, "output_tokens");
    }

    /// <summary>Whose habits decide where a report does not say; and whether the model may count its reasoning apart from its
    /// completion.</summary>
    static ReportOrigin OriginOf(string? provider, string? model)
    {
        bool Named(string name) => provider?.Contains(name, StringComparison.OrdinalIgnoreCase) == true;
        bool Model(string name) => model?.Contains(name, StringComparison.OrdinalIgnoreCase) == true;
        var family = Named("anthropic") || Named("claude") || (provider is null && Model("claude")) ? "anthropic"
            : Named("openai") || Named("azure") ? "openai"
            : Named("voyage") || Named("jina") ? "embeddings" : null;
        // Models that put out nothing but vectors and ranks.
        return new(family, model, Named("xai") || Named("x-ai") || Model("grok"),
            family == "embeddings" || Model("embed") || Model("rerank"));
    }

    static string Unknown(in ReportObject report)
    {
        foreach (var whole in (string[])["usage", "usageMetadata", "usage_metadata", "meta"])
            if (report.KindOf(whole) == JsonValueKind.Object)
                return $"looks like a whole response; send its `{whole}` alone";
        return "is no usage report that is known: expected that of OpenAI (`prompt_tokens` or `input_tokens`), Anthropic "
            + "(`input_tokens`), Gemini (`promptTokenCount`), "
            + "Bedrock Converse (`inputTokens`), Cohere (`billed_units`), Mistral or DeepSeek (`prompt_tokens`), or `inputTokens` and "
                + "`outputTokens` with their parts";
    }
}
