// The same usage over several models, cheapest first.
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>`models` are ids, or `provider/model`. Savings are measured against `model` (with `provider`), or else the dearest of
/// them.</summary>
public sealed class ComparisonRequestDocument : QuoteRequestDocument
{
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

    public string Asked { get; }
    public long Rank { get; }
    public string Saving { get; }
    public decimal SavingPercent { get; }
}

/// <summary>A model that could not be compared, and why.</summary>
public sealed record IncomparableDocument(string Asked, string Type, string Detail);

/// <summary>`baseline` is the name that savings are measured against; null where nothing could be priced.</summary>
public sealed record ComparisonDocument(IReadOnlyList<RankedQuoteDocument> Items, string? Baseline,
    IReadOnlyList<IncomparableDocument> Incomparable);
