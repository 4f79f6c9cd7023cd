// Where an account's usage is going.
using NodaTime;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Api.Documents;

static class ProjectionStatus
{
    public const string Projected = "projected", Insufficient = "insufficient-data";
}

/// <summary>What is booked so far, and the expected total of the window with an 80 % interval; null where too little is known.</summary>
public sealed record ProjectedMeasureDocument(Figure Elapsed, Figure? Projected, Figure? Low, Figure? High);

public sealed record ProjectedWindowDocument(
    string Window, Instant Start, Instant End, decimal ElapsedPart, string Status, ProjectedMeasureDocument Tokens,
        ProjectedMeasureDocument Cost, ProjectedMeasureDocument Requests);

/// <summary>The use of the whole time that is known, spread evenly: per day, in a week and in thirty days.</summary>
public sealed record RateDocument(Figure PerDay, Figure PerWeek, Figure PerThirtyDays);

public sealed record RatesDocument(decimal BasedOnDays, decimal Confidence, RateDocument Tokens, RateDocument Cost, RateDocument Requests);

/// <summary>The last thirty whole days: their second half against the first, and averages per day.</summary>
public sealed class TrendDocument
{
    internal TrendDocument(Trend trend, bool money)
    {
        Direction = trend.Direction;
        ChangePercent = decimal.Round(trend.ChangePercent, 2);
        NextHalf = new(trend.NextHalf, money);
        Confidence = trend.Confidence;
        MovingAverage7 = new(decimal.Round(trend.MovingAverage7, 9), money);
        MovingAverage30 = new(decimal.Round(trend.MovingAverage30, 9), money);
        NextThirtyDays = new(decimal.Round(trend.NextThirtyDays, 9), money);
    }

    public TrendDirection Direction { get; }
    public decimal ChangePercent { get; }
    public Figure NextHalf { get; }
    public decimal Confidence { get; }
    public Figure MovingAverage7 { get; }
    public Figure MovingAverage30 { get; }
    public Figure NextThirtyDays { get; }
}

public sealed record TrendsDocument(TrendDocument Tokens, TrendDocument Cost);

/// <summary>`outlook`: exceeded, exhausts (at `exhaustedAt`), lasts, insufficient-data, or not-projected (session, request and rolling
/// windows, unlimited ones).</summary>
public sealed record LimitOutlookDocument(
    string LimitId, LimitUnit Unit, Window Window, string? Key, Amount Amount, Amount Settled, Amount Remaining, Instant? ResetsAt,
        string Outlook, Instant? ExhaustedAt);

/// <summary>`rate` and `trend` are null where less than a day, or fewer than two days, are known.</summary>
public sealed record ProjectionDocument(
    string Account, Instant AsOf, string TimeZone, string Currency, IReadOnlyList<ProjectedWindowDocument> Windows, RatesDocument? Rate,
        TrendsDocument? Trend,
    IReadOnlyList<LimitOutlookDocument> Limits, string? NextCursor);
