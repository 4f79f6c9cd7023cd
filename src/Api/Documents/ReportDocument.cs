// A report: what was used over a period, in sum, by group and over time.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

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
        TotalCost = Money.Format(tally.CostNanos);
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
    internal SummaryDocument(Tally tally, UsageExtent extent) : base(tally)
    {
        UniqueAccounts = extent.Accounts;
        UniqueSessions = extent.Sessions;
        AverageTokensPerSession = extent.Sessions == 0 ? 0 : decimal.Round((decimal)tally.Tokens / extent.Sessions, 2);
        AverageCostPerRequest = Money.Format(tally.AverageNanosPerRequest);
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
        return tally.HasDurations ? new(tally.DurationPercentile(0.5m), tally.DurationPercentile(0.9m), tally.DurationPercentile(0.95m),
            tally.DurationPercentile(0.99m)) : null;
    }
}

/// <summary>What a request takes and what tokens cost; null where there is nothing to divide by.</summary>
public sealed record EfficiencyDocument(decimal? TokensPerRequest, decimal? OutputPerInputToken, string? CostPerMillionTokens)
{
    internal static EfficiencyDocument Of(Tally tally) => new(
        Ratio(tally.Tokens, tally.Requests, 2), Ratio(tally.OutputTokens, tally.InputTokens, 4),
        tally.NanosPerMillionTokens is { } nanos ? Money.Format(nanos) : null);

    static decimal? Ratio(Int128 part, Int128 whole, int decimals) => whole == 0
        ? null : decimal.Round((decimal)part / (decimal)whole, decimals);
}

/// <summary>`percentage` is the share of all tokens. `key` is null where records do not have the dimension.</summary>
public sealed class BreakdownDocument : MeasuresDocument
{
    internal BreakdownDocument(ReportRow row, Report report) : base(row.Tally)
    {
        var (tally, total) = (row.Tally, report.Total);
        Type = row.Group.Type;
        Key = row.Key;
        Keys = row.Group.Names.Count > 1 ? [row.First, row.Second] : null;
        Account = row.Account;
        PartialSince = row.PartialSince;
        Series = row.Series is { } series ? [.. report.Series.Select((step, i) => new SeriesDocument(step.Start, step.End, series[i]))]
            : null;
        Percentage = tally.PercentOf(total);
        CostPercentage = tally.CostPercentOf(total);
        SuccessPercent = tally.SuccessPercent;
        AverageCostPerRequest = Money.Format(tally.AverageNanosPerRequest);
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

    /// <summary>Whose session it is, where a report over several accounts is grouped by sessions.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Account { get; }

    /// <summary>Records from before are not kept any more: what sessions and tags used before is not in the row.</summary>
    [JsonPropertyOrder(2)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? PartialSince { get; }

    /// <summary>Where `seriesOfRows` asked for it: the steps of the report, those without usage included.</summary>
    [JsonPropertyOrder(2)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SeriesDocument>? Series { get; }

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

public sealed class ReportDocument
{
    internal ReportDocument(Report report)
    {
        var question = report.Question;
        Period = new(question.From, question.To, question.Calendar.Zone.Id, question.Step.ToString());
        Currency = report.Currency;
        Summary = new(report.Total, report.Extent);
        Breakdown = [.. report.Rows.Select(row => new BreakdownDocument(row, report))];
        Series = [.. report.Series.Select(step => new SeriesDocument(step.Start, step.End, step.Tally))];
        CostEstimate = new(
            Money.Format(report.Total.CostNanos), Math.Max(0, report.Total.Unpriced),
            [.. report.Models.Select(model => new ModelCostDocument(
                model.Provider, model.Model, Amount.Whole(model.Tally.Tokens), Money.Format(model.Tally.CostNanos),
                model.Tally.CostPercentOf(report.Total)))]);
        Projection = report.Pace;
        Anomalies = report.Anomalies?.Select(one => new AnomalyDocument(one)).ToArray();
        Omitted = report.Omitted.Count > 0 ? report.Omitted : null;
        Previous = report.Previous is { } previous
            ? new(previous.From, previous.To, new(previous.Tally, previous.Extent), new(report.Total, previous.Tally)) : null;
        PartialSince = report.PartialSince;
    }

    public PeriodDocument Period { get; }
    public string Currency { get; }
    public SummaryDocument Summary { get; }
    public IReadOnlyList<BreakdownDocument> Breakdown { get; }
    public IReadOnlyList<SeriesDocument> Series { get; }
    public CostEstimateDocument CostEstimate { get; }
    public Pace Projection { get; }

    /// <summary>Those of the account in the period, newest first, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AnomalyDocument>? Anomalies { get; }

    /// <summary>Rows beyond `top`, by the type of their group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? Omitted { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PreviousDocument? Previous { get; }

    /// <summary>Where filters ask for what only records have, and those from before are not kept any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? PartialSince { get; }
}
