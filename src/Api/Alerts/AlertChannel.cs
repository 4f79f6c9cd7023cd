// Channels: where alerts go, how many, and when.
using System.Text.Json.Serialization;
using NodaTime;
using NodaTime.Text;
using Purser.Api.Access;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

/// <summary>The words of the HTTP interface.</summary>
public static class ChannelKinds
{
    public const string Log = "log", Webhook = "webhook", Slack = "slack", Teams = "teams", PagerDuty = "pagerduty", Email = "email";

    public static readonly IReadOnlyList<string> All = [Log, Webhook, Slack, Teams, PagerDuty, Email];
}

/// <summary>Times are local, `HH:mm`.</summary>
public sealed record QuietTimes(string From, string To, string TimeZone, IReadOnlyList<IsoDayOfWeek>? Days)
{
    static readonly LocalTimePattern pattern = LocalTimePattern.CreateWithInvariantCulture("HH:mm");

    public static bool IsTime(string? text) => text is not null && pattern.Parse(text).Success;

    public QuietHours ToHours() => new(pattern.Parse(From).Value, pattern.Parse(To).Value, TimeZone, Days);
}

public sealed record AlertChannel
{
    public required string Id { get; init; }
    public required string Kind { get; init; }
    public required string Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool Enabled { get; init; } = true;

    /// <summary>Alerts that are less severe than this are not sent to the channel.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public AlertSeverity Severity { get; init; } = AlertSeverity.Warning;

    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>The accounts that whoever made it may see; it is never told of others.</summary>
    public IReadOnlyList<string> Scope { get; init; } = ["*"];

    /// <summary>The tenant of the key that made it; null where it was of none.</summary>
    public string? Tenant { get; init; }

    /// <summary>Webhook, Slack and Teams. Of the latter two it is a secret.</summary>
    public string? Url { get; init; }

    /// <summary>Webhook: what signs its messages.</summary>
    public string? Secret { get; init; }

    /// <summary>PagerDuty.</summary>
    public string? RoutingKey { get; init; }

    /// <summary>E-mail.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    public QuietTimes? Quiet { get; init; }
    public int MostPerHour { get; init; } = UsualMostPerHour;

    /// <summary>E-mail: `weekly`, `monthly`.</summary>
    public IReadOnlyList<string> Summaries { get; init; } = [];

    /// <summary>The zone of summaries.</summary>
    public string TimeZone { get; init; } = "UTC";

    public long CreatedAtMillis { get; init; }
    public string? CreatedBy { get; init; }

    /// <summary>A hash of what was asked for, where the same request sent again makes no second one.</summary>
    public string? Asked { get; init; }

    public const int UsualMostPerHour = 60;

    /// <summary>The host's log: every installation has this channel from the start.</summary>
    public static readonly AlertChannel Log = new() { Id = "log", Kind = ChannelKinds.Log, Name = "The log of the host",
        MostPerHour = 1000 };

    /// <summary>Whether it is told of what is about an account; null is about the installation.</summary>
    public bool Hears(string? account) => account is null ? new AccountScope(Scope).IsEverything && Accounts.Count == 0
        : new AccountScope(Scope).Holds(account) && (Accounts.Count == 0 || new AccountScope(Accounts).Holds(account));
}

/// <summary>All channels, one shared document.</summary>
public sealed record AlertChannelSet(IReadOnlyList<AlertChannel> Channels);

/// <summary>When a channel was last used, and for which days summaries were sent.</summary>
public sealed record ChannelUse(IReadOnlyList<long> SentAtMillis, long WeeklyForMillis = 0, long MonthlyForMillis = 0);
