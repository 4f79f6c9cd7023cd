// The answers, in the shape in which callers see them.
using NodaTime;

namespace Purser.Core;

public enum ReservationState { Active, Settled, Released, Expired, Charged }

/// <summary>One limit as it stands for one key: what is allowed, used, held, left, and when it begins anew (null: never).</summary>
public sealed record LimitView(
    string LimitId, LimitUnit Unit, Window Window, string? Key, Quantity? Amount, Quantity Settled, Quantity Held, Quantity? Remaining,
    decimal PercentUsed, decimal PercentCommitted, string Status, Instant? WindowStart, Instant? ResetsAt)
{
    /// <summary>What the limit does to a call that does not fit: refuse it, degrade it, or only say so.</summary>
    public Enforcement Enforcement { get; init; }

    /// <summary>Set while calls may go beyond the limit: when that ends.</summary>
    public Instant? GraceUntil { get; init; }

    /// <summary>Set where the window began earlier, but was counted in full only since then: older records were gone when the limit
    /// came.</summary>
    public Instant? CountedSince { get; init; }
}

/// <summary>A limit that stands in the way, and when the call would fit it if nobody else came; null where waiting can not help.</summary>
public sealed record Blocker(LimitView Limit, Quantity Requested, long? RetryAfterSeconds, Instant? FitsAt);

/// <summary>Something the caller could do: `reduceMaxOutputTokens`, `useModel`, `wait`, `requestOverride`.</summary>
public sealed record Suggestion(string Action)
{
    public string? LimitId { get; init; }
    public long? MaxOutputTokens { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Cost { get; init; }
    public long? Seconds { get; init; }
    public Instant? Until { get; init; }
    public Quantity? Additional { get; init; }
}

public sealed record ReservationView(
    string Id, string Account, long Tokens, string Cost, string Currency, Instant CreatedAt, Instant ExpiresAt, ReservationState State)
        : Answer
{
    /// <summary>Which of several calls under one id took it (<see cref="Reserve.Attempt"/>).</summary>
    public string? Attempt { get; init; }
}

/// <summary>Whether a call may be made, and everything that led to it.</summary>
public sealed record Decision(
    bool Allowed, ReservationView? Reservation, IReadOnlyList<LimitView> Limits, IReadOnlyList<Blocker> BlockedBy,
    IReadOnlyList<Blocker> ShadowBlockedBy, IReadOnlyList<Suggestion> Suggestions, string? PausedReason = null, CallChanges? Changes = null)
        : Answer
{
    /// <summary>Soft limits that the call does not fit: it is admitted, and this is said.</summary>
    public IReadOnlyList<Blocker> Warnings { get; init => field = value ?? []; } = [];
}

public sealed record Settlement(
    string? ReservationId, string UsageId, long Tokens, string Cost, string Currency, string? PriceVersion, bool Unpriced, bool Late,
    bool Overrun, IReadOnlyList<LimitView> Limits) : Answer
{
    /// <summary>Counts without a rate, where others have one.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }

    /// <summary>The tier whose rates were used.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    public string? ReportedCost { get; init; }
    public string? Disputed { get; init; }
    public IReadOnlyList<string>? Unread { get; init; }

    /// <summary>What other models did inside of the same call; tokens and cost include it.</summary>
    public IReadOnlyList<BookedLine>? Lines { get; init; }

    /// <summary>Nothing was booked: the policy has recording switched off.</summary>
    public bool IsUnrecorded { get; init; }
}

public sealed record AccountStatus(
    string Account, string Status, bool Paused, string? PausedReason, IReadOnlyList<LimitView> Limits, string? NextCursor,
    int ActiveReservations, long ReservedTokens, IReadOnlyList<OverrideView> Overrides) : Answer
{
    /// <summary>The open holds that were asked for, and where the next ones begin; null at the end, or where none were asked for.</summary>
    public IReadOnlyList<OpenHold>? Holds { get; init; }
    public string? NextHold { get; init; }

    /// <summary>Nothing ever happened in it: what is shown is how it would begin.</summary>
    public bool IsUnknown { get; init; }
}

/// <summary>A hold that nobody has settled or given back: what it is for, and what of it is left.</summary>
public sealed record OpenHold(ReservationView Reservation, Dimensions Dimensions, Amounts Left);

/// <summary><see cref="Month"/>: what was used so far in the month, by which volume discounts go; and what was used of the allowances of
/// prices.</summary>
public sealed record PolicyView(Policy Policy, EffectivePolicy Effective, long Version, MonthUsage? Month = null) : Answer
{
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }
}

/// <summary>`state` is `scheduled`, `active` or `ended`.</summary>
public sealed record OverrideView(string Id, OverrideTerms Terms, LimitUnit Unit, Instant CreatedAt, string State) : Answer;

public sealed record OverrideList(IReadOnlyList<OverrideView> Items) : Answer;
