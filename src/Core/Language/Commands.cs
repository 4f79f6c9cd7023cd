// Everything that can be asked of a budget. Ids are part of the command: identity is what makes a retry harmless.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Core;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "c")]
[JsonDerivedType(typeof(GetStatus), "getStatus")]
[JsonDerivedType(typeof(GetPolicy), "getPolicy")]
[JsonDerivedType(typeof(SetPolicy), "setPolicy")]
[JsonDerivedType(typeof(Pause), "pause")]
[JsonDerivedType(typeof(Resume), "resume")]
[JsonDerivedType(typeof(Check), "check")]
[JsonDerivedType(typeof(Reserve), "reserve")]
[JsonDerivedType(typeof(GetReservation), "getReservation")]
[JsonDerivedType(typeof(Extend), "extend")]
[JsonDerivedType(typeof(Settle), "settle")]
[JsonDerivedType(typeof(RefuseSettle), "refuseSettle")]
[JsonDerivedType(typeof(Release), "release")]
[JsonDerivedType(typeof(Record), "record")]
[JsonDerivedType(typeof(Reprice), "reprice")]
[JsonDerivedType(typeof(VoidUsage), "voidUsage")]
[JsonDerivedType(typeof(CorrectUsage), "correctUsage")]
[JsonDerivedType(typeof(Credit), "credit")]
[JsonDerivedType(typeof(AddOverride), "addOverride")]
[JsonDerivedType(typeof(RemoveOverride), "removeOverride")]
[JsonDerivedType(typeof(ListOverrides), "listOverrides")]
[JsonDerivedType(typeof(CloseSession), "closeSession")]
[JsonDerivedType(typeof(EraseUsage), "eraseUsage")]
[JsonDerivedType(typeof(Tick), "tick")]
public abstract record BudgetCommand
{
    /// <summary>The key that the caller showed: part of what is kept of a decision, and not of what makes two commands the same.</summary>
    public string? KeyId { get; init; }
}

/// <summary>Status of the account; the limits are paged by <see cref="Cursor"/>, an opaque place to go on from.</summary>
public sealed record GetStatus(
    string? Cursor = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int PageSize = 100) : BudgetCommand
{
    /// <summary>How many of the open holds are told one by one, those that run out first, and the place after which they begin.</summary>
    public int Holds { get; init; }
    public string? HoldsAfter { get; init; }
}

public sealed record GetPolicy : BudgetCommand;

/// <summary><see cref="IfVersion"/>: refuse unless the account's policy has this version (0: none yet).</summary>
public sealed record SetPolicy(Policy Policy, long? IfVersion = null, string? By = null, string? Reason = null) : BudgetCommand;

public sealed record Pause(string? Reason = null, string? By = null) : BudgetCommand;

public sealed record Resume(string? By = null, string? Reason = null) : BudgetCommand;

/// <summary>May this call be made? Takes nothing.</summary>
public sealed record Check(Estimate Estimate) : BudgetCommand;

/// <summary>Commands that carry an identity: the same id with the same body answers the first outcome again.</summary>
public abstract record IdentifiedCommand : BudgetCommand
{
    /// <summary>64 bits of a hash over the whole body, filled in by the engine before the command is decided.</summary>
    [JsonIgnore]
    public long Fingerprint { get; set; }

    /// <summary>The engine made the id up just now, so no earlier command can have it.</summary>
    public bool FreshId { get; init; }
}

public sealed record Reserve(string Id, Estimate Estimate, long? TtlSeconds = null) : IdentifiedCommand
{
    /// <summary>The hold that the call is paid out of, as far as that reaches; null: out of the limits alone.</summary>
    public string? From { get; init; }

    /// <summary>Which of several calls under one id takes the hold, where they are told apart; no part of what is repeated.</summary>
    public string? Attempt { get; init; }
}

public sealed record GetReservation(string Id) : BudgetCommand;

/// <summary>More time (from now on), more amount, or both; the amount is admitted in the windows of this moment.</summary>
public sealed record Extend(string ReservationId, string Id, long? TtlSeconds = null, Estimate? Estimate = null) : IdentifiedCommand;

