// Problem details (RFC 9457), and the items of an answer to many usages at once: a settlement or a problem each.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>Where something went wrong, why, and what to do. `field` names the member or parameter at fault, where there is one.</summary>
public sealed class ProblemDocument : UsageResultDocument
{
    /// <summary>What kind of problem it is: `urn:purser:problem:` and a slug that never changes.</summary>
    [JsonPropertyOrder(-2)]
    [DataType(DataType.Url)]
    public required string Type { get; init; }

    /// <summary>The kind in words.</summary>
    [JsonPropertyOrder(-2)]
    public required string Title { get; init; }

    /// <summary>What went wrong this time.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    /// <summary>The member or parameter at fault.</summary>
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
/// <param name="Field">The member of the body, or the parameter.</param>
/// <param name="Problem">What is wrong with it, and what it should be.</param>
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
        Allowances = AllowanceUseDocument.Of(settlement.Allowances);
        ReportedCost = settlement.ReportedCost;
        Disputed = settlement.Disputed;
        Unread = settlement.Unread;
        Lines = settlement.Lines is { } lines ? [.. lines.Select(LineDocument.Of)] : null;
        Recorded = settlement.IsUnrecorded ? false : null;
    }

    /// <summary>The reservation that it settles; null for usage without one.</summary>
    public string? ReservationId { get; }

    /// <summary>The id of the record that was booked.</summary>
    public string UsageId { get; }

    /// <summary>Tokens that were booked.</summary>
    public long Tokens { get; }

    /// <summary>Money that was booked.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>The version of the price that it was rated with; null where there was no price.</summary>
    public string? PriceVersion { get; }

    /// <summary>Whether there was no price for the model.</summary>
    public bool Unpriced { get; }

    /// <summary>Whether the hold had run out before it was settled.</summary>
    public bool Late { get; }

    /// <summary>Whether more was used than was held.</summary>
    public bool Overrun { get; }

    /// <summary>The limits that match the call, as they stand now.</summary>
    public IReadOnlyList<LimitViewDocument> Limits { get; }

    /// <summary>The tier whose rates were used: standard, batch, flex or priority.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ServiceTier { get; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AllowanceUseDocument>? Allowances { get; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? UnpricedParts { get; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("money")]
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

    /// <summary>False where the policy has recording switched off: nothing was booked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Recorded { get; }
}

/// <summary>A record of its own, booked together with the call.</summary>
/// <param name="UsageId">The id of its record.</param>
/// <param name="Provider">The provider, by its name.</param>
/// <param name="Model">The model, by its name.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Cost">Its money.</param>
/// <param name="PriceVersion">The version of the price that it was rated with; null where there was no price.</param>
/// <param name="Unpriced">Whether there was no price for the model.</param>
public sealed record LineDocument(string UsageId, string? Provider, string? Model, long Tokens, [property: DataType("money")] string Cost,
    string? PriceVersion,
    bool Unpriced)
{
    internal static LineDocument Of(Core.BookedLine line) => new(
        line.Id, line.Provider, line.Model, line.Tokens, Core.Money.Format(line.CostNanos), line.PriceVersion, line.Unpriced);

    internal Core.BookedLine ToLine() => new(UsageId, Provider, Model, Tokens,
        Core.Money.TryParse(Cost, out var nanos)
            ? nanos : throw RequestRefusedException.Invalid("lines", "must have decimal strings as `cost`"),
        PriceVersion, Unpriced);
}

/// <param name="Items">What became of each, in their order: a settlement or a problem.</param>
public sealed record UsageResultsDocument(IReadOnlyList<UsageResultDocument> Items);
