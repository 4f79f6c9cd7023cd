// Where the usage of a report is going: an even rate since the first use in its period. The season and an interval are told by the
// projection of an account, which knows more of its past than a report of any range and filter does.
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Answers;

/// <summary><see cref="AtEnd"/> is the expected total of the period at its end: what is booked, and the rate for what is left of
/// it.</summary>
/// <param name="PerDay">In a day.</param>
/// <param name="PerWeek">In a week.</param>
/// <param name="PerThirtyDays">In thirty days.</param>
/// <param name="AtEnd">The total that is expected at the end of the period.</param>
public sealed record PaceOfMeasure(Figure PerDay, Figure PerWeek, Figure PerThirtyDays, Figure AtEnd);

/// <summary>What the usage of a period comes to if it goes on. Figures are null where the first use is less than a day ago.</summary>
/// <param name="Status">projected, or insufficient-data.</param>
/// <param name="BasedOnDays">How many days of the period are known.</param>
/// <param name="Confidence">How sure it is, from 0 to 1.</param>
/// <param name="Tokens">Tokens, input and output together.</param>
/// <param name="Cost">Money.</param>
/// <param name="Requests">Requests.</param>
public sealed record Pace(string Status, decimal BasedOnDays, decimal? Confidence, PaceOfMeasure? Tokens, PaceOfMeasure? Cost,
    PaceOfMeasure? Requests)
{
    public static Pace Of(Instant from, Instant to, Instant now, IReadOnlyList<UsageSum> inTime, Tally total)
    {
        // What is booked for the future counts, but no time has passed for it.
        var until = Instant.Min(to, now);
        var first = inTime.Aggregate(until, (earliest, sum) => Instant.Min(earliest, sum.Start!.Value));
        var days = Days(Instant.Max(first, from), until);
        var left = Days(until, Instant.Max(to, until));
        if (PaceOf((decimal)total.Tokens, days, left, false) is not { } tokens || PaceOf(Money.ToDecimal(total.CostNanos), days, left, true)
            is not { } cost
            || PaceOf((decimal)total.Requests, days, left, false) is not { } requests)
            return new(ProjectionStatus.Insufficient, decimal.Round(days, 1), null, null, null, null);
        return new(ProjectionStatus.Projected, decimal.Round(days, 1), decimal.Round(UsageRate.ConfidenceOf(days), 3), tokens, cost,
            requests);
    }

    static decimal Days(Instant from, Instant to) => Math.Max(0, decimal.Round((decimal)(to - from).TotalDays, 6));

    static PaceOfMeasure? PaceOf(decimal amount, decimal days, decimal left, bool money)
    {
        if (UsageRate.Of(amount, days) is not { } rate) return null;
        Figure Of(decimal value) => Figure.Rounded(value, money, 2);
        return new(Of(rate.PerDay), Of(rate.PerWeek), Of(rate.PerThirtyDays), Of(amount + rate.PerDay * left));
    }
}
