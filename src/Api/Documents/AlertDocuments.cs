// Alerts as they are shown, acknowledged, and told; their rules and channels.
using NodaTime;
using Purser.Api.Alerts;

namespace Purser.Api.Documents;

/// <summary>Something that somebody should look at, with its whole course.</summary>
public sealed class AlertDocument
{
    public AlertDocument()
    {
    }

    public AlertDocument(Alert alert, Instant now)
    {
        Id = alert.Id;
        Rule = alert.Rule;
        On = alert.On;
        Account = alert.Account;
        Subject = alert.Subject;
        Severity = AlertEvents.WordOf(alert.Standing.Severity);
        State = alert.StateAt(now);
        Title = alert.Title;
        Text = alert.Text;
        foreach (var (name, value) in alert.Facts) Facts[name] = value;
        StartedAt = alert.StartedAt;
        LastAt = alert.LastAt;
        Seen = alert.Seen;
        EndsAt = alert.EndsAt;
        ResolvedAt = alert.ResolvedAt;
        ResolvedBecause = alert.ResolvedBecause;
        if (alert.Standing.Acknowledged is { } seen)
            Acknowledged = new() { By = seen.By, At = seen.At, Until = seen.Until, Note = seen.Note };
        Notices = [.. alert.Notices.Select(notice => new AlertNoticeDocument(notice))];
    }

    /// <summary>Its id.</summary>
    public string Id { get; set; } = "";

    /// <summary>The rule that raised it.</summary>
    public string Rule { get; set; } = "";

    /// <summary>What the rule looks at: `budget`, `exhaustion`, `anomaly`, `unpriced`, `disputed`, `paused`, `webhook`, `backup`.</summary>
    public string On { get; set; } = "";

    /// <summary>Null where it is about the installation.</summary>
    public string? Account { get; set; }

    /// <summary>The limit, the model, the anomaly or the webhook.</summary>
    public string? Subject { get; set; }

    /// <summary>`info`, `warning` or `critical`: the worst it has been.</summary>
    public string Severity { get; set; } = "";

    /// <summary>`firing`, `acknowledged` or `resolved`.</summary>
    public string State { get; set; } = "";

    /// <summary>Its heading.</summary>
    public string Title { get; set; } = "";

    /// <summary>What happened, why, and what to do.</summary>
    public string Text { get; set; } = "";

    /// <summary>The figures behind the text, by name, as people read them.</summary>
    public SortedDictionary<string, string> Facts { get; set; } = new(StringComparer.Ordinal);

    /// <summary>When it began.</summary>
    public Instant StartedAt { get; set; }

    /// <summary>When what it is about was last seen.</summary>
    public Instant LastAt { get; set; }

    /// <summary>How often that was seen.</summary>
    public long Seen { get; set; }

    /// <summary>When it is over by itself.</summary>
    public Instant? EndsAt { get; set; }

    /// <summary>When it was over; null while it lasts.</summary>
    public Instant? ResolvedAt { get; set; }

    /// <summary>Why it is over.</summary>
    public string? ResolvedBecause { get; set; }

    /// <summary>Who took it on; null where nobody did.</summary>
    public AcknowledgedDocument? Acknowledged { get; set; }

    /// <summary>What was told of it, oldest first: the last 40.</summary>
    public IReadOnlyList<AlertNoticeDocument> Notices { get; set; } = [];
}

public sealed class AcknowledgedDocument
{
    /// <summary>Who took it on.</summary>
    public string By { get; set; } = "";

    /// <summary>When.</summary>
    public Instant At { get; set; }

    /// <summary>Until then nothing more is told, unless it becomes worse; null is to its end.</summary>
    public Instant? Until { get; set; }

    /// <summary>What they said about it.</summary>
    public string? Note { get; set; }
}

public sealed class AlertNoticeDocument
{
    public AlertNoticeDocument()
    {
    }

    public AlertNoticeDocument(AlertNotice notice)
    {
        No = notice.No;
        Kind = AlertEvents.WordOf(notice.Kind);
        Severity = AlertEvents.WordOf(notice.Severity);
        At = notice.At;
        Title = notice.Title;
        Text = notice.Text;
        Deliveries = [.. notice.Deliveries.Select(delivery => new AlertDeliveryDocument
        {
            Channel = delivery.Channel, State = delivery.State, Attempts = delivery.Attempts, At = delivery.At, NextAt = delivery.NextAt,
            Error = delivery.Error,
        })];
    }

    /// <summary>Its number within the alert, from 1.</summary>
    public long No { get; set; }

    /// <summary>`triggered`, `escalated`, `repeated`, `acknowledged` or `resolved`.</summary>
    public string Kind { get; set; } = "";

    /// <summary>How bad it was when it was told.</summary>
    public string Severity { get; set; } = "";

