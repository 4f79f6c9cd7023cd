// What an account may spend: limits, the settings around them, and temporary overrides.
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record Policy : OpenDocument
{
    public IReadOnlyList<Limit>? Limits { get; init; }
    public string? TimeZone { get; init; }
    public DayOfWeek? WeekStart { get; init; }
    public long? MonthAnchorDay { get; init; }

    /// <summary>The month in which a year begins, 1 to 12; quarters follow.</summary>
    public long? YearStartMonth { get; init; }

    /// <summary>When a day begins, and with it every longer window: `HH:mm`, local time.</summary>
    public string? DayStart { get; init; }

    public string? Currency { get; init; }
    public UnpricedSettings? Unpriced { get; init; }
    public HoldSettings? Holds { get; init; }
    public StatusLevels? StatusLevels { get; init; }
    public bool? OverridesAllowed { get; init; }
    public AdaptiveSettings? Adaptive { get; init; }
    public Discounts? Discounts { get; init; }
    public AnomalySettings? Anomalies { get; init; }
    public UsageSettings? Usage { get; init; }

    /// <summary>Set by the service. Accepted and ignored when sent; `If-Match` is how to insist on a version.</summary>
    public long? Version { get; init; }
}

/// <summary>What was changed of the default policy lately, newest last.</summary>
public sealed record DefaultPolicyHistory
{
    public IReadOnlyList<DefaultPolicyChange> Items { get; init; } = [];
}

