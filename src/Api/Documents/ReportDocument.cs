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
        AverageCostPerRequest = Core.Money.Format(tally.Requests == 0 ? 0 : (Int128)decimal.Round((decimal)tally.CostNanos / (decimal)tally.Requests));
        AverageDurationMs = tally.RecordsWithDuration == 0 ? 0 : decimal.Round((decimal)tally.DurationMs / tally.RecordsWithDuration, 2);
        PeakTimestamp = extent.PeakAt;
        PeakTokens = Amount.Whole(extent.PeakTokens);
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
}

/// <summary>`percentage` is the share of all tokens. `key` is null where records do not have the dimension.</summary>
public sealed class BreakdownDocument : MeasuresDocument
{
    internal BreakdownDocument(string type, string? key, IReadOnlyList<string?>? keys, Tally tally, decimal percentage) : base(tally)
    {
        Type = type;
        Key = key;
        Keys = keys;
        Percentage = percentage;
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

public sealed record ReportDocument(
    PeriodDocument Period, string Currency, SummaryDocument Summary, IReadOnlyList<BreakdownDocument> Breakdown, IReadOnlyList<SeriesDocument> Series);
