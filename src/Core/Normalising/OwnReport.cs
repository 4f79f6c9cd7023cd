// The one form itself, for callers that keep every report in one place. Client libraries that count the same way use the same names.
namespace Purser.Core;

static class OwnReport
{
    public static readonly string[] Marks =
        [.. UsageParts.TokenCounts.Select(count => count.Name), .. UsageParts.UnitCounts.Select(count => count.Name)];

    public static ReportCounts Read(ReportReader reader, in ReportObject report, string? family)
    {
        var (input, output) = (reader.Count(report, "inputTokens"), reader.Count(report, "outputTokens"));
        var (cached, thought) = (reader.Count(report, "cachedInputTokens"), reader.Count(report, "reasoningTokens"));
        var context = ReportReader.Text(report, "webSearchContext");
        if (context is not (null or "low" or "medium" or "high")) reader.Refuse("raw.webSearchContext", "must be low, medium or high");
        // The AI SDK 5 uses the same names, and passes Anthropic's input on without what was cached.
        return ClientReport.Totals(reader, report, input, output, cached, thought, ("inputTokens", "outputTokens", "totalTokens"),
            cacheMayBeApart: family == "anthropic") with
        {
            ServiceTier = ReportReader.Text(report, "serviceTier"),
            Parts = new()
            {
                CachedInputTokens = cached,
                CachedAudioInputTokens = reader.Count(report, "cachedAudioInputTokens"),
                CachedImageInputTokens = reader.Count(report, "cachedImageInputTokens"),
                CacheWrite5mTokens = reader.Count(report, "cacheWrite5mTokens"),
                CacheWrite1hTokens = reader.Count(report, "cacheWrite1hTokens"),
                AudioInputTokens = reader.Count(report, "audioInputTokens"),
                ImageInputTokens = reader.Count(report, "imageInputTokens"),
                VideoInputTokens = reader.Count(report, "videoInputTokens"),
                ReasoningTokens = thought,
                AudioOutputTokens = reader.Count(report, "audioOutputTokens"),
                ImageOutputTokens = reader.Count(report, "imageOutputTokens"),
                VideoOutputTokens = reader.Count(report, "videoOutputTokens"),
                CitationTokens = reader.Count(report, "citationTokens"),
                Queries = reader.Number(report, "queries"),
                Sessions = reader.Number(report, "sessions"),
                ImagesIn = reader.Number(report, "imagesIn"),
                ImagesOut = reader.Number(report, "imagesOut"),
                CharactersIn = reader.Number(report, "charactersIn"),
                CharactersOut = reader.Number(report, "charactersOut"),
                AudioSecondsIn = reader.Number(report, "audioSecondsIn"),
                AudioSecondsOut = reader.Number(report, "audioSecondsOut"),
                VideoSecondsIn = reader.Number(report, "videoSecondsIn"),
                VideoSecondsOut = reader.Number(report, "videoSecondsOut"),
                Pages = reader.Number(report, "pages"),
                AnnotatedPages = reader.Number(report, "annotatedPages"),
                WebSearches = reader.Number(report, "webSearches"),
                WebSearchContext = context,
            },
        };
    }
}
