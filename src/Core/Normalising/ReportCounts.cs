// The counts of a report on their way into the one form, with the names that its own provider has for the totals.
namespace Purser.Core;

sealed record ReportCounts
{
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }

    /// <summary>All there is, where input and output are not told apart.</summary>
    public long? TotalTokens { get; init; }
    public UsageParts Parts { get; init; } = new();
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    /// <summary>The model that made the answer, where the report names it.</summary>
    public string? Model { get; init; }

    /// <summary>What other models did inside of the same call.</summary>
    public IReadOnlyList<UsageLine> Lines { get; init; } = [];

    /// <summary>What the provider says that it charged, in USD.</summary>
    public decimal? ReportedCost { get; init; }

    /// <summary>Members that are at fault where the parts exceed the totals.</summary>
    public string InputField { get; init; } = "raw";
    public string OutputField { get; init; } = "raw";

    /// <summary>The same with totals that hold their parts: where the parts are more, they are believed.</summary>
    public ReportCounts Fitted(ReportReader reader)
    {
        if (reader.Problem is not null) return this;
        var parts = Parts;
        var cachedKinds = parts.CachedAudioInputTokens + parts.CachedImageInputTokens;
        if (cachedKinds > parts.CachedInputTokens)
        {
            reader.Dispute(InputField, $"has {cachedKinds} tokens of cached sound and images, more than the {parts.CachedInputTokens} "
                + "tokens that were cached");
            parts = parts with { CachedInputTokens = cachedKinds };
        }
        var (input, output) = (InputTokens, OutputTokens);
        var ofInput = parts.CachedInputTokens + parts.CacheWrite5mTokens + parts.CacheWrite1hTokens
            + parts.AudioInputTokens + parts.ImageInputTokens + parts.VideoInputTokens;
        if (ofInput > input)
        {
            reader.Dispute(InputField, $"is less than the parts of the input, which add up to {ofInput}: {input}");
            input = ofInput;
        }
        var ofOutput = parts.ReasoningTokens + parts.AudioOutputTokens + parts.ImageOutputTokens + parts.VideoOutputTokens;
        if (ofOutput > output)
        {
            reader.Dispute(OutputField, $"is less than the parts of the output, which add up to {ofOutput}: {output}");
            output = ofOutput;
        }
        if (input > Amounts.LargestTokens) reader.Refuse(InputField, $"the input adds up to more than {Amounts.LargestTokens} tokens");
        if (output > Amounts.LargestTokens) reader.Refuse(OutputField, $"the output adds up to more than {Amounts.LargestTokens} tokens");
        return this with { InputTokens = input, OutputTokens = output, Parts = parts };
    }

    /// <summary>Lines as they are where there is room for them, else one for each model.</summary>
    public static IReadOnlyList<UsageLine> ByModel(List<UsageLine> lines) => lines.Count <= Validity.MostLines ? lines
        : [.. lines.GroupBy(line => line.Model, StringComparer.Ordinal).Select(group => group.Aggregate((one, other) => one with
        {
            InputTokens = one.InputTokens + other.InputTokens,
            OutputTokens = one.OutputTokens + other.OutputTokens,
            Parts = (one.Parts ?? none).Plus(other.Parts ?? none),
        }))];

    static readonly UsageParts none = new();

    public UsageReading ToReading(ReportReader reader, in ReportObject report) =>
        new(InputTokens, OutputTokens, Parts == none ? null : Parts, Tier(ServiceTier), Region, Speed)
        {
            TotalTokens = TotalTokens,
            Model = Model,
            Lines = Lines.Count == 0 ? null : Lines,
            ReportedCost = ReportedCost,
            Disputed = reader.Disputed,
            Unread = reader.Unread(report),
        };

    /// <summary>The tiers that have prices of their own, under one name whoever reports them; every other name is the standard
    /// price.</summary>
    static string? Tier(string? reported) => reported is not null && ServiceTiers.TryParse(reported, out var tier) ? tier : null;
}