    /// <summary>When it was told.</summary>
    public Instant At { get; set; }

    /// <summary>Its heading.</summary>
    public string Title { get; set; } = "";

    /// <summary>What it said.</summary>
    public string Text { get; set; } = "";

    /// <summary>What became of it on each channel.</summary>
    public IReadOnlyList<AlertDeliveryDocument> Deliveries { get; set; } = [];
}

public sealed class AlertDeliveryDocument
{
    /// <summary>The channel that it goes to.</summary>
    public string Channel { get; set; } = "";

    /// <summary>`waiting`, `held` (by quiet hours or the channel's rate), `sent`, `dead` (given up), or `dropped` (not needed any
    /// more).</summary>
    public string State { get; set; } = "";

    /// <summary>How often it was tried.</summary>
    public long Attempts { get; set; }

    /// <summary>When it was tried last.</summary>
    public Instant? At { get; set; }

    /// <summary>When it is tried next; null where it is not.</summary>
    public Instant? NextAt { get; set; }

    /// <summary>What went wrong at the last attempt.</summary>
    public string? Error { get; set; }
}

public sealed class AlertsDocument
{
    /// <summary>What was found, in order.</summary>
    public IReadOnlyList<AlertDocument> Items { get; set; } = [];

    /// <summary>Give it as `cursor` for what follows; null at the end.</summary>
    public string? NextCursor { get; set; }
}

/// <summary>Who acknowledges is the caller.</summary>
public sealed class AcknowledgeDocument
{
    /// <summary>How long nothing more is told of it; to its end if not said.</summary>
    public Instant? Until { get; set; }

    /// <summary>At most 500 characters.</summary>
    public string? Note { get; set; }
}

/// <summary>A step of a budget.</summary>
public sealed class AlertStepDocument
{
    /// <summary>The share of the limit, above 0.</summary>
    public decimal Ratio { get; set; }

    /// <summary>`info`, `warning` or `critical`.</summary>
    public string? Severity { get; set; }
}

/// <summary>What is worth an alert, and who is told.</summary>
public sealed class AlertRuleDocument
{
    /// <summary>Its id.</summary>
    public string? Id { get; set; }

    /// <summary>`budget`, `exhaustion`, `anomaly`, `unpriced`, `disputed`, `paused`, `webhook` or `backup`.</summary>
    public string? On { get; set; }

    /// <summary>Whether it is looked after; true if not said.</summary>
    public bool? Enabled { get; set; }

    /// <summary>Of a budget; 0.75 warning, 0.9 and 1 critical if not said. A step is noticed at a threshold of the limit.</summary>
    public IReadOnlyList<AlertStepDocument?>? Steps { get; set; }

    /// <summary>Of everything else how severe it is (warning if not said); of an anomaly how severe it has to be (critical).</summary>
    public string? Severity { get; set; }

    /// <summary>Ids of accounts and globs; all if not said.</summary>
    public IReadOnlyList<string?>? Accounts { get; set; }

    /// <summary>Ids of limits and globs; all if not said.</summary>
    public IReadOnlyList<string?>? Limits { get; set; }

    /// <summary>Ids of channels; all if not said.</summary>
    public IReadOnlyList<string?>? Channels { get; set; }

    /// <summary>The same thing is told again only after so long; four hours if not said.</summary>
    public long? DedupSeconds { get; set; }

    /// <summary>What nobody has acknowledged is told again after so long; never if not said.</summary>
    public long? RemindSeconds { get; set; }

    /// <summary>Whether it is told that it is over.</summary>
    public bool? TellsRecovery { get; set; }

    /// <summary>Own words, with the names of `facts` in braces: `{account} is at {percentage} %`.</summary>
    public string? Title { get; set; }

    /// <summary>The text instead of the usual one.</summary>
    public string? Message { get; set; }

    /// <summary>Of a backup; 48 if not said.</summary>
    public long? OlderThanHours { get; set; }
}

public sealed class AlertRulesDocument
{
    /// <summary>All rules: what is not among them is not looked at.</summary>
    public IReadOnlyList<AlertRuleDocument?>? Items { get; set; }
}

/// <summary>Hours of the day, local, over midnight where the second is not later.</summary>
public sealed class QuietHoursDocument
{
    /// <summary>`HH:mm`.</summary>
    public string? From { get; set; }

    /// <summary>`HH:mm`.</summary>
    public string? To { get; set; }

    /// <summary>An IANA zone; UTC if not said.</summary>
    public string? TimeZone { get; set; }

    /// <summary>The days on which they begin; every day if not said.</summary>
    public IReadOnlyList<IsoDayOfWeek>? Days { get; set; }
}

