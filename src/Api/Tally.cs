// Sums of usage while a report adds them up, and the figures that follow from them.
using Purser.Api.Reports;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api;

/// <param name="exchange">How costs in other currencies are told; without it there is only one.</param>
sealed class Tally(Exchange? exchange = null) : RollupSums
{
    /// <summary>Nanos of other currencies by the rate that they are converted at: added up before anything is rounded.</summary>
    Dictionary<ExchangeRates.Conversion, Int128>? foreign;
    Int128 converted;

    public Int128 Tokens => InputTokens + OutputTokens;

    public static Tally Of(IEnumerable<UsageSum> sums, Exchange? exchange = null)
    {
        var tally = new Tally(exchange);
        foreach (var sum in sums) tally.Add(sum);
        return tally;
    }

    public new void Add(UsageSum sum)
    {
        if (exchange is null || sum.Currency == exchange.Currency || sum.CostNanos == 0)
        {
            base.Add(sum);
            return;
        }
        base.Add(sum with { CostNanos = 0 });
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(foreign ??= [], exchange.RateOf(sum),
            out _) += sum.CostNanos;
        converted = Unknown;
    }

    public new Int128 CostNanos
    {
        get
        {
            if (foreign is not null && converted == Unknown) converted = Exchange.NanosOf(foreign);
            return base.CostNanos + converted;
        }
    }

    static readonly Int128 Unknown = Int128.MinValue;

    /// <summary>The share of all tokens, 0 to 100, with two decimals.</summary>
    public decimal PercentOf(Tally total) => Percent(Tokens, total.Tokens);

    public decimal CostPercentOf(Tally total) => Percent(CostNanos, total.CostNanos);

    /// <summary>Requests that did not fail; null where there were none.</summary>
    public decimal? SuccessPercent => Requests == 0 ? null : 100 - Percent(FailedRequests, Requests);

    public string AverageCostPerRequest => Money.Format(Requests == 0 ? 0 : (Int128)decimal.Round((decimal)CostNanos / (decimal)Requests));

    public decimal AverageDurationMs => RecordsWithDuration == 0 ? 0 : decimal.Round((decimal)DurationMs / RecordsWithDuration, 2);

    static decimal Percent(Int128 part, Int128 whole) => whole == 0 ? 0 : decimal.Round((decimal)part * 100 / (decimal)whole, 2);
}
