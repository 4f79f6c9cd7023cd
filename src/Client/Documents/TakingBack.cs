// Taking booked usage back: voids, corrections and credits, records of their own.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Says that a booked usage never counts.</summary>
public sealed record VoidRequest
{
    /// <summary>Who decides this, for the audit trail.</summary>
    public string? By { get; init; }
    public string? Reason { get; init; }
}

/// <summary>What a booked usage really was, as a whole.</summary>
public sealed record Correction : Usage
{
    /// <summary>Where the usage is booked, if its id alone does not tell.</summary>
    public string? Account { get; init; }
    public string? By { get; init; }
    public string? Reason { get; init; }
}

/// <summary>Something that came back: money, or tokens, of the limits that it matches.</summary>
public sealed record Credit : CallDimensions
{
    public string? Id { get; init; }
    public Amount? Amount { get; init; }
    public LimitUnit? Unit { get; init; }

    /// <summary>The usage that it is for.</summary>
    public string? UsageId { get; init; }
    public DateTimeOffset? Timestamp { get; init; }
    public string? By { get; init; }
    public string? Reason { get; init; }

    /// <summary>What it goes by outside of this system: the number of a credit note.</summary>
    public string? Reference { get; init; }
}

/// <summary>The record that was booked for it; null, and nothing booked, where nothing was to be changed.</summary>
public sealed record Adjusted
{
    public string Account { get; init; } = "";
    public string? UsageId { get; init; }
    public string? AdjustmentId { get; init; }
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";
    public IReadOnlyList<LimitView> Limits { get; init; } = [];
}
