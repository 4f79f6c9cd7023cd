// The same usage over several models, cheapest first.
using System.ComponentModel.DataAnnotations;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>`models` are ids, or `provider/model`. Savings are measured against `model` (with `provider`), or else the dearest of
/// them.</summary>
public sealed class ComparisonRequestDocument : QuoteRequestDocument
{
    /// <summary>The models to compare, as ids or as `provider/model`.</summary>
    [Required]
    public IReadOnlyList<string>? Models { get; set; }
}

/// <summary>`saving` is how much less than the baseline it costs; negative where it costs more.</summary>
public sealed class RankedQuoteDocument : QuoteDocument
{
    internal RankedQuoteDocument(string asked, long rank, Quote quote, Exact baseline) : base(quote)
    {
        Asked = asked;
        Rank = rank;
        var cost = quote.Charges!.Total;
        Saving = (baseline - cost).ToString();
        SavingPercent = (baseline - cost).PercentOf(baseline);
    }

    /// <summary>The name that was asked for.</summary>
    public string Asked { get; }

    /// <summary>Its place, from 1 for the cheapest.</summary>
    public long Rank { get; }

    /// <summary>How much less than the baseline it costs; negative where it costs more.</summary>
    [DataType("decimal")]
    public string Saving { get; }

    /// <summary>The same in percent.</summary>
    public decimal SavingPercent { get; }
}

/// <summary>A model that could not be compared, and why.</summary>
/// <param name="Asked">The name that was asked for.</param>
/// <param name="Type">The type of the problem.</param>
/// <param name="Detail">Why it could not be compared.</param>
public sealed record IncomparableDocument(string Asked, string Type, string Detail);

/// <summary>`baseline` is the name that savings are measured against; null where nothing could be priced.</summary>
/// <param name="Items">The models that have a price, cheapest first.</param>
/// <param name="Baseline">The name that savings are measured against; null where nothing could be priced.</param>
/// <param name="Incomparable">Those that could not be compared.</param>
public sealed record ComparisonDocument(IReadOnlyList<RankedQuoteDocument> Items, string? Baseline,
    IReadOnlyList<IncomparableDocument> Incomparable);
