// Rating records anew: which ones, and what became of them.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Api.Documents;

/// <summary>
/// Without `ids` every record that has no price and fits the filters; with `all` also those that have one. `ids` name usages of one
/// `account`.
/// </summary>
public sealed class RepriceRequestDocument
{
    public string? Account { get; set; }
    public IReadOnlyList<string>? Ids { get; set; }
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public Instant? From { get; set; }
    public Instant? To { get; set; }
    public bool? All { get; set; }
    public string? ChangedBy { get; set; }
    public string? Reason { get; set; }
    public long? Limit { get; set; }
    public string? Cursor { get; set; }
}

/// <summary>A record whose cost changed by the adjustment beside it.</summary>
public sealed record RepricedDocument(
    string Account, string UsageId, string AdjustmentId, string CostBefore, string CostAfter, string Currency, string? PriceVersion);

/// <summary>A record that was left as it is, and why.</summary>
public sealed record NotRepricedDocument(string Account, string UsageId, string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail);

/// <summary>`unpricedModels` still have no price. Where there is a `nextCursor`, more records wait.</summary>
public sealed record RepriceDocument(
    long Examined, long Repriced, long Unchanged, IReadOnlyList<RepricedDocument> Items, IReadOnlyList<NotRepricedDocument> Refused,
    IReadOnlyList<UnpricedModelDocument> UnpricedModels, string? NextCursor);
