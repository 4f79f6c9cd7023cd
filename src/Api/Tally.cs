// Sums of usage while a report adds them up.
using Purser.Engine;

namespace Purser.Api;

sealed class Tally
{
    public Int128 InputTokens { get; private set; }
    public Int128 OutputTokens { get; private set; }
    public Int128 Requests { get; private set; }
    public Int128 FailedRequests { get; private set; }
    public Int128 CostNanos { get; private set; }
    public Int128 DurationMs { get; private set; }
    public long RecordsWithDuration { get; private set; }
    public long Records { get; private set; }

    public Int128 Tokens => InputTokens + OutputTokens;

    public void Add(UsageSum sum)
    {
        InputTokens += sum.InputTokens;
        OutputTokens += sum.OutputTokens;
        Requests += sum.Requests;
        FailedRequests += sum.FailedRequests;
        CostNanos += sum.CostNanos;
        DurationMs += sum.DurationMs;
        RecordsWithDuration += sum.RecordsWithDuration;
        Records += sum.Records;
    }

    public static Tally Of(IEnumerable<UsageSum> sums)
    {
        var tally = new Tally();
        foreach (var sum in sums) tally.Add(sum);
        return tally;
    }

    /// <summary>The share of all tokens, 0 to 100, with two decimals.</summary>
    public decimal PercentOf(Tally total) => total.Tokens == 0 ? 0 : decimal.Round((decimal)Tokens * 100 / (decimal)total.Tokens, 2);
}
