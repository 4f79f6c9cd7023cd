// What a rule sees in an event, in words: what it is about, how far it has gone, and what people read.
using System.Globalization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

/// <summary>
/// Something worth an alert. <see cref="About"/> tells it from others of the same rule; <see cref="Level"/> orders what is seen of the same
/// thing: the share of a limit, or how severe an anomaly is.
/// </summary>
public sealed record AlertSight(string On, string? Account, string? Subject, string About, decimal Level, Instant At, long Position)
{
    public required string Title { get; init; }
    public required string Text { get; init; }
    public required IReadOnlyDictionary<string, string> Facts { get; init; }

    /// <summary>How severe it is by itself, where the rule does not say so.</summary>
    public AlertSeverity? Severity { get; init; }
    public Instant? EndsAt { get; init; }
    public Instant? WindowStart { get; init; }

    /// <summary>An alert that no event ends is over so long after it was last seen.</summary>
    static readonly Duration untilQuiet = Duration.FromDays(1);

    public static string AboutLimit(string limit, string? key, Instant windowStart) => windowStart == Instant.MinValue
        ? $"{limit}/{key}" : string.Create(CultureInfo.InvariantCulture, $"{limit}/{key}/{windowStart.ToUnixTimeMilliseconds()}");

    public static AlertSight Of(string account, ThresholdCrossed crossed, long position)
    {
        var money = crossed.Unit == LimitUnit.Cost;
        decimal Number(Int128 amount) => money ? Money.ToDecimal(amount) : (decimal)amount;
        var currency = money ? crossed.Currency : null;
        var (settled, amount) = (Number(crossed.Settled), Number(crossed.Amount));
        var unit = crossed.Unit is { } known ? Names.Of(known) : "";
        var bounded = crossed.Window != Span.Always && crossed.Window.End != Instant.MaxValue;
        var facts = new Dictionary<string, string>
        {
            ["account"] = account, ["limit"] = crossed.LimitId, ["key"] = crossed.Key,
            ["percentage"] = AlertText.Percent(AlertCourse.RatioOf(settled, amount)), ["threshold"] = AlertText.Percent(crossed.Ratio),
            ["settled"] = AlertText.Amount(settled, currency), ["amount"] = AlertText.Amount(amount, currency), ["unit"] = unit,
            ["windowEnd"] = bounded ? TimeConverter.Text(crossed.Window.End) : "",
        };
        var of = crossed.Key.Length > 0 ? $"{crossed.LimitId} ({crossed.Key})" : crossed.LimitId;
        return new(AlertKinds.Budget, account, crossed.LimitId,
            AboutLimit(crossed.LimitId, crossed.Key, crossed.Window.Start), crossed.Ratio, crossed.At, position)
        {
            Title = $"{account}: {facts["percentage"]} % of {of} used",
            Text = $"{facts["settled"]} of {facts["amount"]}{(money ? "" : " " + unit)} are used"
                + (bounded ? $"; the window ends at {facts["windowEnd"]}." : "."),
            Facts = facts,
            EndsAt = bounded ? crossed.Window.End : null,
            WindowStart = bounded ? crossed.Window.Start : null,
        };
    }

    public static AlertSight Unpriced(string account, UsageRecord record, long position)
    {
        var (model, provider) = (record.Usage.Dimensions.Model ?? "no model", record.Usage.Dimensions.Provider ?? "");
        var parts = record.UnpricedParts is { } some ? $" ({string.Join(", ", some)})" : "";
        return new(AlertKinds.Unpriced, account, model, $"{provider}/{model}", 0, record.BookedAt, position)
        {
            Title = $"{account}: usage of {model} has no price",
            Text = $"Usage {record.Id} was booked without a price{parts}: costs and money limits lack it. Put a price "
                + $"(PUT /v1/prices/{(provider.Length > 0 ? provider : "PROVIDER")}/{model}), then POST /v1/prices/reprice.",
            Facts = new Dictionary<string, string>
            {
                ["account"] = account, ["model"] = model, ["provider"] = provider, ["usage"] = record.Id,
            },
            EndsAt = record.BookedAt + untilQuiet,
        };
    }

    public static AlertSight Disputed(string account, UsageRecord record, long position)
    {
        var model = record.Usage.Dimensions.Model ?? "no model";
        return new(AlertKinds.Disputed, account, model, $"{record.Usage.Dimensions.Provider}/{model}", 0, record.BookedAt, position)
        {
            Title = $"{account}: a report of {model} contradicts itself",
            Text = $"Usage {record.Id} was booked at its larger reading: {record.Usage.Disputed}.",
            Facts = new Dictionary<string, string> { ["account"] = account, ["model"] = model, ["usage"] = record.Id },
            EndsAt = record.BookedAt + untilQuiet,
        };
    }

    public static AlertSight Paused(string account, AccountPaused paused, long position) =>
        new(AlertKinds.Paused, account, null, "", 0, paused.At, position)
        {
            Title = $"{account} is paused",
            Text = $"Its calls are refused until somebody resumes it. Reason: {paused.Reason}",
            Facts = new Dictionary<string, string> { ["account"] = account, ["reason"] = paused.Reason ?? "" },
        };

    /// <summary>The sight of an anomaly that was announced.</summary>
    public static AlertSight Anomaly(string account, string id, AlertSeverity severity, string kind, string explanation, Instant at,
        long position) => new(AlertKinds.Anomaly, account, id, id, (int)severity, at, position)
        {
            Title = $"{account}: {kind}",
            Text = explanation,
            Severity = severity,
            Facts = new Dictionary<string, string> { ["account"] = account, ["anomaly"] = id, ["kind"] = kind },
            EndsAt = at + untilQuiet,
        };

    public static AlertSight Exhaustion(string account, string limit, Instant windowStart, Instant windowEnd, string text, Instant at,
        long position) => new(AlertKinds.Exhaustion, account, limit, AboutLimit(limit, null, windowStart), 0, at, position)
        {
            Title = $"{account}: {limit} will be used up before its window ends",
            Text = text,
            Facts = new Dictionary<string, string>
            {
                ["account"] = account, ["limit"] = limit, ["windowEnd"] = TimeConverter.Text(windowEnd),
            },
            EndsAt = windowEnd,
            WindowStart = windowStart,
        };

    public static AlertSight Webhook(string id, string url, string what, Instant at) =>
        new(AlertKinds.Webhook, null, id, id, 0, at, 0)
        {
            Title = $"Webhook {id} does not take messages",
            Text = $"{what} ({url}). What waits is kept: GET /v1/webhooks/{id}/deliveries.",
            Facts = new Dictionary<string, string> { ["webhook"] = id, ["url"] = url },
        };

    public static AlertSight Backup(Instant last, long hours, Instant at) => new(AlertKinds.Backup, null, null, "", 0, at, 0)
    {
        Title = $"The last backup is older than {hours} hours",
        Text = $"It was written at {TimeConverter.Text(last)}. `purser backup FILE`, or GET /v1/backup, writes another.",
        Facts = new Dictionary<string, string>
        {
            ["lastBackup"] = TimeConverter.Text(last), ["hours"] = hours.ToString(CultureInfo.InvariantCulture),
        },
    };
}
