// Projections of an account: to the end of the day, the week, the month and the year in its own calendar, and when each limit will be used
// up.
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Answers;

public static class ProjectionStatus
{
    public const string Projected = "projected", Insufficient = "insufficient-data";
}

/// <summary>What is booked so far, and the expected total of the window with an 80 % interval; null where too little is known.</summary>
/// <param name="Elapsed">What is booked so far.</param>
/// <param name="Projected">The total that is expected.</param>
/// <param name="Low">The lower end of the interval.</param>
/// <param name="High">The upper end of the interval.</param>
/// <param name="Bursty">Whether the weeks before were so unlike each other that the interval says little; null where too little is
/// known.</param>
public sealed record ProjectedMeasure(Figure Elapsed, Figure? Projected, Figure? Low, Figure? High, bool? Bursty);

/// <param name="Window">day, week, month or year.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ends.</param>
/// <param name="ElapsedPart">The share of it that is over.</param>
/// <param name="Status">projected, or insufficient-data.</param>
/// <param name="Tokens">Tokens, input and output together.</param>
/// <param name="Cost">Money.</param>
/// <param name="Requests">Requests.</param>
public sealed record ProjectedWindow(
    string Window, Instant Start, Instant End, decimal ElapsedPart, string Status, ProjectedMeasure Tokens, ProjectedMeasure Cost,
    ProjectedMeasure Requests);

/// <summary>The use of the whole time that is known, spread evenly: per day, in a week and in thirty days.</summary>
/// <param name="PerDay">In a day.</param>
/// <param name="PerWeek">In a week.</param>
/// <param name="PerThirtyDays">In thirty days.</param>
public sealed record RateOfMeasure(Figure PerDay, Figure PerWeek, Figure PerThirtyDays);

/// <param name="BasedOnDays">How many days are known.</param>
/// <param name="Confidence">How sure it is, from 0 to 1.</param>
/// <param name="Tokens">Tokens, input and output together.</param>
/// <param name="Cost">Money.</param>
/// <param name="Requests">Requests.</param>
public sealed record UsageRates(decimal BasedOnDays, decimal Confidence, RateOfMeasure Tokens, RateOfMeasure Cost, RateOfMeasure Requests);

/// <summary>The last thirty whole days: their second half against the first, and averages per day.</summary>
/// <param name="Direction">Where it goes.</param>
/// <param name="ChangePercent">By how many percent the second half differs from the first.</param>
/// <param name="NextHalf">What the next fifteen days come to if it goes on.</param>
/// <param name="Confidence">How sure it is, from 0 to 1.</param>
/// <param name="MovingAverage7">The average of the last seven days.</param>
/// <param name="MovingAverage30">The average of the last thirty days.</param>
/// <param name="NextThirtyDays">What the next thirty days come to if it goes on.</param>
public sealed record TrendOfMeasure(TrendDirection Direction, decimal ChangePercent, Figure NextHalf, decimal Confidence,
    Figure MovingAverage7, Figure MovingAverage30, Figure NextThirtyDays);

/// <param name="Tokens">Tokens, input and output together.</param>
/// <param name="Cost">Money.</param>
public sealed record UsageTrends(TrendOfMeasure Tokens, TrendOfMeasure Cost);

/// <summary>Outlook: exceeded, exhausts (at <see cref="ExhaustedAt"/>), lasts, insufficient-data, or not-projected (session, request and
/// rolling windows, unlimited ones).</summary>
public sealed record LimitOutlook(LimitView Limit, string Outlook, Instant? ExhaustedAt);

/// <summary>Rate and trend are null where less than a day, or fewer than two days, are known.</summary>
public sealed record AccountProjection(
    string Account, Instant AsOf, string TimeZone, string Currency, IReadOnlyList<ProjectedWindow> Windows, UsageRates? Rate,
    UsageTrends? Trend, IReadOnlyList<LimitOutlook> Limits, string? NextCursor);

public sealed class Projections(IBudgetAuthority authority, IUsageQueries queries, IUsageHistories histories, LedgerClock clock)
{
    const int TrendDays = 30;

    /// <summary>A limit that never resets is looked at this far ahead.</summary>
    static readonly Duration furthest = Duration.FromDays(366);

    /// <summary>Of a limit for some calls only its own use is known: so much of its window must have passed before that is a
    /// pace.</summary>
    const decimal LeastElapsedPart = 0.1m;

