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
    Dictionary<ExchangeRates.Conversion, Int128>? foreign;
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

    public void Add(UsageSum sum)
    {
        if (told is null || sum.Currency == told.Currency || sum.CostNanos == 0)
        {
            sums.Add(sum);
            return;
        }
        sums.Add(sum with { CostNanos = 0 });
        CollectionsMarshal.GetValueRefOrAddDefault(foreign ??= [], told.RateOf(sum), out _) += sum.CostNanos;
        converted = null;
    }

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