/// <summary>A channel to be made, or changed as a whole.</summary>
public sealed class NewAlertChannelDocument
{
    /// <summary>`log`, `webhook`, `slack`, `teams`, `pagerduty` or `email`.</summary>
    public string? Kind { get; set; }

    /// <summary>What people call it, 1 to 100 characters.</summary>
    public string? Name { get; set; }

    /// <summary>Whether anything is sent; true if not said.</summary>
    public bool? Enabled { get; set; }

    /// <summary>What is less severe does not come here; `warning` if not said.</summary>
    public string? Severity { get; set; }

    /// <summary>Ids of accounts and globs; all that the key sees, and the installation, if not said.</summary>
    public IReadOnlyList<string?>? Accounts { get; set; }

    /// <summary>Webhook, Slack, Teams: where to post. Where a channel is changed, the one it has if not said.</summary>
    public string? Url { get; set; }

    /// <summary>PagerDuty: the integration's key.</summary>
    public string? RoutingKey { get; set; }

    /// <summary>E-mail: 1 to 20 addresses.</summary>
    public IReadOnlyList<string?>? To { get; set; }

    /// <summary>When only what is critical comes; the rest waits, and comes together at their end.</summary>
    public QuietHoursDocument? Quiet { get; set; }

    /// <summary>1 to 1000, 60 if not said: more is held until there is room, what is critical first.</summary>
    public long? MostPerHour { get; set; }

    /// <summary>E-mail: `weekly` (Mondays at 8), `monthly` (the first at 8).</summary>
    public IReadOnlyList<string?>? Summaries { get; set; }

    /// <summary>The zone of summaries; UTC if not said.</summary>
    public string? TimeZone { get; set; }
}

/// <summary>A channel as it is listed: addresses that are secrets, and keys, are not shown.</summary>
public sealed class AlertChannelDocument
{
    public AlertChannelDocument()
    {
    }

    public AlertChannelDocument(AlertChannel channel)
    {
        Id = channel.Id;
        Kind = channel.Kind;
        Name = channel.Name;
        Enabled = channel.Enabled;
        Severity = AlertEvents.WordOf(channel.Severity);
        Accounts = channel.Accounts;
        Target = channel.Kind switch
        {
            ChannelKinds.Webhook => channel.Url,
            ChannelKinds.Slack or ChannelKinds.Teams => new Uri(channel.Url!).GetLeftPart(UriPartial.Authority) + "/…",
            ChannelKinds.PagerDuty => channel.RoutingKey![..4] + "…",
            _ => null,
        };
        To = channel.To;
        if (channel.Quiet is { } quiet)
            Quiet = new() { From = quiet.From, To = quiet.To, TimeZone = quiet.TimeZone, Days = quiet.Days };
        MostPerHour = channel.MostPerHour;
        Summaries = channel.Summaries;
        TimeZone = channel.TimeZone;
        CreatedAt = channel.CreatedAtMillis > 0 ? Instant.FromUnixTimeMilliseconds(channel.CreatedAtMillis) : null;
        CreatedBy = channel.CreatedBy;
    }

    /// <summary>Its id.</summary>
    public string Id { get; set; } = "";

    /// <summary>What it is.</summary>
    public string Kind { get; set; } = "";

    /// <summary>What people call it.</summary>
    public string Name { get; set; } = "";

    /// <summary>Whether anything is sent.</summary>
    public bool Enabled { get; set; }

    /// <summary>Only what is at least as bad is sent.</summary>
    public string Severity { get; set; } = "";

    /// <summary>Ids of accounts and globs that it is for.</summary>
    public IReadOnlyList<string> Accounts { get; set; } = [];

    /// <summary>Where it goes, as far as that is no secret.</summary>
    public string? Target { get; set; }

    /// <summary>Addresses of mail.</summary>
    public IReadOnlyList<string> To { get; set; } = [];

    /// <summary>Hours in which nothing is sent.</summary>
    public QuietHoursDocument? Quiet { get; set; }

    /// <summary>How many are sent in an hour at most.</summary>
    public long MostPerHour { get; set; }

    /// <summary>Which summaries are sent.</summary>
    public IReadOnlyList<string> Summaries { get; set; } = [];

    /// <summary>The zone of its hours and summaries.</summary>
    public string TimeZone { get; set; } = "";

    /// <summary>Null of the one that was there from the beginning.</summary>
    public Instant? CreatedAt { get; set; }

    /// <summary>Who made it.</summary>
    public string? CreatedBy { get; set; }

    /// <summary>Webhook: the secret that signs its messages (Standard Webhooks), in the answer to making it only; null else.</summary>
    public string? Secret { get; set; }
}

public sealed class AlertChannelsDocument
{
    /// <summary>What was found, in order.</summary>
    public IReadOnlyList<AlertChannelDocument> Items { get; set; } = [];
}
