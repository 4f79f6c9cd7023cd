// A report: what was used over a period, in sum, by group and over time.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;

namespace Purser.Api.Documents;

public sealed record PeriodDocument(Instant From, Instant To, string TimeZone, string Granularity);

public class MeasuresDocument
{
    internal MeasuresDocument(Tally tally)
    {
        TotalInputTokens = Amount.Whole(tally.InputTokens);
        TotalOutputTokens = Amount.Whole(tally.OutputTokens);
        TotalTokens = Amount.Whole(tally.Tokens);
        TotalRequests = Amount.Whole(tally.Requests);
        FailedRequests = Amount.Whole(tally.FailedRequests);
        TotalCost = Core.Money.Format(tally.CostNanos);
    }

    public Amount TotalInputTokens { get; }
    public Amount TotalOutputTokens { get; }
    public Amount TotalTokens { get; }
    public Amount TotalRequests { get; }
    public Amount FailedRequests { get; }
    public string TotalCost { get; }
}

public sealed class SummaryDocument : MeasuresDocument
{
    internal SummaryDocument(Tally tally, Engine.UsageExtent extent) : base(tally)
    {
        UniqueAccounts = extent.Accounts;
        UniqueSessions = extent.Sessions;
        AverageTokensPerSession = extent.Sessions == 0 ? 0 : decimal.Round((decimal)tally.Tokens / extent.Sessions, 2);
        AverageCostPerRequest = tally.AverageCostPerRequest;
        AverageDurationMs = tally.AverageDurationMs;
        PeakTimestamp = extent.PeakAt;
        PeakTokens = Amount.Whole(extent.PeakTokens);
        SuccessPercent = tally.SuccessPercent;
        DurationPercentiles = DurationPercentilesDocument.Of(tally);
        Efficiency = EfficiencyDocument.Of(tally);
    }

    [JsonPropertyOrder(1)]
    public long UniqueAccounts { get; }

    [JsonPropertyOrder(1)]
    public long UniqueSessions { get; }

    [JsonPropertyOrder(1)]
    public decimal AverageTokensPerSession { get; }

    [JsonPropertyOrder(1)]
    public string AverageCostPerRequest { get; }

    [JsonPropertyOrder(1)]
    public decimal AverageDurationMs { get; }

    [JsonPropertyOrder(1)]
    public Instant? PeakTimestamp { get; }

    [JsonPropertyOrder(1)]
    public Amount PeakTokens { get; }

    [JsonPropertyOrder(1)]
    public decimal? SuccessPercent { get; }

    [JsonPropertyOrder(1)]
    public DurationPercentilesDocument? DurationPercentiles { get; }

    [JsonPropertyOrder(1)]
    public EfficiencyDocument Efficiency { get; }
}

/// <summary>Milliseconds that so many of a hundred calls did not exceed, within 1.6 %; null where no call told how long it took.</summary>
public sealed record DurationPercentilesDocument(decimal P50, decimal P90, decimal P95, decimal P99)
{
    internal static DurationPercentilesDocument? Of(Tally tally)
    {
        if (tally.RecordsWithDuration == 0) return null;
        decimal At(decimal share) => tally.Durations.Percentile(share)!.Value;
        return new(At(0.5m), At(0.9m), At(0.95m), At(0.99m));
    }
}

/// <summary>What a request takes and what tokens cost; null where there is nothing to divide by.</summary>
public sealed record EfficiencyDocument(decimal? TokensPerRequest, decimal? OutputPerInputToken, string? CostPerMillionTokens)
{
    internal static EfficiencyDocument Of(Tally tally) => new(
        Ratio(tally.Tokens, tally.Requests, 2), Ratio(tally.OutputTokens, tally.InputTokens, 4),
        tally.Tokens == 0 ? null : Core.Money.Format((Int128)decimal.Round((decimal)tally.CostNanos / (decimal)tally.Tokens * 1_000_000)));

    static decimal? Ratio(Int128 part, Int128 whole, int decimals) => whole == 0
        ? null : decimal.Round((decimal)part / (decimal)whole, decimals);
}

