// Problem details (RFC 9457), and the items of an answer to many usages at once: a settlement or a problem each.
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>Where something went wrong, why, and what to do. `field` names the member or parameter at fault, where there is one.</summary>
public sealed class ProblemDocument : UsageResultDocument
{
    [JsonPropertyOrder(-2)]
    public required string Type { get; init; }

    [JsonPropertyOrder(-2)]
    public required string Title { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }
}

[JsonDerivedType(typeof(SettlementDocument))]
[JsonDerivedType(typeof(ProblemDocument))]
public abstract class UsageResultDocument
{
    /// <summary>The HTTP status that this item would have had alone; not shown in a settlement that is the whole answer.</summary>
    [JsonPropertyOrder(-1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Status { get; init; }
}

public sealed class SettlementDocument : UsageResultDocument
{
    internal SettlementDocument(Settlement settlement)
    {
        ReservationId = settlement.ReservationId;
        UsageId = settlement.UsageId;
        Tokens = settlement.Tokens;
        Cost = settlement.Cost;
        Currency = settlement.Currency;
        PriceVersion = settlement.PriceVersion;
        Unpriced = settlement.Unpriced;
        Late = settlement.Late;
        Overrun = settlement.Overrun;
        Limits = LimitViewDocument.Of(settlement.Limits);
    }

    public string? ReservationId { get; }
    public string UsageId { get; }
    public long Tokens { get; }
    public string Cost { get; }
    public string Currency { get; }
    public string? PriceVersion { get; }
    public bool Unpriced { get; }
    public bool Late { get; }
    public bool Overrun { get; }
    public IReadOnlyList<LimitViewDocument> Limits { get; }
}

public sealed record UsageResultsDocument(IReadOnlyList<UsageResultDocument> Items);
