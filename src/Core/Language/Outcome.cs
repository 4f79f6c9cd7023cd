// What a command answers. Expected answers are values, never exceptions.
using System.Text.Json.Serialization;

namespace Purser.Core;

/// <summary>In order of precedence: what is checked first stands first. Numbers are part of the wire format and never reused.</summary>
public enum OutcomeStatus
{
    Done = 0,

    /// <summary>The ledger could not be reached, or it is not known whether it took the write. Retry with the same id.</summary>
    Unavailable = 1,

    /// <summary>The session is being handed over. Retry with the same id.</summary>
    Moved = 2,

    UnknownAccount = 3,
    Invalid = 4,
    IdempotencyMismatch = 5,
    NotFound = 6,

    /// <summary>The state does not allow it. With a <see cref="ReservationView"/>: the reservation that is asked for again has run out, and
    /// holds nothing.</summary>
    Conflict = 7,
    VersionMismatch = 8,
    Unprocessable = 9,
    Paused = 10,
    Refused = 11,
}

/// <summary>The one answer to every command. <see cref="Field"/> names the member of the command that is at fault, <see cref="Detail"/>
/// says why and what to do.</summary>
public sealed record Outcome(OutcomeStatus Status, Answer? Answer = null, string? Field = null, string? Detail = null)
{
    public static Outcome Done(Answer? answer = null) => new(OutcomeStatus.Done, answer);

    public static Outcome Invalid(string field, string detail) => new(OutcomeStatus.Invalid, null, field, detail);

    public static Outcome Unprocessable(string field, string detail) => new(OutcomeStatus.Unprocessable, null, field, detail);

    /// <summary>Whether the same command, sent again with the same id, can end differently without anything else changing.</summary>
    [JsonIgnore]
    public bool IsTransient => Status is OutcomeStatus.Unavailable or OutcomeStatus.Moved;
}

[JsonPolymorphic(TypeDiscriminatorPropertyName = "a")]
[JsonDerivedType(typeof(Decision), "decision")]
[JsonDerivedType(typeof(Settlement), "settlement")]
[JsonDerivedType(typeof(ReservationView), "reservation")]
[JsonDerivedType(typeof(AccountStatus), "status")]
[JsonDerivedType(typeof(PolicyView), "policy")]
[JsonDerivedType(typeof(Repriced), "repriced")]
[JsonDerivedType(typeof(Adjusted), "adjusted")]
[JsonDerivedType(typeof(OverrideView), "override")]
[JsonDerivedType(typeof(OverrideList), "overrides")]
public abstract record Answer;
