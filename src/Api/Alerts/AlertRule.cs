// Rules: what is worth an alert, how severe it is, and who is told.
using System.IO.Enumeration;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Access;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

/// <summary>What a rule looks at. The words are those of the HTTP interface.</summary>
public static class AlertKinds
{
    public const string Budget = "budget", Exhaustion = "exhaustion", Anomaly = "anomaly", Unpriced = "unpriced", Disputed = "disputed",
        Paused = "paused", Webhook = "webhook", Backup = "backup";

    public static readonly IReadOnlyList<string> All = [Budget, Exhaustion, Anomaly, Unpriced, Disputed, Paused, Webhook, Backup];

    /// <summary>Whether a kind of rule is about the installation, not about an account.</summary>
    public static bool IsOfInstallation(string kind) => kind is Webhook or Backup;
}

public sealed record AlertRule
{
    public required string Id { get; init; }
    public required string On { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool Enabled { get; init; } = true;

    /// <summary>Of a rule about budgets: the shares of a limit, and how severe each is.</summary>
    public IReadOnlyList<AlertStep>? Steps { get; init; }

    /// <summary>How severe an alert of this rule is; of a rule about anomalies, how severe a find has to be to become one.</summary>
    public AlertSeverity Severity { get; init; }

    /// <summary>Ids of accounts and globs; all where there are none.</summary>
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>Ids of limits and globs; all where there are none.</summary>
    public IReadOnlyList<string> Limits { get; init; } = [];

    /// <summary>Ids of channels; all where there are none.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];

    public long DedupSeconds { get; init; } = 4 * 3600;
    public long? RemindSeconds { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool TellsRecovery { get; init; } = true;

    /// <summary>The heading and text of the alert in the installation's own words, with names of facts in braces.</summary>
    public string? Title { get; init; }
    public string? Message { get; init; }

    /// <summary>Of a rule about backups: how old the newest one may become.</summary>
    public long? OlderThanHours { get; init; }

    [JsonIgnore]
    public AlertTerms Terms => new(Duration.FromSeconds(DedupSeconds), TellsRecovery, RemindSeconds is { } remind
        ? Duration.FromSeconds(remind) : null);

    public bool IsFor(string on, string? account, string? limit = null) => Enabled && On == on
        && (Accounts.Count == 0 || (account is not null && new AccountScope(Accounts).Holds(account)))
        && (Limits.Count == 0 || (limit is not null && Limits.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, limit))));

    public static readonly IReadOnlyList<AlertStep> UsualSteps =
        [new(0.75m, AlertSeverity.Warning), new(0.9m, AlertSeverity.Critical), new(1m, AlertSeverity.Critical)];

    public const long UsualBackupHours = 48;

    /// <summary>The rules of an installation that nobody has changed.</summary>
    public static readonly IReadOnlyList<AlertRule> Usual =
    [
        new() { Id = "budget", On = AlertKinds.Budget, Steps = UsualSteps },
        new() { Id = "exhaustion", On = AlertKinds.Exhaustion, Severity = AlertSeverity.Warning },
        new() { Id = "anomaly", On = AlertKinds.Anomaly, Severity = AlertSeverity.Critical },
        new() { Id = "unpriced", On = AlertKinds.Unpriced, Severity = AlertSeverity.Warning, DedupSeconds = 24 * 3600 },
        new() { Id = "disputed", On = AlertKinds.Disputed, Severity = AlertSeverity.Warning, DedupSeconds = 24 * 3600 },
        new() { Id = "webhook", On = AlertKinds.Webhook, Severity = AlertSeverity.Warning, DedupSeconds = 24 * 3600 },
        new()
        {
            Id = "backup", On = AlertKinds.Backup, Severity = AlertSeverity.Warning, DedupSeconds = 24 * 3600,
            OlderThanHours = UsualBackupHours,
        },
    ];
}

/// <summary>All rules, one shared document.</summary>
public sealed record AlertRuleSet(IReadOnlyList<AlertRule> Rules);
