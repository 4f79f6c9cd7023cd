// Sums of usage while an answer adds them up, and the figures that follow from them.
using System.Runtime.InteropServices;
using Purser.Core;
using Purser.Engine;

namespace Purser.Answers;

/// <param name="told">The currency that costs are told in; without it there is only one.</param>
public sealed class Tally(ToldCurrency? told = null)
{
    readonly RollupSums sums = new();

    /// <summary>Nanos of other currencies by the rate that they are converted at: added up before anything is rounded.</summary>
    Dictionary<ExchangeRates.Conversion, Int128>? foreign, foreignReported, foreignBooked;
    Int128? converted;

    public static Tally Of(IEnumerable<UsageSum> sums, ToldCurrency? told = null)
    {
        var tally = new Tally(told);
        foreach (var sum in sums) tally.Add(sum);
        return tally;
    }

    public Int128 InputTokens => sums.InputTokens;
    public Int128 OutputTokens => sums.OutputTokens;
    public Int128 Tokens => sums.InputTokens + sums.OutputTokens;
    public Int128 Requests => sums.Requests;
    public Int128 FailedRequests => sums.FailedRequests;
    public long Records => sums.Records;
    public long Unpriced => sums.Unpriced;
    public Int128 CostNanos => sums.CostNanos + (foreign is null ? 0 : converted ??= ToldCurrency.NanosOf(foreign));

    /// <summary>Kinds of tokens and units by their names; nothing where they were not asked for.</summary>
    public IReadOnlyDictionary<string, decimal> PartCounts => sums.Parts?.Counts ?? noCounts;
    static readonly SortedDictionary<string, decimal> noCounts = [];

    /// <summary>How many records tell what their provider charged.</summary>
    public long Reported => sums.Parts?.Reported ?? 0;

    /// <summary>What providers say they charged.</summary>
    public Int128 ReportedNanos => NanosOf(sums.Parts?.ReportedNanos ?? 0, foreignReported);

    /// <summary>What was booked for the records whose providers say what they charged.</summary>
    public Int128 BookedForReportedNanos => NanosOf(sums.Parts?.BookedNanos ?? 0, foreignBooked);

    /// <summary>The share of input tokens that came from a cache; null without input.</summary>
    public decimal? CacheHitPercent => InputTokens <= 0 ? null
        : decimal.Round(PartCounts.GetValueOrDefault("cachedInputTokens") * 100 / (decimal)InputTokens, 2);

    public void Add(UsageSum sum)
    {
        if (told is null || sum.Currency == told.Currency || !sum.HasMoney)
        {
            sums.Add(sum);
            return;
        }
        sums.Add(sum with { CostNanos = 0, Parts = sum.Parts?.CountsOnly() });
        var rate = told.RateOf(sum);
        Convert(ref foreign, sum.CostNanos);
        if (sum.Parts is { Reported: > 0 } parts)
        {
            Convert(ref foreignReported, parts.ReportedNanos);
            Convert(ref foreignBooked, parts.BookedNanos);
        }
        converted = null;

        void Convert(ref Dictionary<ExchangeRates.Conversion, Int128>? to, Int128 nanos) =>
            CollectionsMarshal.GetValueRefOrAddDefault(to ??= [], rate, out _) += nanos;
    }

    static Int128 NanosOf(Int128 own, Dictionary<ExchangeRates.Conversion, Int128>? foreign) =>
        own + (foreign is null ? 0 : ToldCurrency.NanosOf(foreign));

    /// <summary>The share of all tokens, 0 to 100, with two decimals.</summary>
    public decimal PercentOf(Tally total) => Percent(Tokens, total.Tokens);

    public decimal CostPercentOf(Tally total) => Percent(CostNanos, total.CostNanos);

    /// <summary>Requests that did not fail; null where there were none.</summary>
    public decimal? SuccessPercent => Requests == 0 ? null : 100 - Percent(FailedRequests, Requests);

    public Int128 AverageNanosPerRequest => Requests == 0 ? 0 : Money.ShownNanos((decimal)CostNanos / (decimal)Requests);

    /// <summary>Null without tokens.</summary>
    public Int128? NanosPerMillionTokens => Tokens == 0 ? null : Money.ShownNanos((decimal)CostNanos / (decimal)Tokens * 1_000_000);

    public decimal AverageDurationMs => sums.RecordsWithDuration == 0 ? 0
        : decimal.Round((decimal)sums.DurationMs / sums.RecordsWithDuration, 2);

    public bool HasDurations => sums.RecordsWithDuration > 0;

    /// <summary>Milliseconds that such a share of the calls did not exceed; only where there are durations.</summary>
    public decimal DurationPercentile(decimal share) => sums.Durations.Percentile(share)!.Value;

    static decimal Percent(Int128 part, Int128 whole) => whole == 0 ? 0 : decimal.Round((decimal)part * 100 / (decimal)whole, 2);
}