/// <summary>`percentage` is the share of all tokens. `key` is null where records do not have the dimension.</summary>
public sealed class BreakdownDocument : MeasuresDocument
{
    internal BreakdownDocument(string type, string? key, IReadOnlyList<string?>? keys, Tally tally, Tally total) : base(tally)
    {
        Type = type;
        Key = key;
        Keys = keys;
        Percentage = tally.PercentOf(total);
        CostPercentage = tally.CostPercentOf(total);
        SuccessPercent = tally.SuccessPercent;
        AverageCostPerRequest = tally.AverageCostPerRequest;
        AverageDurationMs = tally.AverageDurationMs;
        DurationPercentiles = DurationPercentilesDocument.Of(tally);
        Efficiency = EfficiencyDocument.Of(tally);
    }

    [JsonPropertyOrder(-1)]
    public string Type { get; }

    [JsonPropertyOrder(-1)]
    public string? Key { get; }

    /// <summary>The single keys of a pair (`groupBy=user*model`), in its order.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string?>? Keys { get; }

    [JsonPropertyOrder(1)]
    public decimal Percentage { get; }

    [JsonPropertyOrder(1)]
    public decimal CostPercentage { get; }

    [JsonPropertyOrder(1)]
    public decimal? SuccessPercent { get; }

    [JsonPropertyOrder(1)]
    public string AverageCostPerRequest { get; }

    [JsonPropertyOrder(1)]
    public decimal AverageDurationMs { get; }

    [JsonPropertyOrder(1)]
    public DurationPercentilesDocument? DurationPercentiles { get; }

    [JsonPropertyOrder(1)]
    public EfficiencyDocument Efficiency { get; }
}

public sealed class SeriesDocument : MeasuresDocument
{
    internal SeriesDocument(Instant start, Instant end, Tally tally) : base(tally)
    {
        Start = start;
        End = end;
    }

    [JsonPropertyOrder(-1)]
    public Instant Start { get; }

    [JsonPropertyOrder(-1)]
    public Instant End { get; }
}

/// <summary>What was booked for each model; `unpriced` counts records that have no price yet.</summary>
public sealed record CostEstimateDocument(string TotalCost, long Unpriced, IReadOnlyList<ModelCostDocument> Models);

/// <summary>`percentage` is the share of the cost.</summary>
public sealed record ModelCostDocument(string? Provider, string? Model, Amount TotalTokens, string TotalCost, decimal Percentage);

/// <summary>The period of the same length before, and by how many percent each figure changed since.</summary>
public sealed record PreviousDocument(Instant From, Instant To, SummaryDocument Summary, ChangeDocument Change);

/// <summary>Percent; null where there was nothing before to compare with.</summary>
public sealed record ChangeDocument
{
    internal ChangeDocument(Tally now, Tally before)
    {
        TotalInputTokens = Percent(now.InputTokens, before.InputTokens);
        TotalOutputTokens = Percent(now.OutputTokens, before.OutputTokens);
        TotalTokens = Percent(now.Tokens, before.Tokens);
        TotalRequests = Percent(now.Requests, before.Requests);
        FailedRequests = Percent(now.FailedRequests, before.FailedRequests);
        TotalCost = Percent(now.CostNanos, before.CostNanos);
    }

    public decimal? TotalInputTokens { get; }
    public decimal? TotalOutputTokens { get; }
    public decimal? TotalTokens { get; }
    public decimal? TotalRequests { get; }
    public decimal? FailedRequests { get; }
    public decimal? TotalCost { get; }

    static decimal? Percent(Int128 now, Int128 before) => before == 0
        ? null : decimal.Round((decimal)(now - before) * 100 / (decimal)before, 2);
}

/// <summary><see cref="AtEnd"/> is the expected total of the period at its end: what is booked, and the rate for what is left of
/// it.</summary>
public sealed record PaceDocument(Figure PerDay, Figure PerWeek, Figure PerThirtyDays, Figure AtEnd);

/// <summary>What the usage of a report comes to if it goes on: from the first use in the period on. Figures are null where that is less
/// than a day ago.</summary>
public sealed record PaceOfPeriodDocument(string Status, decimal BasedOnDays, decimal? Confidence, PaceDocument? Tokens, PaceDocument? Cost,
    PaceDocument? Requests);

public sealed record ReportDocument(
    PeriodDocument Period, string Currency, SummaryDocument Summary, IReadOnlyList<BreakdownDocument> Breakdown,
        IReadOnlyList<SeriesDocument> Series,
    CostEstimateDocument CostEstimate, PaceOfPeriodDocument Projection)
{
    /// <summary>Those of the account in the period, newest first, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AnomalyDocument>? Anomalies { get; init; }

    /// <summary>Rows beyond `top`, by the type of their group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? Omitted { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PreviousDocument? Previous { get; init; }
}
