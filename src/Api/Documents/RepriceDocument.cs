// Rating records anew: which ones, and what became of them.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Api.Documents;

/// <summary>
/// Without `ids` every record that has no price and fits the filters; with `all` also those that have one. `ids` name usages of one
/// `account`.
/// </summary>
public sealed class RepriceRequestDocument
{
    /// <summary>Only records of this account.</summary>
    public string? Account { get; set; }

    /// <summary>Only these usages, which belong to `account`.</summary>
    public IReadOnlyList<string>? Ids { get; set; }

    /// <summary>Only records of this provider.</summary>
    public string? Provider { get; set; }

    /// <summary>Only records of this model.</summary>
    public string? Model { get; set; }

    /// <summary>Only records from this instant on.</summary>
    public Instant? From { get; set; }

    /// <summary>Only records before this instant.</summary>
    public Instant? To { get; set; }

    /// <summary>Also records that have a price.</summary>
    public bool? All { get; set; }

    /// <summary>Who, for the audit trail; the key's name if not said.</summary>
    public string? By { get; set; }

    /// <summary>A former name of `by`.</summary>
    public string? ChangedBy { get; set; }

    /// <summary>Why, for the audit trail.</summary>
    public string? Reason { get; set; }

    /// <summary>How many records to look at in one request.</summary>
    public long? Limit { get; set; }

    /// <summary>`nextCursor` of the answer before.</summary>
    public string? Cursor { get; set; }
}

/// <summary>A record whose cost changed by the adjustment beside it.</summary>
/// <param name="Account">The account.</param>
/// <param name="UsageId">The usage.</param>
/// <param name="AdjustmentId">The record that books the difference.</param>
/// <param name="CostBefore">What was booked before.</param>
/// <param name="CostAfter">What is booked now.</param>
/// <param name="Currency">The currency of the money beside it: three letters.</param>
/// <param name="PriceVersion">The version of the price that it was rated with; null where there was no price.</param>
public sealed record RepricedDocument(
    string Account, string UsageId, string AdjustmentId, [property: DataType("money")] string CostBefore,
        [property: DataType("money")] string CostAfter, string Currency, string? PriceVersion);

/// <summary>A record that was left as it is, and why.</summary>
/// <param name="Account">The account.</param>
/// <param name="UsageId">The usage.</param>
/// <param name="Type">The type of the problem.</param>
/// <param name="Detail">Why.</param>
public sealed record NotRepricedDocument(string Account, string UsageId, string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail);

/// <summary>`unpricedModels` still have no price. Where there is a `nextCursor`, more records wait.</summary>
/// <param name="Examined">How many records were looked at.</param>
/// <param name="Repriced">How many changed.</param>
/// <param name="Unchanged">How many cost the same as before.</param>
/// <param name="Items">Those that changed.</param>
/// <param name="Refused">Those that were left as they are.</param>
/// <param name="UnpricedModels">Models that still have no price.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record RepriceDocument(
    long Examined, long Repriced, long Unchanged, IReadOnlyList<RepricedDocument> Items, IReadOnlyList<NotRepricedDocument> Refused,
    IReadOnlyList<UnpricedModelDocument> UnpricedModels, string? NextCursor);
