// Which spans are calls of models, and the usage that they carry: the names of today's and yesterday's conventions of OpenTelemetry, and of
// the libraries that were there before them. Of several names for one thing the first that is there holds.
using System.Globalization;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Otlp;

static class SpanUsage
{
    static readonly string[] input =
    [
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
            "ai.usage.promptTokens",
    ];
    static readonly string[] output =
    [
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ];
    static readonly string[] total = ["llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens", "ai.usage.tokens"];
    static readonly string[] cacheRead =
    [
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_input_tokens",
        "llm.token_count.prompt_details.cache_read", "ai.usage.cachedInputTokens",
    ];
    static readonly string[] cacheWrite =
    [
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write", "ai.usage.inputTokenDetails.cacheWriteTokens",
    ];
    static readonly string[] reasoning =
    [
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
    ];
    static readonly string[] audioIn = ["gen_ai.usage.input_audio_tokens", "llm.token_count.prompt_details.audio"];
    static readonly string[] audioOut = ["gen_ai.usage.output_audio_tokens", "llm.token_count.completion_details.audio"];
    static readonly string[] cost = ["gen_ai.usage.cost.amount", "gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total"];
    static readonly string[] provider =
        ["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"];
    static readonly string[] model = ["gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.response.model",
        "ai.model.id"];
    static readonly string[] session = ["gen_ai.conversation.id", "session.id", "langsmith.trace.session_id"];
    static readonly string[] user = ["user.id", "enduser.id", "traceloop.association.properties.user_id"];
    static readonly string[] tool = ["gen_ai.tool.name", "tool.name"];
    static readonly string[] orchestrator = ["gen_ai.agent.name", "gen_ai.agent.id"];
    static readonly string[] tier =
    [
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
    ];
    static readonly string[] operation = ["gen_ai.operation.name", "llm.request.type", "openinference.span.kind", "ai.operationId"];

    /// <summary>Of other kinds (agents, chains, tools, workflows) whatever they carry is the sum of what happened inside them.</summary>
    static readonly HashSet<string> calls = new(StringComparer.OrdinalIgnoreCase)
    {
        "chat", "completion", "text_completion", "generate_content", "embeddings", "embedding", "LLM", "rerank", "RERANKER",
        "ai.generateText.doGenerate", "ai.streamText.doStream", "ai.generateObject.doGenerate", "ai.streamObject.doStream",
        "ai.embed.doEmbed", "ai.embedMany.doEmbed",
    };

    static readonly Dictionary<string, string> providers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["aws.bedrock"] = "bedrock", ["aws_bedrock"] = "bedrock", ["azure.ai.openai"] = "azure", ["az.ai.openai"] = "azure",
        ["azure.ai.inference"] = "azure_ai", ["az.ai.inference"] = "azure_ai", ["gcp.gemini"] = "gemini", ["gcp.vertex_ai"] = "vertex_ai",
        ["gcp.gen_ai"] = "gemini", ["mistral_ai"] = "mistral", ["x_ai"] = "xai", ["moonshot_ai"] = "moonshot",
        ["ibm.watsonx.ai"] = "watsonx",
    };

    /// <summary>Whether it carries counts of tokens at all.</summary>
    public static bool Carries(OtlpSpan span) => new[] { input, output, total }.Any(names => names.Any(span.Attributes.ContainsKey));

    public static bool IsCall(OtlpSpan span) => Text(span, operation) is not { } kind ? Text(span, model) is not null
        : calls.Contains(kind);

    /// <summary>The command that books it, or what can not be read of it.</summary>
    public static (Record? Record, string? Problem) Of(OtlpSpan span)
    {
        string? wrong = null;
        long Count(string[] names)
        {
            foreach (var name in names)
                if (span.Attributes.TryGetValue(name, out var value))
                {
                    if (Number(value) is { } number and >= 0 and <= 1_000_000_000_000 && number == decimal.Truncate(number))
                        return (long)number;
                    wrong ??= $"{name} is no count of tokens";
                }
            return 0;
        }
        if (span.TraceId.Length != 32 || span.SpanId.Length != 16) return (null, "its ids are not of 16 and 8 bytes");
        var (inputTokens, outputTokens, all) = (Count(input), Count(output), Count(total));
        var parts = new UsageParts
        {
            CachedInputTokens = Count(cacheRead), CacheWrite5mTokens = Count(cacheWrite), ReasoningTokens = Count(reasoning),
            AudioInputTokens = Count(audioIn), AudioOutputTokens = Count(audioOut),
        };
        if (wrong is not null) return (null, wrong);
        // Input includes what came from a cache, output what was thought; some emitters tell them apart, and the larger reading is booked.
        inputTokens = Math.Max(inputTokens, parts.CachedInputTokens + parts.CacheWrite5mTokens + parts.AudioInputTokens);
        outputTokens = Math.Max(outputTokens, parts.ReasoningTokens + parts.AudioOutputTokens);
        var onlyTotal = inputTokens == 0 && outputTokens == 0 && all > 0;
        var money = cost.Select(name => span.Attributes.TryGetValue(name, out var value) ? Number(value) : null).FirstOrDefault(
            known => known is >= 0 and < 1_000_000_000);
        return (new Record($"otlp-{span.TraceId}-{span.SpanId}", new()
        {
            Dimensions = new()
            {
                Provider = Text(span, provider) is { } named ? providers.GetValueOrDefault(named, named) : null, Model = Text(span, model),
                Session = Text(span, session), User = Text(span, user), Tool = Text(span, tool), Orchestrator = Text(span, orchestrator),
                Tags = new(StringComparer.Ordinal) { ["source"] = "otlp" },
            },
            InputTokens = inputTokens,
            OutputTokens = outputTokens,
            TotalTokens = onlyTotal ? all : null,
            Parts = parts == new UsageParts() ? null : parts,
            Timestamp = span.EndNanos > 0 ? Instant.FromUnixTimeMilliseconds((long)(span.EndNanos / 1_000_000)) : null,
            DurationMs = span.EndNanos >= span.StartNanos && span.StartNanos > 0 ? (long)((span.EndNanos - span.StartNanos) / 1_000_000)
                : null,
            Success = !span.Failed,
            Error = span.Failed ? Validity.Beginning(span.Error ?? Text(span, ["error.type"]) ?? "error", 500) : null,
            RequestId = Validity.IdOrNull(Text(span, ["gen_ai.response.id", "ai.response.id"])),
            ServiceTier = ServiceTiers.IfKnown(Text(span, tier)),
            ReportedCost = money,
        }), null);
    }

    /// <summary>The account that a span, or else its resource, names.</summary>
    public static string? AccountOf(OtlpSpan span) => (span.Attributes.GetValueOrDefault("purser.account")
        ?? span.Resource.GetValueOrDefault("purser.account")) as string;

    public static string? ServiceOf(OtlpSpan span) => span.Resource.GetValueOrDefault("service.name") as string;

    static string? Text(OtlpSpan span, string[] names)
    {
        foreach (var name in names)
            if (span.Attributes.GetValueOrDefault(name) is string { Length: > 0 } text)
                return Validity.Beginning(text, Validity.LongestName);
        return null;
    }

    /// <summary>Numbers come as texts too.</summary>
    static decimal? Number(object value) => value switch
    {
        long whole => whole,
        double and (< -1e15 or > 1e15 or double.NaN) => null,
        double fraction => (decimal)fraction,
        string text when decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var number) => number,
        _ => null,
    };
}
