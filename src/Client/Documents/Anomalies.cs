// What was unlike the past of an account.
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
