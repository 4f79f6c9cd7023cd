// What happened to a budget. These names and members are the storage format: they are never renamed, only added to. An event carries
// the amounts, the limits and keys it touches, and the price version, so that applying it needs no settings and no clock.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "e")]
[JsonDerivedType(typeof(PolicyChanged), "policyChanged")]
[JsonDerivedType(typeof(AccountPaused), "paused")]
[JsonDerivedType(typeof(AccountResumed), "resumed")]
[JsonDerivedType(typeof(Held), "held")]
[JsonDerivedType(typeof(HoldExtended), "extended")]
[JsonDerivedType(typeof(Settled), "settled")]
[JsonDerivedType(typeof(SettleRefused), "settleRefused")]
[JsonDerivedType(typeof(Released), "released")]
[JsonDerivedType(typeof(Expired), "expired")]
[JsonDerivedType(typeof(Recorded), "recorded")]
[JsonDerivedType(typeof(OverrideAdded), "overrideAdded")]
[JsonDerivedType(typeof(OverrideRemoved), "overrideRemoved")]
[JsonDerivedType(typeof(OverrideBegan), "overrideBegan")]
[JsonDerivedType(typeof(OverrideEnded), "overrideEnded")]
[JsonDerivedType(typeof(WindowOpened), "windowOpened")]
[JsonDerivedType(typeof(SessionClosed), "sessionClosed")]
[JsonDerivedType(typeof(UsageErased), "usageErased")]
[JsonDerivedType(typeof(ThresholdCrossed), "threshold")]
[JsonDerivedType(typeof(ThresholdRearmed), "thresholdRearmed")]
[JsonDerivedType(typeof(WindowReset), "windowReset")]
[JsonDerivedType(typeof(GraceBegan), "graceBegan")]
[JsonDerivedType(typeof(FirstDaysKnown), "firstDays")]
public abstract record BudgetEvent
{
    /// <summary>When it was decided. Within a stream it never runs backwards.</summary>
    [JsonPropertyOrder(-1)]
    public Instant At { get; init; }

    /// <summary>The context of the call that brought it, as `traceparent` of W3C says it; null where the call was not followed.</summary>
    public string? Trace { get; init; }

    /// <summary>The key of whoever decided it, where a caller did and showed one: of what stands in the audit trail.</summary>
    public string? KeyId { get; init; }

    /// <summary>What holds an event of the audit trail to the one before it (see <see cref="AuditRules.LinkOf"/>). Null in events that do
    /// not stand in it, and in those from before there were links.</summary>
    public string? Link { get; init; }
}

/// <summary>Where an amount counts: a limit in force (by number), the key of its counter, and the span of its slot.</summary>
[JsonConverter(typeof(TouchConverter))]
public readonly record struct Touch(int No, string Key, Span Span);

/// <summary>What a new or reshaped limit starts with: the usage of its current window.</summary>
public readonly record struct Seed(Touch Touch, Int128 Settled);

/// <summary>Where an active hold's layers count under the limits that are new.</summary>
public sealed record HoldTouches(string Id, int Layer, IReadOnlyList<Touch> Touches);

/// <summary>
/// The limits in force changed: a policy was set (<see cref="Policy"/>), or a newer default policy was adopted (null). Limits with a number
/// that was in force before keep their counters; the others begin with <see cref="Seeds"/>.
/// </summary>
public sealed record PolicyChanged(
    Policy? Policy, long PolicyVersion, long DefaultsVersion, EffectivePolicy Effective, IReadOnlyList<Seed> Seeds,
    IReadOnlyList<HoldTouches> Holds) : BudgetEvent
{
    /// <summary>Since when the counts of the new limits are complete, where records of their current windows may be gone.</summary>
    public Instant? CountedSince { get; init; }

    /// <summary>Who set the policy, and why.</summary>
    public string? By { get; init; }
    public string? Reason { get; init; }
}

public sealed record AccountPaused(string? Reason) : BudgetEvent
{
    public string? By { get; init; }
}

public sealed record AccountResumed : BudgetEvent
{
    public string? By { get; init; }
    public string? Reason { get; init; }
}

public sealed record Held(
    string Id, long Fingerprint, Dimensions Dimensions, Amounts Amounts, Instant ExpiresAt, IReadOnlyList<Touch> Touches,
    string Currency, string? PriceVersion, bool Unpriced, bool PlainTokens, ExpiryRule OnExpiry, CallChanges? Changes = null) : BudgetEvent
{
    /// <summary>The hold that it is paid out of, and what it took of that.</summary>
    public string? From { get; init; }
    public Amounts Taken { get; init; }

    /// <summary>Which of several calls under one id took it; null where nobody told.</summary>
    public string? Attempt { get; init; }
}