/// <summary>Books <see cref="Usage"/> against a hold. <see cref="Unknown"/>: the outcome is not known; book the larger of estimate and
/// usage.</summary>
public sealed record Settle(
    string ReservationId, string Id, Usage Usage, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] bool Final = true,
    bool Unknown = false) : IdentifiedCommand;

/// <summary>A body that was to settle a hold could not be read: the hold is charged when it runs out. The answer says again why.</summary>
public sealed record RefuseSettle(string ReservationId, string? Field, string? Detail) : BudgetCommand;

public sealed record Release(string ReservationId) : BudgetCommand
{
    /// <summary>Gives back only what this attempt took (<see cref="Reserve.Attempt"/>).</summary>
    public string? Attempt { get; init; }
}

/// <summary>Books usage that was never held.</summary>
public sealed record Record(string Id, Usage Usage) : IdentifiedCommand
{
    /// <summary>What another ledger booked, to be booked as it was: nothing is rated anew. Its usage and time are those of the
    /// command.</summary>
    public UsageRecord? Booked { get; init; }
}

/// <summary>
/// Rates a booked usage anew with the prices of today's list for its own time; the difference is booked as an adjustment beside it. Sent
/// twice, it finds nothing left to change. <see cref="OnlyUnpriced"/>: leaves a record alone that was rated before.
/// </summary>
public sealed record Reprice(string UsageId, bool OnlyUnpriced = false, string? ChangedBy = null, string? Reason = null) : BudgetCommand;

/// <summary>Takes a booked usage back whole: it never counts from now on. Sent twice, it finds nothing left to take.</summary>
public sealed record VoidUsage(string UsageId, string By, string Reason) : BudgetCommand;

/// <summary>Says what a booked usage really used: the difference is booked beside it. Only the counts of <see cref="Usage"/> are
/// read.</summary>
public sealed record CorrectUsage(string UsageId, Usage Usage, string By, string Reason) : BudgetCommand;

/// <summary>Gives back a part of what was used: money that a provider returned, tokens that never counted.</summary>
public sealed record Credit(string Id, CreditTerms Terms) : IdentifiedCommand;

/// <summary>A temporary, audited raise of one limit, or of every limit with a window and unit; negative only as a declared cut.</summary>
public sealed record AddOverride(string Id, OverrideTerms Terms) : IdentifiedCommand;

public sealed record RemoveOverride(string Id, string? RemovedBy = null, string? Reason = null) : BudgetCommand;

public sealed record ListOverrides : BudgetCommand;

public sealed record CloseSession(string Session) : BudgetCommand;

/// <summary>Erases the records that were booked so far, all or those of a user. Counters stay: what was spent was spent.</summary>
public sealed record EraseUsage(string? User = null, string? By = null, string? Reason = null) : BudgetCommand
{
    /// <summary>The records stay without the person: what was spent stays in every report.</summary>
    public bool Anonymizes { get; init; }
}

/// <summary>Nobody calls, but time passed: let holds expire and windows be announced. Also how a host looks whether anything is
/// due.</summary>
public sealed record Tick : BudgetCommand;

/// <summary><see cref="Amount"/> is in the smallest unit (nanos for money). Of a usage it counts where that does; else under
/// <see cref="Dimensions"/> at <see cref="At"/>, now if not said.</summary>
public sealed record CreditTerms
{
    public long Amount { get; init; }
    public LimitUnit Unit { get; init; }
    public string? UsageId { get; init; }
    public Dimensions Dimensions { get; init; } = Dimensions.None;
    public Instant? At { get; init; }
    public string By { get; init; } = "";
    public string Reason { get; init; } = "";

    /// <summary>What it goes by elsewhere: the number of a credit note.</summary>
    public string? Reference { get; init; }
}

/// <summary>The terms of an override. <see cref="Additional"/> is in the limit's smallest unit (nanos for money).</summary>
public sealed record OverrideTerms
{
    public string? LimitId { get; init; }
    public Window? Window { get; init; }
    public LimitUnit? Unit { get; init; }
    public string? Key { get; init; }
    public long Additional { get; init; }
    public bool Cut { get; init; }
    public string Reason { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public Instant? StartsAt { get; init; }
    public Instant ExpiresAt { get; init; }
    public string? Metadata { get; init; }
}
