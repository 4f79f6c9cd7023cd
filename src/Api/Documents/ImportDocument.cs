// A line of an import: a usage with its account, in the form in which exports write it. What the service decides by itself is read over.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class ImportLineDocument : UsageDocument
{
    /// <summary>The account; the parameter `account` if not said.</summary>
    public string? Account { get; set; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string? Currency { get; set; }

    /// <summary>Whether there was no price for the model.</summary>
    public bool? Unpriced { get; set; }

    /// <summary>How it came to be booked.</summary>
    public RecordKind? Kind { get; set; }

    /// <summary>The reservation that it settled; null where there was none.</summary>
    public string? ReservationId { get; set; }

    /// <summary>When it was booked.</summary>
    public Instant? BookedAt { get; set; }

    /// <summary>The version of the price that it was rated with; null where there was no price.</summary>
    public string? PriceVersion { get; set; }

    /// <summary>Whether the hold had run out before it was settled.</summary>
    public bool? Late { get; set; }

    /// <summary>Whether more was used than was held.</summary>
    public bool? Overrun { get; set; }

    /// <summary>Whether it was the last part of its call.</summary>
    public bool? Final { get; set; }

    /// <summary>The price's own currency, where the account has another one.</summary>
    public string? PriceCurrency { get; set; }

    /// <summary>The money in the price's own currency.</summary>
    [DataType("decimal")]
    public string? PriceCost { get; set; }

    /// <summary>How much of the account's currency one unit of the price's currency was.</summary>
    [DataType("decimal")]
    public string? ExchangeRate { get; set; }

    /// <summary>How much less it is than by the list.</summary>
    [DataType("money")]
    public string? Discount { get; set; }

    /// <summary>The usage that it rated anew.</summary>
    public string? Corrects { get; set; }

    /// <summary>Who rated it anew.</summary>
    public string? CorrectedBy { get; set; }

    /// <summary>Why, for the audit trail.</summary>
    public string? Reason { get; set; }

    /// <summary>Counts that the price had no rate for.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; set; }

    /// <summary>The tier whose rates were used.</summary>
    public string? RatedTier { get; set; }

    /// <summary>The provider's own name.</summary>
    public string? CanonicalProvider { get; set; }

    /// <summary>The model's own name, where another one was given.</summary>
    public string? CanonicalModel { get; set; }

    /// <summary>How the report contradicted itself.</summary>
    public string? Disputed { get; set; }

    /// <summary>Members of the report that were not read.</summary>
    public IReadOnlyList<string>? Unread { get; set; }

    /// <summary>Whether input and output were not told apart.</summary>
    public bool? TotalOnly { get; set; }

    /// <summary>What other models did inside of the same call.</summary>
    public IReadOnlyList<LineDocument>? Lines { get; set; }

    /// <summary>The record that it is a line of.</summary>
    public string? LineOf { get; set; }

    /// <summary>What it refers to.</summary>
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
/// <param name="Lines">How many lines there were.</param>
/// <param name="Accepted">How many are in the ledger now.</param>
/// <param name="Failed">How many are not.</param>
/// <param name="Errors">What was wrong with the first thousand of them.</param>
public sealed record ImportDocument(long Lines, long Accepted, long Failed, IReadOnlyList<ImportErrorDocument> Errors);

/// <summary>Lines count from 1.</summary>
/// <param name="Line">Which line, from 1.</param>
/// <param name="Id">The id of the usage, where it could be read.</param>
/// <param name="Field">The member at fault.</param>
/// <param name="Detail">What is wrong with it.</param>
public sealed record ImportErrorDocument(long Line, string? Id, string? Field, string? Detail);