public sealed record HoldExtended(
    string ReservationId, string Id, long Fingerprint, Instant ExpiresAt, Amounts Added, IReadOnlyList<Touch> Touches) : BudgetEvent
{
    /// <summary>What the amount is for, where the extension names other dimensions than the hold.</summary>
    public Dimensions? Dimensions { get; init; }

    /// <summary>What of it was taken out of the hold that pays for this one.</summary>
    public Amounts Taken { get; init; }
}

/// <summary>A usage was booked against a hold; a final one gives the rest of the hold back.</summary>
public sealed record Settled(UsageRecord Record, IReadOnlyList<Touch> Touches) : BudgetEvent;

/// <summary>A settlement of an active hold was refused for its content: the hold is charged when it runs out.</summary>
public sealed record SettleRefused(string ReservationId, string? Field, string? Detail) : BudgetEvent;

public sealed record Released(string ReservationId) : BudgetEvent;

/// <summary>A hold ran out. <see cref="Charge"/> is set where the policy books what was held.</summary>
public sealed record Expired(string ReservationId, UsageRecord? Charge, IReadOnlyList<Touch> Touches) : BudgetEvent;

/// <summary>A usage that was never held was booked.</summary>
public sealed record Recorded(UsageRecord Record, IReadOnlyList<Touch> Touches) : BudgetEvent;

public sealed record OverrideAdded(string Id, long Fingerprint, OverrideTerms Terms) : BudgetEvent
{
    /// <summary>The unit of <see cref="OverrideTerms.Additional"/>, where the terms name a limit instead of a unit.</summary>
    public LimitUnit? Unit { get; init; }
}

public sealed record OverrideRemoved(string Id, string? RemovedBy) : BudgetEvent
{
    public string? Reason { get; init; }
}

/// <summary>The start of an override that was granted ahead has come.</summary>
public sealed record OverrideBegan(string Id) : BudgetEvent;

/// <summary>An override has ended by time; what was used may be beyond the limit without it.</summary>
public sealed record OverrideEnded(string Id) : BudgetEvent;

public sealed record SessionClosed(string Session) : BudgetEvent;

/// <summary>Records booked before <see cref="BudgetEvent.At"/> were erased, all or those of a user. Whoever reads usage from the journal
/// leaves them out, or shows what was left of them.</summary>
public sealed record UsageErased(string? User, string? By, string? Reason) : BudgetEvent
{
    /// <summary>Not the records went, but what in them is about a person.</summary>
    public bool Anonymizes { get; init; }

    /// <summary>Nothing is left of the record but its identity.</summary>
    public bool Erases(UsageRecord record) => !Anonymizes && IsAbout(record);

    /// <summary>The record without the person, where it had one; null where it is to stay as it is.</summary>
    public UsageRecord? AnonymousOf(UsageRecord record) => Anonymizes && IsAbout(record) && !record.IsAnonymous ? record.Anonymous() : null;

    /// <summary>What everybody sees of a record: it as it was, without the person, or null.</summary>
    public UsageRecord? LeftOf(UsageRecord record) => Erases(record) ? null : AnonymousOf(record) ?? record;

    bool IsAbout(UsageRecord record) => record.BookedAt < At && (User is null || record.Usage.Dimensions.User == User);

    /// <summary>What a hold says of the person is about what was erased, or became anonymous.</summary>
    public bool IsAbout(Held held) => held.At < At && (User is null || held.Dimensions.User == User);
}

/// <summary>The settled amount reached a threshold. <see cref="Arming"/> counts how often the limit was armed anew within the
/// window.</summary>
public sealed record ThresholdCrossed(
    int No, string LimitId, string Key, Span Window, decimal Ratio, string Level, Int128 Settled, Int128 Amount, int Arming) : BudgetEvent
{
    /// <summary>What the amounts count, and the currency of money; null in events from before this was written.</summary>
    public LimitUnit? Unit { get; init; }

    public string? Currency { get; init; }
}

/// <summary>The limit was raised (or a rolling window emptied) below thresholds that had been announced: they can be announced
/// again.</summary>
public sealed record ThresholdRearmed(int No, string LimitId, string Key, Span Window, decimal Above) : BudgetEvent;

/// <summary>A call went beyond a hard limit that has grace: until then calls may go so many percent beyond it, once in the
/// window.</summary>
public sealed record GraceBegan(int No, string LimitId, string Key, Span Window, Instant Until, decimal Percent) : BudgetEvent;

/// <summary>A window has begun into which usage was dated before.</summary>
public sealed record WindowOpened(int No, string LimitId, Span Window) : BudgetEvent;

/// <summary>A calendar window with usage has ended.</summary>
public sealed record WindowReset(int No, string LimitId, Span Window) : BudgetEvent
{
    /// <summary>Whether the limit had been used up in it; of limits with a counter for each value this is not said.</summary>
    public bool Exceeded { get; init; }
}

/// <summary>An account was called for the first time: what others had used in their first days, as it was known then. Only what looks for
/// anomalies needs it; it changes nothing of what an account may do.</summary>
public sealed record FirstDaysKnown(FirstDays Usual) : BudgetEvent;
