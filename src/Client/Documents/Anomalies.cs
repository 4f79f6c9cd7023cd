// What was unlike the past of an account.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>`deviation` is in percent of what was expected, for shares too.</summary>
public sealed record Anomaly
{
    public string Id { get; init; } = "";
    public AnomalyKind Kind { get; init; }
    public AnomalySeverity Severity { get; init; }
    public string Detector { get; init; } = "";
    public DateTimeOffset At { get; init; }
    public DateTimeOffset FoundAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public DateTimeOffset? WithdrawnAt { get; init; }

    /// <summary>Money in units of the currency, shares in percent.</summary>
    public AnomalyUnit Unit { get; init; }

    public string? Currency { get; init; }
    public Amount? Expected { get; init; }
    public Amount Actual { get; init; }
    public decimal? Deviation { get; init; }
    public decimal Score { get; init; }

    /// <summary>The model that is new, the limit that is being used up.</summary>
    public string? Subject { get; init; }

    public string Explanation { get; init; } = "";
}

public sealed record AnomalyPage
{
    public IReadOnlyList<Anomaly> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>What new accounts are held against: what others used in their first days.</summary>
public sealed record FirstDaysList
{
    /// <summary>One for each tenant, and one for the accounts without: where 20 accounts or more are old enough.</summary>
    public IReadOnlyList<FirstDays> Items { get; init; } = [];
}

/// <summary>The first days of the accounts of a tenant, or of all that have none.</summary>
public sealed record FirstDays
{
    /// <summary>The tenant whose accounts they are; null: those without one.</summary>
    public string? Tenant { get; init; }

    public DateTimeOffset LearnedAt { get; init; }

    /// <summary>From how many accounts.</summary>
    public int Accounts { get; init; }

    /// <summary>The currency that most of them have.</summary>
    public string Currency { get; init; } = "";

    /// <summary>By age, youngest first.</summary>
    public IReadOnlyList<FirstDaysAge> Ages { get; init; } = [];
}

/// <summary>What 99 of 100 accounts had used, at most, when they were so old.</summary>
public sealed record FirstDaysAge
{
    /// <summary>The age in hours, from the hour of the first call on.</summary>
    public int Hours { get; init; }

    public long Tokens { get; init; }

    /// <summary>Null where too few accounts have the currency.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Cost { get; init; }

    public long Calls { get; init; }
}
