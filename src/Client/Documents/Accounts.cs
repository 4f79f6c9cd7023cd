// Accounts as they stand, and what was decided about them.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>An account and its worst limit.</summary>
public sealed record AccountSummary
{
    public string Account { get; init; } = "";
    public string Status { get; init; } = "";
    public bool Paused { get; init; }
    public decimal PercentUsed { get; init; }
    public LimitView? WorstLimit { get; init; }
}

public sealed record AccountPage
{
    public IReadOnlyList<AccountSummary> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

public sealed record AccountStatus
{
    public string Account { get; init; } = "";

    /// <summary>False where nothing ever happened in it: the limits are those with which its first call would make it.</summary>
    public bool Exists { get; init; } = true;

    /// <summary>The worst word of the limits that hold for the whole account; those with `each` have one per key.</summary>
    public string Status { get; init; } = "";

    public bool Paused { get; init; }
    public string? PausedReason { get; init; }
    public IReadOnlyList<LimitView> Limits { get; init; } = [];

    /// <summary>Give it as `cursor` for the limits that follow; null at the end.</summary>
    public string? NextCursor { get; init; }

    public HeldSum Reservations { get; init; } = new();
    public UsageBreakdown Breakdown { get; init; } = new();
    public IReadOnlyList<TopModel> TopModels { get; init; } = [];
    public IReadOnlyList<Override> Overrides { get; init; } = [];
}

public sealed record HeldSum
{
    public long Active { get; init; }
    public long Tokens { get; init; }
}

/// <summary>The usage of a time: the last 30 days where no other was asked for.</summary>
public sealed record UsageBreakdown
{
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }
    public Amount InputTokens { get; init; }
    public Amount OutputTokens { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }
    public Amount FailedRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }
}

public sealed record TopModel
{
    public string? Model { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    public decimal Percentage { get; init; }
}

public sealed record PauseRequest
{
    public string? Reason { get; init; }

    /// <summary>Who says so, for the audit trail.</summary>
    public string? By { get; init; }
}

public sealed record AuditPage
{
    public IReadOnlyList<AuditItem> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>`action` is policyChanged, defaultPolicyAdopted, paused, resumed, overrideAdded, overrideRemoved, usageErased, usageAnonymized
/// or repriced;
/// `version` is the journal entry that it stands in. The other members are there where the action has them.</summary>
public sealed record AuditItem
{
    public long Version { get; init; }
    public DateTimeOffset At { get; init; }
    public string Action { get; init; } = "";
    public string? By { get; init; }

    /// <summary>The key that was shown: its id, `admin` for the first key, the subject of a token.</summary>
    public string? KeyId { get; init; }

    /// <summary>The hash that holds the entry to the one before it.</summary>
    public string? Link { get; init; }

    public string? Reason { get; init; }
    public long? PolicyVersion { get; init; }
    public Policy? Policy { get; init; }
    public string? OverrideId { get; init; }
    public string? LimitId { get; init; }
    public string? Key { get; init; }
    public string? Window { get; init; }
    public LimitUnit? Unit { get; init; }
    public Amount? Additional { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The usage that was rated anew, and the difference that it made.</summary>
    public string? UsageId { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Cost { get; init; }

    public string? Currency { get; init; }

    /// <summary>Whose records were erased; absent where all were.</summary>
    public string? User { get; init; }
}