/// <summary>Who changed the default policy, from what to what.</summary>
public sealed record DefaultPolicyChange
{
    public long Version { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
    public string? By { get; init; }

    /// <summary>The key that they showed.</summary>
    public string? KeyId { get; init; }

    public string? Reason { get; init; }

    /// <summary>Null where nobody had put one.</summary>
    public Policy? Before { get; init; }

    public Policy After { get; init; } = new();
}

public sealed record Limit : OpenDocument
{
    public string? Id { get; init; }
    public string? Name { get; init; }
    public LimitUnit? Unit { get; init; }
    public string? Window { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Amount? Amount { get; init; }

    public IReadOnlyDictionary<string, string>? Match { get; init; }
    public string? Each { get; init; }
    public Enforcement? Enforcement { get; init; }
    public LimitMode? Mode { get; init; }
    public IReadOnlyList<Threshold>? Thresholds { get; init; }

    /// <summary>Of a hard limit: how far beyond it calls may go for some minutes, once in a window.</summary>
    public Grace? Grace { get; init; }
}

/// <summary>So many percent beyond a limit, for so many minutes after the first call that goes beyond it.</summary>
public sealed record Grace : OpenDocument
{
    public decimal? Percent { get; init; }
    public long? Minutes { get; init; }
}

public sealed record UnpricedSettings : OpenDocument
{
    public UnpricedRule? Rule { get; init; }
    public string? Fallback { get; init; }
}

public sealed record HoldSettings : OpenDocument
{
    [JsonPropertyName("defaultTtlSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? DefaultTtl { get; init; }

    public long? DefaultMaxOutputTokens { get; init; }
    public ExpiryRule? OnExpiry { get; init; }
}

public sealed record StatusLevels : OpenDocument
{
    public decimal? Warning { get; init; }
    public decimal? Critical { get; init; }
    public decimal? Exceeded { get; init; }
}

public sealed record AdaptiveSettings : OpenDocument
{
    /// <summary>In the order in which they are tried: `reduce_max_tokens`, `use_smaller_model`, `disable_tools`,
    /// `reduce_temperature`.</summary>
    public IReadOnlyList<string>? Measures { get; init; }

    /// <summary>Models to fall back to, in order, each as `provider/model` or as a model alone.</summary>
    public IReadOnlyList<string>? FallbackModels { get; init; }

    /// <summary>The output is never reduced below this; 50 where it is not said.</summary>
    public long? MinOutputTokens { get; init; }
}

public sealed record Discounts : OpenDocument
{
    public VolumeDiscount? Volume { get; init; }

    /// <summary>By the `requests` of one usage.</summary>
    public IReadOnlyList<DiscountTier>? Batch { get; init; }

    /// <summary>The first that matches counts.</summary>
    public IReadOnlyList<NegotiatedDiscount>? Negotiated { get; init; }
}

/// <summary>Tiers by what the account used in its current month, the call itself included: `tokens` (the default) or `cost`.</summary>
public sealed record VolumeDiscount : OpenDocument
{
    public string? Measure { get; init; }
    public IReadOnlyList<DiscountTier>? Tiers { get; init; }
}

/// <summary>A share off the whole amount (0.05 is 5%) where there is more than `above`.</summary>
public sealed record DiscountTier : OpenDocument
{
    public decimal? Above { get; init; }
    public decimal? Discount { get; init; }
}

/// <summary>Calls that match cost the list price times `multiplier`.</summary>
public sealed record NegotiatedDiscount : OpenDocument
{
    public IReadOnlyDictionary<string, string>? Match { get; init; }
    public decimal? Multiplier { get; init; }
}

/// <summary>What a policy says about anomalies; what is left out is as usual.</summary>
public sealed record AnomalySettings : OpenDocument
{
    public bool? Enabled { get; init; }
    public IReadOnlyList<string>? Detectors { get; init; }
    public IReadOnlyDictionary<string, decimal>? Thresholds { get; init; }

    /// <summary>How many hours the z-score compares with, and the calls that it needs in them.</summary>
    public int? WindowSize { get; init; }

    public int? MinDataPoints { get; init; }
}

/// <summary>How usage is booked: `disputed` (book or refuse) for reports that contradict themselves, `cost` (computed or reported) where
/// the provider says what it charged.</summary>
public sealed record UsageSettings : OpenDocument
{
    public string? Disputed { get; init; }
    public string? Cost { get; init; }
    public string? Recording { get; init; }
}

public sealed record NewOverride
{
    public string? Id { get; init; }
    public string? LimitId { get; init; }
    public string? Window { get; init; }
    public LimitUnit? Unit { get; init; }
    public string? Key { get; init; }
    public Amount? Additional { get; init; }
    public bool? Cut { get; init; }
    public string? Reason { get; init; }

    /// <summary>A former name of <see cref="By"/>.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Who adds it; the key's name if not said.</summary>
    public string? By { get; init; }

    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public JsonObject? Metadata { get; init; }
}

public sealed record Override
{
    public string Id { get; init; } = "";
    public string? LimitId { get; init; }
    public string? Window { get; init; }
    public LimitUnit Unit { get; init; }
    public string? Key { get; init; }
    public Amount Additional { get; init; }
    public bool Cut { get; init; }
    public string Reason { get; init; } = "";
    public string By { get; init; } = "";
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset? StartsAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public JsonObject? Metadata { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>`scheduled`, `active` or `ended`.</summary>
    public string State { get; init; } = "";
}

public sealed record OverrideList
{
    public IReadOnlyList<Override> Items { get; init; } = [];
}

/// <summary>A policy that is tried on the calls of a past time.</summary>
public sealed record PolicyTrial
{
    /// <summary>The policy as a whole, as it would be put.</summary>
    public Policy? Policy { get; init; }

    /// <summary>Seven days before <see cref="To"/> if not said, and at most 31.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Now if not said.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>How many calls are told one by one: 100 if not said, at most 1000.</summary>
    public long? Limit { get; init; }
}

/// <summary>How many calls, and what they asked for.</summary>
public sealed record PreviewSum
{
    public long Calls { get; init; }
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }
}

/// <summary>What is decided about all calls under one policy.</summary>
public sealed record PreviewVerdicts
{
    public PreviewSum Admitted { get; init; } = new();
    public PreviewSum Degraded { get; init; } = new();
    public PreviewSum Refused { get; init; } = new();
}

/// <summary>The calls of one limit, model or user (null for those that name none), and those of which something else is decided.</summary>
public record PreviewRow
{
    public string? Key { get; init; }
    public PreviewSum All { get; init; } = new();
    public PreviewSum Refused { get; init; } = new();
    public PreviewSum Degraded { get; init; } = new();
    public PreviewSum LetThrough { get; init; } = new();
}

/// <summary>A call of which something else is decided: <see cref="Kind"/> is `reservation`, `extension` or `usage`, <see cref="Change"/>
/// `refused`, `degraded` or `letThrough`.</summary>
public sealed record PreviewCall
{
    public string Id { get; init; } = "";
    public string Kind { get; init; } = "";
    public DateTimeOffset At { get; init; }
    public string Change { get; init; } = "";
    public string? User { get; init; }
    public string? Session { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Before { get; init; } = "";
    public string After { get; init; } = "";
    public IReadOnlyList<string> Limits { get; init; } = [];
    public string? Reason { get; init; }
    public CallChanges? Changes { get; init; }
}

/// <summary>The calls of a past time, decided again under the policy in force and under another one.</summary>
public sealed record PolicyPreview : PreviewRow
{
    public string Account { get; init; } = "";
    public DateTimeOffset From { get; init; }
    public DateTimeOffset To { get; init; }

    /// <summary>False where more happened than is looked at at once.</summary>
    public bool Complete { get; init; }
    public DateTimeOffset? CountedSince { get; init; }
    public string Currency { get; init; } = "";
    public PreviewVerdicts Before { get; init; } = new();
    public PreviewVerdicts After { get; init; } = new();
    public IReadOnlyList<PreviewRow> Limits { get; init; } = [];
    public IReadOnlyList<PreviewRow> Models { get; init; } = [];
    public IReadOnlyList<PreviewRow> Users { get; init; } = [];
    public IReadOnlyList<PreviewCall> Items { get; init; } = [];
}
