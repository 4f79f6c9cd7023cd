// A report: what was used over a period, in sum, by group and over time.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <param name="From">Its first instant.</param>
/// <param name="To">The instant before which it ends.</param>
/// <param name="TimeZone">The IANA time zone in which days and months begin.</param>
/// <param name="Granularity">The steps of the series.</param>
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

    /// <summary>Input tokens.</summary>
    [DataType("whole")]
    public Amount TotalInputTokens { get; }

    /// <summary>Output tokens.</summary>
    [DataType("whole")]
    public Amount TotalOutputTokens { get; }

    /// <summary>Tokens, input and output together.</summary>
    [DataType("whole")]
    public Amount TotalTokens { get; }

    /// <summary>Requests, failed ones included.</summary>
    [DataType("whole")]
    public Amount TotalRequests { get; }

    /// <summary>Requests that failed.</summary>
    [DataType("whole")]
    public Amount FailedRequests { get; }

    /// <summary>Money that was booked.</summary>
    [DataType("money")]
    public string TotalCost { get; }
}

public sealed class SummaryDocument : MeasuresDocument
{
    internal SummaryDocument(Tally tally, UsageExtent extent, bool withParts = false) : base(tally)
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
        Parts = withParts ? ReportedPartsDocument.Of(tally) : null;
    }

    /// <summary>How many accounts.</summary>
    [JsonPropertyOrder(1)]
    public long UniqueAccounts { get; }

    /// <summary>How many sessions.</summary>
    [JsonPropertyOrder(1)]
    public long UniqueSessions { get; }

    /// <summary>Tokens for each session.</summary>
    [JsonPropertyOrder(1)]
    public decimal AverageTokensPerSession { get; }

    /// <summary>Money for each request.</summary>
    [JsonPropertyOrder(1)]
    [DataType("money")]
    public string AverageCostPerRequest { get; }

    /// <summary>Milliseconds for each request that told how long it took.</summary>
    [JsonPropertyOrder(1)]
    public decimal AverageDurationMs { get; }

    /// <summary>When the largest record was; null where there is none.</summary>
    [JsonPropertyOrder(1)]
    public Instant? PeakTimestamp { get; }

    /// <summary>How many tokens it has.</summary>
    [JsonPropertyOrder(1)]
    [DataType("whole")]
    public Amount PeakTokens { get; }

    /// <summary>How many of a hundred requests succeeded; null where there was none.</summary>
    [JsonPropertyOrder(1)]
    public decimal? SuccessPercent { get; }

    /// <summary>How long requests took; null where none told.</summary>
    [JsonPropertyOrder(1)]
    public DurationPercentilesDocument? DurationPercentiles { get; }

    /// <summary>What a request takes and what tokens cost.</summary>
    [JsonPropertyOrder(1)]
    public EfficiencyDocument Efficiency { get; }

    /// <summary>Where `parts` asked for it: kinds of tokens, units, and what providers say they charged.</summary>
    [JsonPropertyOrder(1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReportedPartsDocument? Parts { get; }
}

/// <summary>What only records tell, of those that nobody corrected or took back.</summary>
/// <param name="Counts">Kinds of tokens inside the totals and units beside them, by the names that a usage has for them; those of
/// nothing are left out.</param>
/// <param name="CacheHitPercent">How many of a hundred input tokens came from a cache; null without input.</param>
/// <param name="Reported">How many records tell what their provider charged.</param>
/// <param name="ReportedCost">What it charged for those.</param>
/// <param name="BookedCost">What was booked for the same records when they came.</param>
/// <param name="CostDifference">What it charged beyond that; negative where it charged less.</param>
public sealed record ReportedPartsDocument(IReadOnlyDictionary<string, decimal> Counts, decimal? CacheHitPercent, long Reported,
    [property: DataType("money")] string ReportedCost, [property: DataType("money")] string BookedCost,
    [property: DataType("money")] string CostDifference)
{
    internal static ReportedPartsDocument Of(Tally tally) => new(
        tally.PartCounts, tally.CacheHitPercent, tally.Reported, Money.Format(tally.ReportedNanos),
            Money.Format(tally.BookedForReportedNanos),
        Money.Format(tally.ReportedNanos - tally.BookedForReportedNanos));
}

/// <summary>Milliseconds that so many of a hundred calls did not exceed, within 1.6 %; null where no call told how long it took.</summary>
/// <param name="P50">Of half of them.</param>
/// <param name="P90">Of nine in ten.</param>
/// <param name="P95">Of 95 in a hundred.</param>
/// <param name="P99">Of 99 in a hundred.</param>
public sealed record DurationPercentilesDocument(decimal P50, decimal P90, decimal P95, decimal P99)
{
    internal static DurationPercentilesDocument? Of(Tally tally)
    {
        return tally.HasDurations ? new(tally.DurationPercentile(0.5m), tally.DurationPercentile(0.9m), tally.DurationPercentile(0.95m),
            tally.DurationPercentile(0.99m)) : null;
    }
}

/// <summary>What a request takes and what tokens cost; null where there is nothing to divide by.</summary>
/// <param name="TokensPerRequest">Tokens for each request.</param>
/// <param name="OutputPerInputToken">Output tokens for each input token.</param>
/// <param name="CostPerMillionTokens">Money for a million tokens.</param>
public sealed record EfficiencyDocument(decimal? TokensPerRequest, decimal? OutputPerInputToken,
    [property: DataType("money")] string? CostPerMillionTokens)
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
        Parts = report.Question.WithParts ? ReportedPartsDocument.Of(tally) : null;
    }

    /// <summary>The dimension, or the pair of them, whose value this is.</summary>
    [JsonPropertyOrder(-1)]
    public string Type { get; }

    /// <summary>The value; null where records do not have the dimension.</summary>
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

    /// <summary>The share in percent.</summary>
    [JsonPropertyOrder(1)]
    public decimal Percentage { get; }

    /// <summary>The share of the money in percent.</summary>
    [JsonPropertyOrder(1)]
    public decimal CostPercentage { get; }

    /// <summary>How many of a hundred requests succeeded; null where there was none.</summary>
    [JsonPropertyOrder(1)]
    public decimal? SuccessPercent { get; }

    /// <summary>Money for each request.</summary>
    [JsonPropertyOrder(1)]
    [DataType("money")]
    public string AverageCostPerRequest { get; }

    /// <summary>Milliseconds for each request that told how long it took.</summary>
    [JsonPropertyOrder(1)]
    public decimal AverageDurationMs { get; }

    /// <summary>How long requests took; null where none told.</summary>
    [JsonPropertyOrder(1)]
    public DurationPercentilesDocument? DurationPercentiles { get; }

    /// <summary>What a request takes and what tokens cost.</summary>
    [JsonPropertyOrder(1)]
    public EfficiencyDocument Efficiency { get; }

    /// <summary>Where `parts` asked for it: kinds of tokens, units, and what providers say they charged.</summary>
    [JsonPropertyOrder(1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReportedPartsDocument? Parts { get; }
}

public sealed class SeriesDocument : MeasuresDocument
{
    internal SeriesDocument(Instant start, Instant end, Tally tally) : base(tally)
    {
        Start = start;
        End = end;
    }

    /// <summary>When the step begins.</summary>
    [JsonPropertyOrder(-1)]
    public Instant Start { get; }

    /// <summary>When it ends.</summary>
    [JsonPropertyOrder(-1)]
    public Instant End { get; }
}

/// <summary>What was booked for each model; `unpriced` counts records that have no price yet.</summary>
/// <param name="TotalCost">Money that was booked.</param>
/// <param name="Unpriced">How many records have no price yet.</param>
/// <param name="Models">The money by model.</param>
public sealed record CostEstimateDocument([property: DataType("money")] string TotalCost, long Unpriced,
    IReadOnlyList<ModelCostDocument> Models);

/// <summary>`percentage` is the share of the cost.</summary>
/// <param name="Provider">The provider; null where records name none.</param>
/// <param name="Model">The model; null where records name none.</param>
/// <param name="TotalTokens">Tokens, input and output together.</param>
/// <param name="TotalCost">Money that was booked.</param>
/// <param name="Percentage">The share in percent.</param>
public sealed record ModelCostDocument(string? Provider, string? Model, [property: DataType("whole")] Amount TotalTokens,
    [property: DataType("money")] string TotalCost, decimal Percentage)
{
    /// <summary>Where `parts` asked for it: what of it is for input, output and units. Left out where the model has no price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CostSharesDocument? Shares { get; init; }
}

/// <summary>They add up to the cost that was booked, divided as the model's list price divides the same counts.</summary>
/// <param name="Input">For input tokens of every kind.</param>
/// <param name="Output">For output tokens of every kind.</param>
/// <param name="Other">For units: searches, images, requests.</param>
public sealed record CostSharesDocument([property: DataType("money")] string Input, [property: DataType("money")] string Output,
    [property: DataType("money")] string Other);

/// <summary>The period of the same length before, and by how many percent each figure changed since.</summary>
/// <param name="From">Its first instant.</param>
/// <param name="To">The instant before which it ends.</param>
/// <param name="Summary">What was used in it.</param>
/// <param name="Change">By how many percent each figure changed since.</param>
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

    /// <summary>Of input tokens.</summary>
    public decimal? TotalInputTokens { get; }

    /// <summary>Of output tokens.</summary>
    public decimal? TotalOutputTokens { get; }

    /// <summary>Of all tokens.</summary>
    public decimal? TotalTokens { get; }

    /// <summary>Of requests.</summary>
    public decimal? TotalRequests { get; }

    /// <summary>Of requests that failed.</summary>
    public decimal? FailedRequests { get; }

    /// <summary>Of the money.</summary>
    public decimal? TotalCost { get; }

    static decimal? Percent(Int128 now, Int128 before) => before == 0
        ? null : decimal.Round((decimal)(now - before) * 100 / (decimal)before, 2);
}

