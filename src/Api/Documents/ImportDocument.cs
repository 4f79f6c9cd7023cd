// A line of an import: a usage with its account, in the form in which exports write it. What the service decides by itself is read over.
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class ImportLineDocument : UsageDocument
{
    public string? Account { get; set; }
    public string? Currency { get; set; }
    public bool? Unpriced { get; set; }
    public RecordKind? Kind { get; set; }
    public string? ReservationId { get; set; }
    public Instant? BookedAt { get; set; }
    public long? TotalTokens { get; set; }
    public string? PriceVersion { get; set; }
    public bool? Late { get; set; }
    public bool? Overrun { get; set; }
    public bool? Final { get; set; }

    /// <summary>The usage as it was booked; what had no price is priced now, where it can be.</summary>
    internal Usage ToImported() => Unpriced == true ? ToUsage() with { CostNanos = null } : ToUsage();
}

/// <summary>`accepted` are in the ledger now, whether they came with this import or were there; <see cref="Errors"/> lists the first of those that failed.</summary>
public sealed record ImportDocument(long Lines, long Accepted, long Failed, IReadOnlyList<ImportErrorDocument> Errors);

/// <summary>Lines count from 1.</summary>
public sealed record ImportErrorDocument(long Line, string? Id, string? Field, string? Detail);
