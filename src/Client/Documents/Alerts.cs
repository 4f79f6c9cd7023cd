// What is worth an alert, where alerts go, and those that were told.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Something that somebody should look at, with its whole course.</summary>
public sealed record Alert
{
    public string Id { get; init; } = "";
    public string Rule { get; init; } = "";

    /// <summary>What the rule looks at: `budget`, `exhaustion`, `anomaly`, `unpriced`, `disputed`, `paused`, `webhook`, `backup`.</summary>
    public string On { get; init; } = "";

    /// <summary>Null where it is about the installation.</summary>
    public string? Account { get; init; }

    /// <summary>The limit, the model, the anomaly or the webhook.</summary>
    public string? Subject { get; init; }

    /// <summary>`info`, `warning` or `critical`: the worst it has been.</summary>
    public string Severity { get; init; } = "";

    /// <summary>`firing`, `acknowledged` or `resolved`.</summary>
    public string State { get; init; } = "";

    public string Title { get; init; } = "";
    public string Text { get; init; } = "";

    /// <summary>The figures behind the text, by name, as people read them.</summary>
    public IReadOnlyDictionary<string, string>? Facts { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When what it is about was last seen.</summary>
    public DateTimeOffset LastAt { get; init; }

    /// <summary>How often that was seen.</summary>
    public long Seen { get; init; }

    /// <summary>When it is over by itself.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    public DateTimeOffset? ResolvedAt { get; init; }
    public string? ResolvedBecause { get; init; }
    public Acknowledged? Acknowledged { get; init; }

    /// <summary>What was told of it, oldest first: the last 40.</summary>
    public IReadOnlyList<AlertNotice> Notices { get; init; } = [];
}

public sealed record AlertPage
{
    public IReadOnlyList<Alert> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

public sealed record Acknowledged
{
    public string By { get; init; } = "";
    public DateTimeOffset At { get; init; }

    /// <summary>Until then nothing more is told, unless it becomes worse; null is to its end.</summary>
    public DateTimeOffset? Until { get; init; }

    public string? Note { get; init; }
}

public sealed record AlertNotice
{
    public long No { get; init; }

    /// <summary>`triggered`, `escalated`, `repeated`, `acknowledged` or `resolved`.</summary>
    public string Kind { get; init; } = "";

    public string Severity { get; init; } = "";
    public DateTimeOffset At { get; init; }
    public string Title { get; init; } = "";
    public string Text { get; init; } = "";
    public IReadOnlyList<AlertDelivery> Deliveries { get; init; } = [];
}

public sealed record AlertDelivery
{
    public string Channel { get; init; } = "";

    /// <summary>`waiting`, `held` (by quiet hours or the channel's rate), `sent`, `dead` (given up), or `dropped` (not needed any
    /// more).</summary>
    public string State { get; init; } = "";

    public long Attempts { get; init; }

    /// <summary>When it was tried last.</summary>
    public DateTimeOffset? At { get; init; }

    public DateTimeOffset? NextAt { get; init; }
    public string? Error { get; init; }
}

/// <summary>Who acknowledges is the caller.</summary>
public sealed record Acknowledge
{
    /// <summary>How long nothing more is told of it; to its end if not said.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>At most 500 characters.</summary>
    public string? Note { get; init; }
}

public sealed record AlertRules : OpenDocument
{
    /// <summary>All rules: what is not among them is not looked at.</summary>
    public IReadOnlyList<AlertRule>? Items { get; init; }
}

/// <summary>What is worth an alert, and who is told.</summary>
public sealed record AlertRule : OpenDocument
{
    public string? Id { get; init; }

    /// <summary>`budget`, `exhaustion`, `anomaly`, `unpriced`, `disputed`, `paused`, `webhook` or `backup`.</summary>
    public string? On { get; init; }

    public bool? Enabled { get; init; }

    /// <summary>Of a budget; 0.75 warning, 0.9 and 1 critical if not said. A step is noticed at a threshold of the limit.</summary>
    public IReadOnlyList<AlertStep>? Steps { get; init; }

    /// <summary>Of everything else how severe it is (warning if not said); of an anomaly how severe it has to be (critical).</summary>
    public string? Severity { get; init; }