public sealed class ReportDocument
{
    internal ReportDocument(Report report, Core.PriceBook prices)
    {
        var question = report.Question;
        Period = new(question.From, question.To, question.Calendar.Zone.Id, question.Step.ToString());
        Currency = report.Currency;
        Summary = new(report.Total, report.Extent, question.WithParts);
        Breakdown = [.. report.Rows.Select(row => new BreakdownDocument(row, report))];
        Series = [.. report.Series.Select(step => new SeriesDocument(step.Start, step.End, step.Tally))];
        CostEstimate = new(
            Money.Format(report.Total.CostNanos), Math.Max(0, report.Total.Unpriced),
            [.. report.Models.Select(model => new ModelCostDocument(
                model.Provider, model.Model, Amount.Whole(model.Tally.Tokens), Money.Format(model.Tally.CostNanos),
                model.Tally.CostPercentOf(report.Total))
            {
                Shares = question.WithParts && CostShares.Of(prices, model, question.To) is { } shares
                    ? new(Money.Format(shares.InputNanos), Money.Format(shares.OutputNanos), Money.Format(shares.OtherNanos)) : null,
            })]);
        Projection = report.Pace;
        Anomalies = report.Anomalies?.Select(one => new AnomalyDocument(one)).ToArray();
        Omitted = report.Omitted.Count > 0 ? report.Omitted : null;
        Previous = report.Previous is { } previous
            ? new(previous.From, previous.To, new(previous.Tally, previous.Extent), new(report.Total, previous.Tally)) : null;
        PartialSince = report.PartialSince;
    }

    /// <summary>The time that it is about.</summary>
    public PeriodDocument Period { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>What was used in sum.</summary>
    public SummaryDocument Summary { get; }

    /// <summary>What was used by group: a row for each value.</summary>
    public IReadOnlyList<BreakdownDocument> Breakdown { get; }

    /// <summary>What was used over time: a row for each step.</summary>
    public IReadOnlyList<SeriesDocument> Series { get; }

    /// <summary>What it cost, by model.</summary>
    public CostEstimateDocument CostEstimate { get; }

    /// <summary>What it comes to if it goes on.</summary>
    public Pace Projection { get; }

    /// <summary>Those of the account in the period, newest first, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AnomalyDocument>? Anomalies { get; }

    /// <summary>Rows beyond `top`, by the type of their group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, int>? Omitted { get; }

    /// <summary>The period before, where it was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PreviousDocument? Previous { get; }

    /// <summary>Where filters ask for what only records have, and those from before are not kept any more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? PartialSince { get; }
}
