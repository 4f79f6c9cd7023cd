// What estimates, usages, records and credits have in common: dimensions, and parts of what was used.
namespace Purser.Client;

/// <summary>Who makes a call, and of which model.</summary>
public abstract record CallDimensions
{
    public string? Orchestrator { get; init; }
    public string? User { get; init; }
    public string? Tenant { get; init; }
    public string? Session { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Tool { get; init; }
    public IReadOnlyDictionary<string, string>? Tags { get; init; }
}

/// <summary>The kinds of tokens and units of a call that prices tell apart.</summary>
public abstract record CallParts : CallDimensions
{
    public long? CachedInputTokens { get; init; }
    public long? CachedAudioInputTokens { get; init; }
    public long? CachedImageInputTokens { get; init; }
    public long? CacheWrite5mTokens { get; init; }
    public long? CacheWrite1hTokens { get; init; }
    public long? AudioInputTokens { get; init; }
    public long? ImageInputTokens { get; init; }
    public long? VideoInputTokens { get; init; }
    public long? ReasoningTokens { get; init; }
    public long? AudioOutputTokens { get; init; }
    public long? ImageOutputTokens { get; init; }
    public long? VideoOutputTokens { get; init; }
    public long? CitationTokens { get; init; }
    public decimal? Queries { get; init; }
    public decimal? Sessions { get; init; }
    public decimal? ImagesIn { get; init; }
    public decimal? ImagesOut { get; init; }
    public decimal? CharactersIn { get; init; }
    public decimal? CharactersOut { get; init; }
    public decimal? AudioSecondsIn { get; init; }
    public decimal? AudioSecondsOut { get; init; }
    public decimal? VideoSecondsIn { get; init; }
    public decimal? VideoSecondsOut { get; init; }
    public decimal? Pages { get; init; }
    public decimal? AnnotatedPages { get; init; }
    public decimal? WebSearches { get; init; }
    public string? WebSearchContext { get; init; }
}
