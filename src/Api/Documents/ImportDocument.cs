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
    public string? PriceVersion { get; set; }
    public bool? Late { get; set; }
    public bool? Overrun { get; set; }
    public bool? Final { get; set; }
    public string? PriceCurrency { get; set; }
    public string? PriceCost { get; set; }
    public string? ExchangeRate { get; set; }
    public string? Discount { get; set; }
    public string? Corrects { get; set; }
    public string? CorrectedBy { get; set; }
    public string? Reason { get; set; }
    public IReadOnlyList<string>? UnpricedParts { get; set; }
    public string? RatedTier { get; set; }
    public string? CanonicalProvider { get; set; }
    public string? CanonicalModel { get; set; }
    public string? Disputed { get; set; }
    public IReadOnlyList<string>? Unread { get; set; }
    public bool? TotalOnly { get; set; }
    public IReadOnlyList<LineDocument>? Lines { get; set; }
    public string? LineOf { get; set; }
    public string? Reference { get; set; }

    /// <summary>The usage as it was booked; what had no price is priced now, where it can be.</summary>
    internal Usage ToImported()
    {
        // An export tells the counts and the report that they were read from.
        var raw = InputTokens is null ? null : Raw;
        if (raw is not null) Raw = null;
        if (TotalOnly == true) (InputTokens, OutputTokens) = (null, null);
        else TotalTokens = null;
        var usage = ToUsage();
        if (raw is not null) usage = usage with { Raw = raw.Value.Json };
        if (Disputed is not null || Unread is not null) usage = usage with { Disputed = Disputed, Unread = Unread };
        return Unpriced == true ? usage with { CostNanos = null } : usage;
    }
}

/// <summary>`accepted` are in the ledger now, whether they came with this import or were there; <see cref="Errors"/> lists the first of
/// those that failed.</summary>
public sealed record ImportDocument(long Lines, long Accepted, long Failed, IReadOnlyList<ImportErrorDocument> Errors);

/// <summary>Lines count from 1.</summary>
public sealed record ImportErrorDocument(long Line, string? Id, string? Field, string? Detail);