    /// <summary>
    /// The projection of an account, with the outlook of so many limits from a cursor on. May throw <see cref="AnswerRefusedException"/>
    /// and <see cref="LedgerUnavailableException"/>.
    /// </summary>
    public async Task<AccountProjection> OfAsync(string account, string? cursor, int limits, CancellationToken cancellation = default)
    {
        var status = await authority.SendAsync(account, new GetStatus(cursor, limits), cancellation);
        if (status.Answer is not AccountStatus stands) throw new AnswerRefusedException(status);
        var policy = await authority.SendAsync(account, new GetPolicy(), cancellation);
        if (policy.Answer is not PolicyView { Effective: var effective }) throw new AnswerRefusedException(policy);
        var now = clock.Now;
        var past = new Past(await histories.ReadAsync(account, cancellation), now);
        Window[] kinds = [new(WindowKind.Day), new(WindowKind.Week), new(WindowKind.Month), new(WindowKind.Year)];
        var spans = Array.ConvertAll(kinds, kind => effective.Calendar.Bounds(kind, now));
        var until = clock.Until();
        var elapsed = await queries.AskAsync([.. spans.Select(span => new UsageQuestion(
            new() { Account = account, From = span.Start, To = until }, [], UsageStep.Whole))], cancellation);
        var unfiltered = effective.Limits.Where(limit => limit.Limit is { Each: null, Match: null or { Count: 0 } })
            .Select(limit => limit.Limit.Id).ToHashSet(StringComparer.Ordinal);
        return new(
            account, now, effective.TimeZone, effective.Currency,
            [.. kinds.Select((kind, i) => Window(kind, spans[i], elapsed.Items[i].Sums, effective, past, now))],
            RatesOf(past), TrendsOf(past, effective.Calendar, now),
            [.. stands.Limits.Select(limit =>
            {
                var (outlook, at) = Outlook(limit, past, now, unfiltered.Contains(limit.LimitId));
                return new LimitOutlook(limit, outlook, at);
            })], stands.NextCursor);
    }

    /// <summary>What is elapsed is summed exactly; what is left comes from the hours.</summary>
    static ProjectedWindow Window(Window window, Span span, IReadOnlyList<UsageSum> sums, EffectivePolicy policy, Past past, Instant now)
    {
        var all = Tally.Of(sums);
        var cost = sums.Where(sum => sum.Currency == policy.Currency).Aggregate((Int128)0, (total, sum) => total + sum.CostNanos);
        var (tokens, spent, calls) = (
            Measure((decimal)all.Tokens, past.Rest(hour => hour.Tokens, span.End), false),
            Measure(Money.ToDecimal(cost), past.Rest(hour => (double)hour.CostNanos / Money.NanosPerUnit, span.End), true),
            Measure((decimal)all.Requests, past.Rest(hour => hour.Requests, span.End), false));
        var part = decimal.Round((decimal)((now - span.Start).TotalSeconds / (span.End - span.Start).TotalSeconds), 4);
        return new(window.ToString(), span.Start, span.End, part, tokens.Projected is null ? ProjectionStatus.Insufficient
            : ProjectionStatus.Projected, tokens, spent, calls);
    }

    static ProjectedMeasure Measure(decimal elapsed, ProjectedRest? rest, bool money)
    {
        if (rest is not { } ahead) return new(new(elapsed, money), null, null, null, null);
        Figure Total(double more) => new(elapsed + Rounded(more, money), money);
        return new(new(elapsed, money), Total(ahead.Point), Total(ahead.Low), Total(ahead.High), ahead.IsBursty);
    }

    static decimal Rounded(double value, bool money)
    {
        var number = (decimal)Math.Clamp(value, 0, 1e18);
        return money ? Money.Shown(number) : decimal.Round(number);
    }

    static UsageRates? RatesOf(Past past)
    {
        var days = past.KnownDays;
        if (UsageRate.Of((decimal)past.Total.Tokens, days) is not { } tokens || UsageRate.Of(Money.ToDecimal(past.Total.CostNanos), days)
            is not { } cost
            || UsageRate.Of(past.Total.Requests, days) is not { } requests) return null;
        return new(decimal.Round(days, 1), decimal.Round(tokens.Confidence, 3), RateOf(tokens, false), RateOf(cost, true),
            RateOf(requests, false));
    }

    static RateOfMeasure RateOf(UsageRate rate, bool money)
    {
        Figure Of(decimal value) => Figure.Rounded(value, money, 2);
        return new(Of(rate.PerDay), Of(rate.PerWeek), Of(rate.PerThirtyDays));
    }

    static UsageTrends? TrendsOf(Past past, Calendar calendar, Instant now)
    {
        var days = past.Days(calendar, now, TrendDays);
        var records = days.Sum(day => day.Requests);
        return Trend.Of([.. days.Select(day => (decimal)day.Tokens)], records) is { } tokens
            && Trend.Of([.. days.Select(day => Money.ToDecimal(day.CostNanos))], records) is { } cost
            ? new(Rounded(tokens, false), Rounded(cost, true)) : null;
    }

