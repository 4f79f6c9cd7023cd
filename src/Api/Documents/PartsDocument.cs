// The kinds of tokens inside the totals, and the units beside them: at the top level of a usage, with the names of pricing/README.md.
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Api.Documents;

public abstract class PartsDocument : DimensionsDocument
{
    /// <summary>Input tokens that were read from a cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CachedInputTokens { get; set; }

    /// <summary>Input tokens of sound that were read from a cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CachedAudioInputTokens { get; set; }

    /// <summary>Input tokens of pictures that were read from a cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CachedImageInputTokens { get; set; }

    /// <summary>Input tokens that were written to a cache for five minutes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CacheWrite5mTokens { get; set; }

    /// <summary>Input tokens that were written to a cache for an hour.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CacheWrite1hTokens { get; set; }

    /// <summary>Input tokens of sound.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? AudioInputTokens { get; set; }

    /// <summary>Input tokens of pictures.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ImageInputTokens { get; set; }

    /// <summary>Input tokens of films.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VideoInputTokens { get; set; }

    /// <summary>Output tokens of reasoning.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ReasoningTokens { get; set; }

    /// <summary>Output tokens of sound.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? AudioOutputTokens { get; set; }

    /// <summary>Output tokens of pictures.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ImageOutputTokens { get; set; }

    /// <summary>Output tokens of films.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VideoOutputTokens { get; set; }

    /// <summary>Tokens of citations.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CitationTokens { get; set; }

    /// <summary>Queries, where the provider charges by the query.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? Queries { get; set; }

    /// <summary>Sessions of a tool, where the provider charges by the session.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? Sessions { get; set; }

    /// <summary>Pictures that were sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? ImagesIn { get; set; }

    /// <summary>Pictures that were made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? ImagesOut { get; set; }

    /// <summary>Characters that were sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? CharactersIn { get; set; }

    /// <summary>Characters that were made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? CharactersOut { get; set; }

    /// <summary>Seconds of sound that were sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? AudioSecondsIn { get; set; }

    /// <summary>Seconds of sound that were made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? AudioSecondsOut { get; set; }

    /// <summary>Seconds of film that were sent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? VideoSecondsIn { get; set; }

    /// <summary>Seconds of film that were made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? VideoSecondsOut { get; set; }

    /// <summary>Pages that were read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? Pages { get; set; }

    /// <summary>Pages that were read and annotated.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? AnnotatedPages { get; set; }

    /// <summary>Searches of the web.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? WebSearches { get; set; }

    /// <summary>How much of the web a search reads: low, medium or high.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WebSearchContext { get; set; }

    static readonly UsageParts nothing = new();

    bool SaysNothing => (CachedInputTokens ?? CachedAudioInputTokens ?? CachedImageInputTokens ?? CacheWrite5mTokens ?? CacheWrite1hTokens
        ?? AudioInputTokens ?? ImageInputTokens ?? VideoInputTokens ?? ReasoningTokens ?? AudioOutputTokens ?? ImageOutputTokens
        ?? VideoOutputTokens ?? CitationTokens) is null
        && (Queries ?? Sessions ?? ImagesIn ?? ImagesOut ?? CharactersIn ?? CharactersOut ?? AudioSecondsIn ?? AudioSecondsOut
            ?? VideoSecondsIn ?? VideoSecondsOut ?? Pages ?? AnnotatedPages ?? WebSearches) is null
        && WebSearchContext is null;

