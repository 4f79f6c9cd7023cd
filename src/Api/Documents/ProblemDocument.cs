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

    /// <summary>The reservation that has run out, where one was asked for again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReservationDocument? Reservation { get; set; }

    /// <summary>All members or parameters at fault, `field` first; of a wrong body as far as it can be read, at most twenty.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<WrongMemberDocument>? Errors { get; init; }
}

/// <summary>A member of a body, or a parameter, and what is wrong with it.</summary>
public sealed record WrongMemberDocument(string Field, string Problem);

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
        UnpricedParts = settlement.UnpricedParts;
        ServiceTier = settlement.ServiceTier;
        ReportedCost = settlement.ReportedCost;
        Disputed = settlement.Disputed;
        Unread = settlement.Unread;
        Lines = settlement.Lines is { } lines ? [.. lines.Select(LineDocument.Of)] : null;
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

    /// <summary>The tier whose rates were used: standard, batch, flex or priority.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ServiceTier { get; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? UnpricedParts { get; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReportedCost { get; }

    /// <summary>How the report contradicts itself; the larger reading is booked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Disputed { get; }

    /// <summary>Members of the report that may be counts and were not read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Unread { get; }

    /// <summary>What other models did inside of the same call; tokens and cost include it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LineDocument>? Lines { get; }
}

/// <summary>A record of its own, booked together with the call.</summary>
public sealed record LineDocument(string UsageId, string? Provider, string? Model, long Tokens, string Cost, string? PriceVersion,
    bool Unpriced)
{
    internal static LineDocument Of(Core.BookedLine line) => new(
        line.Id, line.Provider, line.Model, line.Tokens, Core.Money.Format(line.CostNanos), line.PriceVersion, line.Unpriced);
}

public sealed record UsageResultsDocument(IReadOnlyList<UsageResultDocument> Items);