    static TrendOfMeasure Rounded(Trend trend, bool money)
    {
        Figure Of(decimal value) => Figure.Rounded(value, money, 9);
        return new(
            trend.Direction, decimal.Round(trend.ChangePercent, 2), new(trend.NextHalf, money), trend.Confidence, Of(trend.MovingAverage7),
            Of(trend.MovingAverage30), Of(trend.NextThirtyDays));
    }

    static (string Outlook, Instant? At) Outlook(LimitView limit, Past past, Instant now, bool countsAll)
    {
        if (limit.Amount is not { } amount || limit.Window.Kind is WindowKind.Request or WindowKind.Session or WindowKind.Rolling)
            return ("not-projected", null);
        if (limit.Settled.Value >= amount.Value) return ("exceeded", null);
        var left = (double)(amount.Value - limit.Settled.Value);
        var end = limit.ResetsAt ?? now + furthest;
        Func<UsageHour, double>? measure = limit.Unit switch
        {
            LimitUnit.Tokens => hour => hour.Tokens, LimitUnit.Cost => hour => (double)hour.CostNanos, LimitUnit.Requests => hour =>
                hour.Requests, _ => null,
        };
        if (countsAll && measure is not null)
        {
            if (!past.IsEnough) return (ProjectionStatus.Insufficient, null);
            return past.WhenReached(measure, left, end) is { } reached ? ("exhausts", reached) : ("lasts", null);
        }
        if (limit.WindowStart is not { } start || limit.ResetsAt is null || now <= start) return ("not-projected", null);
        var elapsed = now - start;
        if ((decimal)(elapsed.TotalSeconds / (end - start).TotalSeconds) < LeastElapsedPart) return (ProjectionStatus.Insufficient, null);
        if (limit.Settled.Value <= 0) return ("lasts", null);
        var exhausted = now + Duration.FromSeconds(
            Math.Min(furthest.TotalSeconds, left / (double)limit.Settled.Value * elapsed.TotalSeconds));
        return exhausted < end ? ("exhausts", Seconds(exhausted)) : ("lasts", null);
    }

    static Instant Seconds(Instant at) => Instant.FromUnixTimeSeconds(at.ToUnixTimeSeconds());

    /// <summary>The hours of a history as projections ask for them: complete ones, zeros included, from the first use on.</summary>
    sealed class Past
    {
        readonly Dictionary<long, UsageHour> hours;
        readonly long first;
        readonly long current;
        readonly double now;

        public Past(UsageHistoryView history, Instant at)
        {
            now = at.ToUnixTimeMilliseconds() / 3_600_000.0;
            current = (long)Math.Floor(now);
            hours = history.Hours.ToDictionary(hour => hour.Start.ToUnixTimeSeconds() / 3600, hour => hour.Usage);
            first = history.Hours.Count == 0 ? current : Math.Min(current, history.Hours[0].Start.ToUnixTimeSeconds() / 3600);
        }

        public bool IsEnough => current - first >= Projection.LeastHours;

        public decimal KnownDays => decimal.Round((decimal)(now - first) / 24, 6);

        public UsageHour Total => hours.Where(hour => hour.Key <= current).Aggregate(default(UsageHour), (sum, hour) => sum + hour.Value);

        public ProjectedRest? Rest(Func<UsageHour, double> measure, Instant end) =>
            Projection.Rest(Known(measure), first, now, HourOf(end));

        public Instant? WhenReached(Func<UsageHour, double> measure, double amount, Instant end) =>
            Projection.WhenReached(Known(measure), first, now, amount, HourOf(end)) is { } hour
                ? Instant.FromUnixTimeSeconds((long)Math.Ceiling(hour * 3600)) : null;

        HourlyPast Known(Func<UsageHour, double> measure) => hour => hour < first || hour >= current
            ? double.NaN : measure(hours.GetValueOrDefault(hour));

        static double HourOf(Instant at) => at.ToUnixTimeMilliseconds() / 3_600_000.0;

        /// <summary>Whole days before today, oldest first, from the first use on.</summary>
        public List<UsageHour> Days(Calendar calendar, Instant at, int most)
        {
            var days = new List<UsageHour>();
            var end = calendar.Bounds(new(WindowKind.Day), at).Start;
            while (days.Count < most && HourOf(end) > first)
            {
                var start = calendar.Bounds(new(WindowKind.Day), end - Duration.FromSeconds(1)).Start;
                var sum = default(UsageHour);
                for (var hour = (long)Math.Floor(HourOf(start)); hour < (long)Math.Floor(HourOf(end)); hour++)
                    sum += hours.GetValueOrDefault(hour);
                days.Add(sum);
                end = start;
            }
            days.Reverse();
            return days;
        }
    }
}
