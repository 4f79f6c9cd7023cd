// The counts of a report on their way into the one form, with the names that its own provider has for the totals.
namespace Purser.Core;

sealed record ReportCounts
{
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }
    public UsageParts Parts { get; init; } = new();
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    /// <summary>Members that are at fault where the parts exceed the totals.</summary>
    public string InputField { get; init; } = "raw";
    public string OutputField { get; init; } = "raw";

    public void Check(ReportReader reader)
    {
        if (reader.Problem is not null) return;
        if (Parts.CachedAudioInputTokens + Parts.CachedImageInputTokens > Parts.CachedInputTokens)
            reader.Refuse(InputField, $"has more cached sound and images than the {Parts.CachedInputTokens} tokens that were cached");
        var input = Parts.CachedInputTokens + Parts.CacheWrite5mTokens + Parts.CacheWrite1hTokens
            + Parts.AudioInputTokens + Parts.ImageInputTokens + Parts.VideoInputTokens;
        if (input > InputTokens)
            reader.Refuse(InputField, $"the parts of the input add up to {input}, more than the total of {InputTokens}");
        var output = Parts.ReasoningTokens + Parts.AudioOutputTokens + Parts.ImageOutputTokens + Parts.VideoOutputTokens;
        if (output > OutputTokens)
            reader.Refuse(OutputField, $"the parts of the output add up to {output}, more than the total of {OutputTokens}");
        if (InputTokens > Amounts.LargestTokens)
            reader.Refuse(InputField, $"the input adds up to more than {Amounts.LargestTokens} tokens");
        if (OutputTokens > Amounts.LargestTokens)
            reader.Refuse(OutputField, $"the output adds up to more than {Amounts.LargestTokens} tokens");
    }

    static readonly UsageParts none = new();

    public UsageReading ToReading() => new(InputTokens, OutputTokens, Parts == none ? null : Parts, Tier(ServiceTier), Region, Speed);

    /// <summary>The tiers that have prices of their own, under one name whoever reports them; every other name is the standard
    /// price.</summary>
    static string? Tier(string? reported) => reported?.ToLowerInvariant() switch
    {
        "batch" => "batch",
        "flex" or "on_demand_flex" => "flex",
        "priority" or "on_demand_priority" => "priority",
        _ => null,
    };
}
