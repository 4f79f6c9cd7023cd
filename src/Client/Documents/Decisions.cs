// Whether a call may be made and why: what is held for it, the limits that it fits, those that refuse it, and what would help.
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record Reservation
{
    public string Id { get; init; } = "";
    public string Account { get; init; } = "";
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public ReservationState State { get; init; }
}

public record LimitView
{
    public string LimitId { get; init; } = "";
    public LimitUnit Unit { get; init; }
    public string Window { get; init; } = "";
    public string? Key { get; init; }
    public Amount? Amount { get; init; }
    public Amount Settled { get; init; }
    public Amount Held { get; init; }
    public Amount? Remaining { get; init; }
    public decimal PercentUsed { get; init; }
    public decimal PercentCommitted { get; init; }
    public string Status { get; init; } = "";
    public DateTimeOffset? WindowStart { get; init; }
    public DateTimeOffset? ResetsAt { get; init; }
    public Enforcement Enforcement { get; init; }
    public DateTimeOffset? CountedSince { get; init; }

    /// <summary>Until when calls may go beyond the limit; only set while they may.</summary>
    public DateTimeOffset? GraceUntil { get; init; }
}

/// <summary>A limit that stands in the way. `retryAfterSeconds` is null where waiting can not help.</summary>
public sealed record Blocker : LimitView
{
    public Amount Requested { get; init; }

    [JsonPropertyName("retryAfterSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? RetryAfter { get; init; }

    public Blocker()
    {
    }

    Blocker(LimitView limit) : base(limit)
    {
    }

    internal static Blocker Of(LimitView limit) => new(limit);
}

public sealed record Suggestion
{
    public string Action { get; init; } = "";
    public string? LimitId { get; init; }
    public long? MaxOutputTokens { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Cost { get; init; }

    [JsonPropertyName("seconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Wait { get; init; }

    public DateTimeOffset? Until { get; init; }
    public Amount? Additional { get; init; }
}

/// <summary>How the call has to be changed so that it is the one that was admitted; a member is null where it stays as it was asked
/// for.</summary>
public sealed record CallChanges
{
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public long? MaxOutputTokens { get; init; }
    public bool DisableTools { get; init; }
    public decimal? Temperature { get; init; }

    /// <summary>What was done, in the policy's order.</summary>
    public IReadOnlyList<string> Measures { get; init; } = [];

    /// <summary>How much less the changed call is expected to cost; null where either cost is not known.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Saving { get; init; }
}

public sealed partial record Decision
{
    public bool Allowed { get; init; }
    public Reservation? Reservation { get; init; }
    public IReadOnlyList<LimitView> Limits { get; init; } = [];
    public IReadOnlyList<Blocker> BlockedBy { get; init; } = [];
    public IReadOnlyList<Suggestion> Suggestions { get; init; } = [];
    public CallChanges? Changes { get; init; }

    /// <summary>Soft limits that the call goes beyond; they refuse nothing.</summary>
    public IReadOnlyList<Blocker> Warnings { get; init; } = [];

    /// <summary>Limits in shadow mode that would have refused; only shown where there are any.</summary>
    public IReadOnlyList<Blocker>? ShadowBlockedBy { get; init; }

    /// <summary>Why the account is paused; only shown where it is.</summary>
    public string? PausedReason { get; init; }

    public string? Type { get; init; }
    public string? Title { get; init; }
    public long? Status { get; init; }
    public string? Detail { get; init; }
}

/// <summary>A reservation that nobody has settled or given back yet.</summary>
public sealed record OpenReservation
{
    public string Id { get; init; } = "";
    public string Account { get; init; } = "";
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";

    /// <summary>What it still holds.</summary>
    public HeldRest Remaining { get; init; } = new();
    public DateTimeOffset CreatedAt { get; init; }

    [JsonPropertyName("ageSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Age { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }
    public string? Orchestrator { get; init; }
    public string? User { get; init; }
    public string? Tenant { get; init; }
    public string? Session { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Tool { get; init; }
    public IReadOnlyDictionary<string, string>? Tags { get; init; }
}

public sealed record HeldRest
{
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }
}

/// <summary>Open reservations of an account, those that run out first.</summary>
public sealed record OpenReservations
{
    public IReadOnlyList<OpenReservation> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>Open reservations of all accounts that the caller sees, those that run out first.</summary>
public sealed record AllReservations
{
    public IReadOnlyList<OpenReservation> Items { get; init; } = [];

    /// <summary>False where there are more.</summary>
    public bool Complete { get; init; }
}
