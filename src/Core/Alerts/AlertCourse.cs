// The course of an alert: when something that is looked at is worth telling, again, worse, or over. What is told of it is decided here, and
// nothing else: where it goes, and when, is its channels' matter.
using NodaTime;

namespace Purser.Core.Alerts;

public enum AlertSeverity { Info, Warning, Critical }

/// <summary>From which share of a limit on an alert is how severe.</summary>
public sealed record AlertStep(decimal Ratio, AlertSeverity Severity);

/// <summary>What happened to an alert that people are told of. The numbers are stored: they are never changed.</summary>
public enum AlertNoticeKind { None = 0, Triggered = 1, Escalated = 2, Repeated = 3, Acknowledged = 4, Resolved = 5 }

/// <summary>Who has seen it, until when that keeps it silent, and what they said.</summary>
public sealed record Acknowledgement(string By, Instant At, Instant? Until, string? Note);

/// <summary>
/// How an alert stands. <see cref="Level"/> orders the steps of one alert (the ratio that was reached); <see cref="ToldAt"/>: when people
/// were told last.
/// </summary>
public sealed record AlertStanding(AlertSeverity Severity, decimal Level, Instant ToldAt, Acknowledgement? Acknowledged = null)
{
    /// <summary>An acknowledgement ends by its time.</summary>
    public bool IsSilent(Instant now) => Acknowledged is { } seen && !(seen.Until <= now);
}

/// <summary>How a rule wants to be told: the same thing again only after so long; and whether its end is told.</summary>
public sealed record AlertTerms(Duration Dedup, bool TellsRecovery = true, Duration? Remind = null);

public static class AlertCourse
{
    /// <summary>The highest step that a share of a limit has reached; null where it reached none.</summary>
    public static AlertStep? StepOf(IEnumerable<AlertStep> steps, decimal ratio) =>
        steps.Where(step => step.Ratio <= ratio).MaxBy(step => step.Ratio);

    /// <summary>A share of nothing is all of it, once there is anything.</summary>
    public static decimal RatioOf(decimal used, decimal amount) => amount > 0 ? used / amount : used > 0 ? 1 : 0;

    /// <summary>
    /// What is seen now: a step, or nothing any more. An alert never sinks: falling below a step is no news, falling below all of them is
    /// its end. A higher step breaks an acknowledgement.
    /// </summary>
    public static (AlertStanding? Stands, AlertNoticeKind Told) See(AlertStanding? open, AlertStep? seen, Instant now, AlertTerms terms)
    {
        if (seen is null) return (null, open is null || !terms.TellsRecovery ? AlertNoticeKind.None : AlertNoticeKind.Resolved);
        if (open is null) return (new(seen.Severity, seen.Ratio, now), AlertNoticeKind.Triggered);
        if (seen.Ratio > open.Level) return (new(Worse(open, seen), seen.Ratio, now), AlertNoticeKind.Escalated);
        if (seen.Ratio < open.Level || open.IsSilent(now) || now - open.ToldAt < terms.Dedup) return (open, AlertNoticeKind.None);
        return (open with { ToldAt = now, Acknowledged = null }, AlertNoticeKind.Repeated);
    }

    static AlertSeverity Worse(AlertStanding open, AlertStep seen) => open.Severity > seen.Severity ? open.Severity : seen.Severity;

    /// <summary>Whether an alert that nobody has seen is told again because of its age alone.</summary>
    public static bool IsReminderDue(AlertStanding open, Instant now, AlertTerms terms) =>
        terms.Remind is { } remind && !open.IsSilent(now) && now - open.ToldAt >= remind;
}
