// An anomaly as it is told and kept: what was expected, what came, and a sentence that says why that is worth a look.
using NodaTime;

namespace Purser.Core.Statistics;

public enum AnomalyKind { Spike, Drop, CostSpike, CallSpike, ErrorRate, NewModel, Velocity }

/// <summary>Money in units of the currency, shares in percent.</summary>
public enum AnomalyUnit { Tokens, Cost, Requests, Percent }

public sealed record Anomaly
{
    /// <summary>Counts from 1 within the account. What is built anew from the journal has the same numbers again.</summary>
    public long No { get; init; }

    /// <summary>Made of kind, detector, hour and subject: the same find never has another.</summary>
    public required string Id { get; init; }
    public AnomalyKind Kind { get; init; }
    public required string Detector { get; init; }
    public Severity Severity { get; init; }

    /// <summary>The start of the hour that it was found in.</summary>
    public Instant At { get; init; }

    /// <summary>When the record was booked that gave it away.</summary>
    public Instant FoundAt { get; init; }
    public AnomalyUnit Unit { get; init; }
    public string? Currency { get; init; }
    public decimal? Expected { get; init; }
    public decimal Actual { get; init; }

    /// <summary>When what was found was over: use is as usual again. Null while it lasts, and for what has no length.</summary>
    public Instant? EndedAt { get; init; }

    /// <summary>When a record changed the past so that this does not hold any more; null where it holds.</summary>
    public Instant? WithdrawnAt { get; init; }

    /// <summary>What is above what was expected, in percent of that.</summary>
    public decimal? Deviation { get; init; }

    /// <summary>In the detector's own measure: evidence, standard deviations, a ratio.</summary>
    public decimal Score { get; init; }

    /// <summary>The model that is new, the limit that is being used up.</summary>
    public string? Subject { get; init; }
    public required string Explanation { get; init; }
}
