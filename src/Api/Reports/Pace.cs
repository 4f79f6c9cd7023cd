// Where the usage of a report is going: an even rate since the first use in its period. The season and an interval are told by the
// projection of an account, which knows more of its past than a report of any range and filter does.
using NodaTime;
using Purser.Api.Documents;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Api.Reports;

static class Pace
{
    public static PaceOfPeriodDocument Of(ReportRequest request, IReadOnlyList<UsageSum> inTime, Tally total)
    {
        // What is booked for the future counts, but no time has passed for it.
        var until = Instant.Min(request.To, request.Now);
        var first = inTime.Aggregate(until, (earliest, sum) => Instant.Min(earliest, sum.Start!.Value));
        var days = Days(Instant.Max(first, request.From), until);
        var left = Days(until, Instant.Max(request.To, until));
        if (PaceOf((decimal)total.Tokens, days, left, false) is not { } tokens || PaceOf(Money.ToDecimal(total.CostNanos), days, left, true)
            is not { } cost
            || PaceOf((decimal)total.Requests, days, left, false) is not { } requests)
            return new(ProjectionStatus.Insufficient, decimal.Round(days, 1), null, null, null, null);
        return new(ProjectionStatus.Projected, decimal.Round(days, 1), decimal.Round(UsageRate.ConfidenceOf(days), 3), tokens, cost,
            requests);
    }

    static decimal Days(Instant from, Instant to) => Math.Max(0, decimal.Round((decimal)(to - from).TotalDays, 6));

    static PaceDocument? PaceOf(decimal amount, decimal days, decimal left, bool money)
    {
        if (UsageRate.Of(amount, days) is not { } rate) return null;
        Figure Of(decimal value) => new(decimal.Round(value, money ? 9 : 2), money);
        return new(Of(rate.PerDay), Of(rate.PerWeek), Of(rate.PerThirtyDays), Of(amount + rate.PerDay * left));
    }
}
