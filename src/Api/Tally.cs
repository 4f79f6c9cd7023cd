// Sums of usage while a report adds them up, and the figures that follow from them.
using Purser.Engine;

namespace Purser.Api;

sealed class Tally : RollupSums
{
    public Int128 Tokens => InputTokens + OutputTokens;

    public static Tally Of(IEnumerable<UsageSum> sums)
    {
        var tally = new Tally();
        foreach (var sum in sums) tally.Add(sum);
        return tally;
    }

    /// <summary>The share of all tokens, 0 to 100, with two decimals.</summary>
    public decimal PercentOf(Tally total) => Percent(Tokens, total.Tokens);

    public decimal CostPercentOf(Tally total) => Percent(CostNanos, total.CostNanos);

    /// <summary>Requests that did not fail; null where there were none.</summary>
    public decimal? SuccessPercent => Requests == 0 ? null : 100 - Percent(FailedRequests, Requests);

    public string AverageCostPerRequest => Core.Money.Format(Requests == 0 ? 0 : (Int128)decimal.Round((decimal)CostNanos / (decimal)Requests));

    public decimal AverageDurationMs => RecordsWithDuration == 0 ? 0 : decimal.Round((decimal)DurationMs / RecordsWithDuration, 2);

    static decimal Percent(Int128 part, Int128 whole) => whole == 0 ? 0 : decimal.Round((decimal)part * 100 / (decimal)whole, 2);
}