    internal UsageParts? ToParts()
    {
        if (SaysNothing) return null;
        var parts = new UsageParts
        {
            CachedInputTokens = CachedInputTokens ?? 0,
            CachedAudioInputTokens = CachedAudioInputTokens ?? 0,
            CachedImageInputTokens = CachedImageInputTokens ?? 0,
            CacheWrite5mTokens = CacheWrite5mTokens ?? 0,
            CacheWrite1hTokens = CacheWrite1hTokens ?? 0,
            AudioInputTokens = AudioInputTokens ?? 0,
            ImageInputTokens = ImageInputTokens ?? 0,
            VideoInputTokens = VideoInputTokens ?? 0,
            ReasoningTokens = ReasoningTokens ?? 0,
            AudioOutputTokens = AudioOutputTokens ?? 0,
            ImageOutputTokens = ImageOutputTokens ?? 0,
            VideoOutputTokens = VideoOutputTokens ?? 0,
            CitationTokens = CitationTokens ?? 0,
            Queries = Queries ?? 0,
            Sessions = Sessions ?? 0,
            ImagesIn = ImagesIn ?? 0,
            ImagesOut = ImagesOut ?? 0,
            CharactersIn = CharactersIn ?? 0,
            CharactersOut = CharactersOut ?? 0,
            AudioSecondsIn = AudioSecondsIn ?? 0,
            AudioSecondsOut = AudioSecondsOut ?? 0,
            VideoSecondsIn = VideoSecondsIn ?? 0,
            VideoSecondsOut = VideoSecondsOut ?? 0,
            Pages = Pages ?? 0,
            AnnotatedPages = AnnotatedPages ?? 0,
            WebSearches = WebSearches ?? 0,
            WebSearchContext = WebSearchContext,
        };
        return parts == nothing ? null : parts;
    }

    /// <summary>Shows the parts that are not 0.</summary>
    protected void Show(UsageParts parts)
    {
        if (parts.CachedInputTokens != 0) CachedInputTokens = parts.CachedInputTokens;
        if (parts.CachedAudioInputTokens != 0) CachedAudioInputTokens = parts.CachedAudioInputTokens;
        if (parts.CachedImageInputTokens != 0) CachedImageInputTokens = parts.CachedImageInputTokens;
        if (parts.CacheWrite5mTokens != 0) CacheWrite5mTokens = parts.CacheWrite5mTokens;
        if (parts.CacheWrite1hTokens != 0) CacheWrite1hTokens = parts.CacheWrite1hTokens;
        if (parts.AudioInputTokens != 0) AudioInputTokens = parts.AudioInputTokens;
        if (parts.ImageInputTokens != 0) ImageInputTokens = parts.ImageInputTokens;
        if (parts.VideoInputTokens != 0) VideoInputTokens = parts.VideoInputTokens;
        if (parts.ReasoningTokens != 0) ReasoningTokens = parts.ReasoningTokens;
        if (parts.AudioOutputTokens != 0) AudioOutputTokens = parts.AudioOutputTokens;
        if (parts.ImageOutputTokens != 0) ImageOutputTokens = parts.ImageOutputTokens;
        if (parts.VideoOutputTokens != 0) VideoOutputTokens = parts.VideoOutputTokens;
        if (parts.CitationTokens != 0) CitationTokens = parts.CitationTokens;
        if (parts.Queries != 0) Queries = parts.Queries;
        if (parts.Sessions != 0) Sessions = parts.Sessions;
        if (parts.ImagesIn != 0) ImagesIn = parts.ImagesIn;
        if (parts.ImagesOut != 0) ImagesOut = parts.ImagesOut;
        if (parts.CharactersIn != 0) CharactersIn = parts.CharactersIn;
        if (parts.CharactersOut != 0) CharactersOut = parts.CharactersOut;
        if (parts.AudioSecondsIn != 0) AudioSecondsIn = parts.AudioSecondsIn;
        if (parts.AudioSecondsOut != 0) AudioSecondsOut = parts.AudioSecondsOut;
        if (parts.VideoSecondsIn != 0) VideoSecondsIn = parts.VideoSecondsIn;
        if (parts.VideoSecondsOut != 0) VideoSecondsOut = parts.VideoSecondsOut;
        if (parts.Pages != 0) Pages = parts.Pages;
        if (parts.AnnotatedPages != 0) AnnotatedPages = parts.AnnotatedPages;
        if (parts.WebSearches != 0) WebSearches = parts.WebSearches;
        WebSearchContext = parts.WebSearchContext;
    }
}
