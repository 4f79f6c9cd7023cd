// Where an account's usage is going.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>`outlook`: exceeded, exhausts (at `exhaustedAt`), lasts, insufficient-data, or not-projected (session, request and rolling
/// windows, unlimited ones).</summary>
/// <param name="LimitId">The limit, as the policy names it.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Window">The window in which it is counted.</param>
/// <param name="Key">The value whose counter this is, for limits with `each`; else null.</param>
/// <param name="Amount">How much there may be in a window; null is unlimited.</param>
/// <param name="Settled">What was used in the window.</param>
/// <param name="Remaining">What is left; null is unlimited.</param>
/// <param name="ResetsAt">When the window ends.</param>
/// <param name="Outlook">What is to be expected of it.</param>
/// <param name="ExhaustedAt">When it is used up; null where it is not expected to be.</param>
public sealed record LimitOutlookDocument(
    string LimitId, LimitUnit Unit, Window Window, string? Key, Amount Amount, [property: Required] Amount Settled, Amount Remaining,
        Instant? ResetsAt,
        [property: AllowedValues("exceeded", "exhausts", "lasts", "insufficient-data", "not-projected")] string Outlook,
            Instant? ExhaustedAt);

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

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>The time for which it was made.</summary>
    public Instant AsOf { get; }

    /// <summary>The IANA time zone in which days and months begin.</summary>
    public string TimeZone { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>The current day, week, month and year.</summary>
    public IReadOnlyList<ProjectedWindow> Windows { get; }

    /// <summary>What is used in a day.</summary>
    public UsageRates? Rate { get; }

    /// <summary>Where it goes.</summary>
    public UsageTrends? Trend { get; }

    /// <summary>When limits are used up.</summary>
    public IReadOnlyList<LimitOutlookDocument> Limits { get; }

    /// <summary>Give it as `cursor` for what follows; null at the end.</summary>
    public string? NextCursor { get; }
}
