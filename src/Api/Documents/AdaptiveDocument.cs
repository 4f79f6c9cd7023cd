// How adaptive limits degrade a call, as it is sent and shown.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class AdaptiveDocument
{
    /// <summary>In the order in which they are tried: `reduce_max_tokens`, `use_smaller_model`, `disable_tools`,
    /// `reduce_temperature`.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [AllowedValues("reduce_max_tokens", "use_smaller_model", "disable_tools", "reduce_temperature")]
    public IReadOnlyList<string>? Measures { get; set; }

    /// <summary>Models to fall back to, in order, each as `provider/model` or as a model alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? FallbackModels { get; set; }

    /// <summary>The output is never reduced below this; 50 where it is not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MinOutputTokens { get; set; }

    static readonly string[] words = ["reduce_max_tokens", "use_smaller_model", "disable_tools", "reduce_temperature"];

    internal static string WordOf(DegradationMeasure measure) => words[(int)measure];

    internal AdaptiveSettings ToSettings() => new(
        Measures?.Select((word, i) => Array.IndexOf(words, word) is >= 0 and var index
            ? (DegradationMeasure)index : throw RequestRefusedException.Invalid($"adaptive.measures[{i}]",
                $"must be one of {string.Join(", ", words)}")).ToArray(),
        FallbackModels, MinOutputTokens);

    internal static AdaptiveDocument Of(AdaptiveSettings settings) => new()
    {
        Measures = settings.Measures?.Select(WordOf).ToArray(),
        FallbackModels = settings.FallbackModels,
        MinOutputTokens = settings.MinOutputTokens,
    };
}