    /// <summary>Ids of accounts and globs; all if not said.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>Ids of limits and globs; all if not said.</summary>
    public IReadOnlyList<string>? Limits { get; init; }

    /// <summary>Ids of channels; all if not said.</summary>
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>The same thing is told again only after so long; four hours if not said.</summary>
    [JsonPropertyName("dedupSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Dedup { get; init; }

    /// <summary>What nobody has acknowledged is told again after so long; never if not said.</summary>
    [JsonPropertyName("remindSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Remind { get; init; }

    public bool? TellsRecovery { get; init; }

    /// <summary>Own words, with the names of `facts` in braces: `{account} is at {percentage} %`.</summary>
    public string? Title { get; init; }

    public string? Message { get; init; }

    /// <summary>Of a backup; 48 if not said.</summary>
    public long? OlderThanHours { get; init; }
}

/// <summary>A step of a budget.</summary>
public sealed record AlertStep : OpenDocument
{
    /// <summary>The share of the limit, above 0.</summary>
    public decimal? Ratio { get; init; }

    /// <summary>`info`, `warning` or `critical`.</summary>
    public string? Severity { get; init; }
}

/// <summary>A channel to be made, or changed as a whole.</summary>
public sealed record NewAlertChannel
{
    /// <summary>`log`, `webhook`, `slack`, `teams`, `pagerduty` or `email`.</summary>
    public string? Kind { get; init; }

    /// <summary>What people call it, 1 to 100 characters.</summary>
    public string? Name { get; init; }

    public bool? Enabled { get; init; }

    /// <summary>What is less severe does not come here; `warning` if not said.</summary>
    public string? Severity { get; init; }

    /// <summary>Ids of accounts and globs; all that the key sees, and the installation, if not said.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>Webhook, Slack, Teams: where to post. Where a channel is changed, the one it has if not said.</summary>
    public string? Url { get; init; }

    /// <summary>PagerDuty: the integration's key.</summary>
    public string? RoutingKey { get; init; }

    /// <summary>E-mail: 1 to 20 addresses.</summary>
    public IReadOnlyList<string>? To { get; init; }

    /// <summary>When only what is critical comes; the rest waits, and comes together at their end.</summary>
    public QuietHours? Quiet { get; init; }

    /// <summary>1 to 1000, 60 if not said: more is held until there is room, what is critical first.</summary>
    public long? MostPerHour { get; init; }

    /// <summary>E-mail: `weekly` (Mondays at 8), `monthly` (the first at 8).</summary>
    public IReadOnlyList<string>? Summaries { get; init; }

    /// <summary>The zone of summaries; UTC if not said.</summary>
    public string? TimeZone { get; init; }
}

/// <summary>A channel as it is listed: addresses that are secrets, and keys, are not shown.</summary>
public sealed record AlertChannel
{
    public string Id { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Name { get; init; } = "";
    public bool Enabled { get; init; }
    public string Severity { get; init; } = "";
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>Where it goes, as far as that is no secret.</summary>
    public string? Target { get; init; }

    public IReadOnlyList<string> To { get; init; } = [];
    public QuietHours? Quiet { get; init; }
    public long MostPerHour { get; init; }
    public IReadOnlyList<string> Summaries { get; init; } = [];
    public string TimeZone { get; init; } = "";

    /// <summary>Null of the one that was there from the beginning.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    public string? CreatedBy { get; init; }

    /// <summary>Webhook: the secret that signs its messages (Standard Webhooks), in the answer to making it only; null else.</summary>
    public string? Secret { get; init; }
}

public sealed record AlertChannelList
{
    public IReadOnlyList<AlertChannel> Items { get; init; } = [];
}

/// <summary>Hours of the day, local, over midnight where the second is not later.</summary>
public sealed record QuietHours
{
    /// <summary>`HH:mm`.</summary>
    public string? From { get; init; }

    /// <summary>`HH:mm`.</summary>
    public string? To { get; init; }

    /// <summary>An IANA zone; UTC if not said.</summary>
    public string? TimeZone { get; init; }

    /// <summary>The days on which they begin; every day if not said.</summary>
    public IReadOnlyList<DayOfWeek>? Days { get; init; }
}
