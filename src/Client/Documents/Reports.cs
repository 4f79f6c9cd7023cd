// Usage over a period: sums, rows by dimension, steps of time, and the period before.
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record Report
{
    public ReportPeriod Period { get; init; } = new();
    public string Currency { get; init; } = "";
    public ReportSummary Summary { get; init; } = new();
    public IReadOnlyList<ReportRow> Breakdown { get; init; } = [];
    public IReadOnlyList<SeriesPoint> Series { get; init; } = [];
    public CostEstimate CostEstimate { get; init; } = new();
    public PaceOfPeriod Projection { get; init; } = new();

    /// <summary>Those of the account in the period, newest first, where they were asked for.</summary>
    public IReadOnlyList<Anomaly>? Anomalies { get; init; }

    /// <summary>Rows beyond `top`, by the type of their group.</summary>
    public IReadOnlyDictionary<string, int>? Omitted { get; init; }

    public PreviousPeriod? Previous { get; init; }

    /// <summary>Where filters ask for what only records have, and those from before are not kept any more.</summary>
    public DateTimeOffset? PartialSince { get; init; }
}

public sealed record ReportPeriod
{
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }
    public string TimeZone { get; init; } = "";
    public string Granularity { get; init; } = "";
}

public sealed record ReportSummary
{
    public Amount TotalInputTokens { get; init; }
    public Amount TotalOutputTokens { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }
    public Amount FailedRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    public long UniqueAccounts { get; init; }
    public long UniqueSessions { get; init; }
    public decimal AverageTokensPerSession { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal AverageCostPerRequest { get; init; }

    [JsonPropertyName("averageDurationMs"), JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan AverageDuration { get; init; }

    public DateTimeOffset? PeakTimestamp { get; init; }
    public Amount PeakTokens { get; init; }
    public decimal? SuccessPercent { get; init; }
    public DurationPercentiles? DurationPercentiles { get; init; }
    public UsageEfficiency Efficiency { get; init; } = new();

    /// <summary>Where it was asked for.</summary>
    public ReportedParts? Parts { get; init; }
}

/// <summary>What only records tell, of those that nobody corrected or took back.</summary>
public sealed record ReportedParts
{
    /// <summary>Kinds of tokens inside the totals and units beside them, by the names that a usage has for them.</summary>
    public IReadOnlyDictionary<string, decimal> Counts { get; init; } = new Dictionary<string, decimal>();

    /// <summary>How many of a hundred input tokens came from a cache; null without input.</summary>
    public decimal? CacheHitPercent { get; init; }

    /// <summary>How many records tell what their provider charged.</summary>
    public long Reported { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal ReportedCost { get; init; }

    /// <summary>What was booked for the same records when they came.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal BookedCost { get; init; }

    /// <summary>What the provider charged beyond that.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal CostDifference { get; init; }
}

/// <summary>`percentage` is the share of all tokens. `key` is null where records do not have the dimension.</summary>
public sealed record ReportRow
{
    public string Type { get; init; } = "";
    public string? Key { get; init; }

    /// <summary>The single keys of a pair (`groupBy=user*model`), in its order.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    public Amount TotalInputTokens { get; init; }
    public Amount TotalOutputTokens { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }
    public Amount FailedRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    /// <summary>Whose session it is, where a report over several accounts is grouped by sessions.</summary>
    public string? Account { get; init; }

    /// <summary>Records from before are not kept any more: what sessions and tags used before is not in the row.</summary>
    public DateTimeOffset? PartialSince { get; init; }

    /// <summary>Where it was asked for: the steps of the report.</summary>
    public IReadOnlyList<SeriesPoint>? Series { get; init; }

    public decimal Percentage { get; init; }
    public decimal CostPercentage { get; init; }
    public decimal? SuccessPercent { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal AverageCostPerRequest { get; init; }

    [JsonPropertyName("averageDurationMs"), JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan AverageDuration { get; init; }

    public DurationPercentiles? DurationPercentiles { get; init; }
    public UsageEfficiency Efficiency { get; init; } = new();

    /// <summary>Where it was asked for.</summary>
    public ReportedParts? Parts { get; init; }
}

public sealed record SeriesPoint
{
    public DateTimeOffset Start { get; init; }
    public DateTimeOffset End { get; init; }
    public Amount TotalInputTokens { get; init; }
    public Amount TotalOutputTokens { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }
    public Amount FailedRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }
}

/// <summary>Milliseconds that so many of a hundred calls did not exceed, within 1.6 %; null where no call told how long it took.</summary>
public sealed record DurationPercentiles
{
    [JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan P50 { get; init; }

    [JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan P90 { get; init; }

    [JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan P95 { get; init; }

    [JsonConverter(typeof(MeasuredMillisecondsConverter))]
    public TimeSpan P99 { get; init; }
}

/// <summary>What a request takes and what tokens cost; null where there is nothing to divide by.</summary>
public sealed record UsageEfficiency
{
    public decimal? TokensPerRequest { get; init; }
    public decimal? OutputPerInputToken { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? CostPerMillionTokens { get; init; }
}

/// <summary>What was booked for each model; `unpriced` counts records that have no price yet.</summary>
public sealed record CostEstimate
{
    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    public long Unpriced { get; init; }
    public IReadOnlyList<ModelCost> Models { get; init; } = [];
}

/// <summary>`percentage` is the share of the cost.</summary>
public sealed record ModelCost
{
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public Amount TotalTokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    public decimal Percentage { get; init; }

    /// <summary>Where parts were asked for: what of it is for input, output and units.</summary>
    public CostShares? Shares { get; init; }
}

/// <summary>They add up to the cost that was booked, divided as the model's list price divides the same counts.</summary>
public sealed record CostShares
{
    [JsonConverter(typeof(MoneyConverter))]
    public decimal Input { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Output { get; init; }

    /// <summary>For units: searches, images, requests.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal Other { get; init; }
}

/// <summary>The period of the same length before, and by how many percent each figure changed since.</summary>
public sealed record PreviousPeriod
{
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }
    public ReportSummary Summary { get; init; } = new();
    public ReportChange Change { get; init; } = new();
}

/// <summary>Percent; null where there was nothing before to compare with.</summary>
public sealed record ReportChange
{
    public decimal? TotalInputTokens { get; init; }
    public decimal? TotalOutputTokens { get; init; }
    public decimal? TotalTokens { get; init; }
    public decimal? TotalRequests { get; init; }
    public decimal? FailedRequests { get; init; }
    public decimal? TotalCost { get; init; }
}
