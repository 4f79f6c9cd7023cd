// Where an account's usage is going.
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>`outlook`: exceeded, exhausts (at `exhaustedAt`), lasts, insufficient-data, or not-projected (session, request and rolling
/// windows, unlimited ones).</summary>
public sealed record LimitOutlookDocument(
    string LimitId, LimitUnit Unit, Window Window, string? Key, Amount Amount, Amount Settled, Amount Remaining, Instant? ResetsAt,
        string Outlook, Instant? ExhaustedAt);

/// <summary>`rate` and `trend` are null where less than a day, or fewer than two days, are known.</summary>
public sealed class ProjectionDocument
{
    internal ProjectionDocument(AccountProjection projection)
    {
        Account = projection.Account;
        AsOf = projection.AsOf;
        TimeZone = projection.TimeZone;
        Currency = projection.Currency;
        Windows = projection.Windows;
        Rate = projection.Rate;
        Trend = projection.Trend;
        Limits = [.. projection.Limits.Select(one => new LimitOutlookDocument(
            one.Limit.LimitId, one.Limit.Unit, one.Limit.Window, one.Limit.Key, Amount.Of(one.Limit.Amount), Amount.Of(one.Limit.Settled),
            Amount.Of(one.Limit.Remaining), one.Limit.ResetsAt, one.Outlook, one.ExhaustedAt))];
        NextCursor = projection.NextCursor;
    }

    public string Account { get; }
    public Instant AsOf { get; }
    public string TimeZone { get; }
    public string Currency { get; }
    public IReadOnlyList<ProjectedWindow> Windows { get; }
    public UsageRates? Rate { get; }
    public UsageTrends? Trend { get; }
    public IReadOnlyList<LimitOutlookDocument> Limits { get; }
    public string? NextCursor { get; }
}
