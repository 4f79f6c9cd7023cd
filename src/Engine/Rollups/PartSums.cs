// Sums of what only whole records tell: the kinds of tokens inside the totals, the units beside them, and what providers say they charged.
using Purser.Core;

namespace Purser.Engine;

/// <summary>Of records as they were reported; who was taken back or corrected since is left out by whoever reads.</summary>
public sealed class PartSums
{
    readonly SortedDictionary<string, decimal> counts = new(StringComparer.Ordinal);

    /// <summary>By the names under which a usage counts them; those of nothing are left out.</summary>
    public IReadOnlyDictionary<string, decimal> Counts => counts;

    /// <summary>How many records tell what their provider charged, what that is, and what was booked for the same records.</summary>
    public long Reported { get; private set; }
    public Int128 ReportedNanos { get; private set; }
    public Int128 BookedNanos { get; private set; }

    public void Add(UsageRecord record)
    {
        if (record.Usage.Parts is { } parts) Add(parts);
        if (record.ReportedNanos is not { } nanos) return;
        Reported++;
        ReportedNanos += nanos;
        BookedNanos += record.Amounts.CostNanos;
    }

    public void Add(PartSums other)
    {
        foreach (var (name, count) in other.counts) Add(name, count);
        Reported += other.Reported;
        ReportedNanos += other.ReportedNanos;
        BookedNanos += other.BookedNanos;
    }

    /// <summary>The same without money, which is told in another currency.</summary>
    public PartSums CountsOnly()
    {
        var only = new PartSums { Reported = Reported };
        foreach (var (name, count) in counts) only.counts[name] = count;
        return only;
    }

    void Add(UsageParts parts)
    {
        Add("cachedInputTokens", parts.CachedInputTokens);
        Add("cachedAudioInputTokens", parts.CachedAudioInputTokens);
        Add("cachedImageInputTokens", parts.CachedImageInputTokens);
        Add("cacheWrite5mTokens", parts.CacheWrite5mTokens);
        Add("cacheWrite1hTokens", parts.CacheWrite1hTokens);
        Add("audioInputTokens", parts.AudioInputTokens);
        Add("imageInputTokens", parts.ImageInputTokens);
        Add("videoInputTokens", parts.VideoInputTokens);
        Add("reasoningTokens", parts.ReasoningTokens);
        Add("audioOutputTokens", parts.AudioOutputTokens);
        Add("imageOutputTokens", parts.ImageOutputTokens);
        Add("videoOutputTokens", parts.VideoOutputTokens);
        Add("citationTokens", parts.CitationTokens);
        Add("queries", parts.Queries);
        Add("sessions", parts.Sessions);
        Add("imagesIn", parts.ImagesIn);
        Add("imagesOut", parts.ImagesOut);
        Add("charactersIn", parts.CharactersIn);
        Add("charactersOut", parts.CharactersOut);
        Add("audioSecondsIn", parts.AudioSecondsIn);
        Add("audioSecondsOut", parts.AudioSecondsOut);
        Add("videoSecondsIn", parts.VideoSecondsIn);
        Add("videoSecondsOut", parts.VideoSecondsOut);
        Add("pages", parts.Pages);
        Add("annotatedPages", parts.AnnotatedPages);
        Add("webSearches", parts.WebSearches);
    }

    void Add(string name, decimal count)
    {
        if (count != 0) counts[name] = counts.GetValueOrDefault(name) + count;
    }
}
