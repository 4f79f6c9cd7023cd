// Prices per model, and the cost of a usage: exact decimals, nothing rounded here. A model that is not in the book has no price: it
// is not free.
using System.Collections.Frozen;

namespace Purser.Core;

/// <summary>Rates in one currency per 1,000,000 tokens; a kind of token without a rate of its own takes the one it falls back to.</summary>
public sealed record ModelPrice(string Provider, string Model, decimal Input, decimal Output)
{
    public IReadOnlyList<string> Aliases { get; init; } = [];
    public string Currency { get; init; } = "USD";
    public decimal? CachedInput { get; init; }
    public decimal? CacheWrite5m { get; init; }
    public decimal? CacheWrite1h { get; init; }
    public decimal? PerWebSearch { get; init; }
    public long? MaxOutputTokens { get; init; }

    const decimal Million = 1_000_000m;

    /// <summary>What an estimate costs. Tokens that are not told apart are priced at the dearer rate.</summary>
    public decimal Cost(in EstimatedTokens estimate) => estimate.PlainTokens
        ? estimate.InputTokens * Math.Max(Input, Output) / Million
        : (estimate.InputTokens * Input + estimate.OutputTokens * Output) / Million;

    /// <summary>What a usage costs; null where it holds something that this price does not cover.</summary>
    public decimal? Cost(Usage usage)
    {
        if (usage.Parts is not { } parts) return (usage.InputTokens * Input + usage.OutputTokens * Output) / Million;
        if (UnpricedUnits(parts) || (parts.WebSearches != 0 && PerWebSearch is null)) return null;
        var write5m = CacheWrite5m ?? Input;
        var plain = usage.InputTokens - parts.CachedInputTokens - parts.CacheWrite5mTokens - parts.CacheWrite1hTokens;
        var tokens = plain * Input
            + parts.CachedInputTokens * (CachedInput ?? Input)
            + parts.CacheWrite5mTokens * write5m
            + parts.CacheWrite1hTokens * (CacheWrite1h ?? write5m)
            + usage.OutputTokens * Output;
        return tokens / Million + parts.WebSearches * (PerWebSearch ?? 0);
    }

    static bool UnpricedUnits(UsageParts parts) =>
        parts.CitationTokens != 0 || parts.Queries != 0 || parts.Sessions != 0 || parts.ImagesIn != 0 || parts.ImagesOut != 0
        || parts.CharactersIn != 0 || parts.CharactersOut != 0 || parts.AudioSecondsIn != 0 || parts.AudioSecondsOut != 0
        || parts.VideoSecondsIn != 0 || parts.VideoSecondsOut != 0 || parts.Pages != 0 || parts.AnnotatedPages != 0;
}

/// <summary>All prices of one version. Names are compared whole, without regard to case; nothing is guessed from parts of a name.</summary>
public sealed class PriceBook
{
    readonly FrozenDictionary<string, FrozenDictionary<string, ModelPrice>> byProvider;
    readonly FrozenDictionary<string, string> providers;

    public PriceBook(string version, IEnumerable<ModelPrice> prices)
    {
        Version = version;
        var named = new Dictionary<string, Dictionary<string, ModelPrice>>(StringComparer.OrdinalIgnoreCase);
        var ids = new Dictionary<string, string>(providerAliases, StringComparer.OrdinalIgnoreCase);
        foreach (var price in prices)
        {
            ids[price.Provider] = price.Provider;
            if (!named.TryGetValue(price.Provider, out var models)) named[price.Provider] = models = new(StringComparer.OrdinalIgnoreCase);
            foreach (var name in price.Aliases.Prepend(price.Model)) models[name] = price;
        }
        byProvider = named.ToFrozenDictionary(
            provider => provider.Key, provider => provider.Value.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);
        providers = ids.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        Models = named.Values.SelectMany(models => models.Values).Distinct().ToArray();
    }

    public string Version { get; }

    public IReadOnlyList<ModelPrice> Models { get; }

    /// <summary>This book with other prices put over it, name by name.</summary>
    public PriceBook With(string version, IEnumerable<ModelPrice> prices) => new(version, Models.Concat(prices));

    /// <summary>
    /// The price of a model. With a provider: looked up whole, then without that provider's prefix. Without one: a prefix that names a
    /// provider decides, else the providers are tried in a fixed order.
    /// </summary>
    public ModelPrice? Find(string? provider, string? model)
    {
        if (model is null) return null;
        var slash = model.IndexOf('/', StringComparison.Ordinal);
        var prefix = slash > 0 ? providers.GetValueOrDefault(model[..slash]) : null;
        if (provider is not null)
        {
            var id = providers.GetValueOrDefault(provider, provider);
            return Named(id, model) ?? (prefix == id ? Named(id, model[(slash + 1)..]) : null);
        }
        if (prefix is not null) return Named(prefix, model[(slash + 1)..]);
        foreach (var candidate in bareModelOrder)
            if (Named(candidate, model) is { } price)
                return price;
        return null;
    }

    ModelPrice? Named(string provider, string model) => byProvider.TryGetValue(provider, out var models) ? models.GetValueOrDefault(model) : null;

    static readonly string[] bareModelOrder =
        ["openai", "anthropic", "google", "mistral", "cohere", "xai", "deepseek", "perplexity", "google-vertex", "aws-bedrock"];

    static readonly Dictionary<string, string> providerAliases = new()
    {
        ["text-completion-openai"] = "openai", ["claude"] = "anthropic", ["gemini"] = "google", ["mistralai"] = "mistral", ["cohere_chat"] = "cohere",
    };

    /// <summary>Published list prices in USD of some common models with one flat rate, as of 2026-10-04.</summary>
    public static readonly PriceBook BuiltIn = new("builtin-2026-10-04",
    [
        new("openai", "gpt-5", 1.25m, 10m) { CachedInput = 0.125m, MaxOutputTokens = 128000, Aliases = ["gpt-5-2025-08-07"] },
        new("openai", "gpt-5-mini", 0.25m, 2m) { CachedInput = 0.025m, MaxOutputTokens = 128000, Aliases = ["gpt-5-mini-2025-08-07"] },
        new("openai", "gpt-5-nano", 0.05m, 0.4m) { CachedInput = 0.005m, MaxOutputTokens = 128000, Aliases = ["gpt-5-nano-2025-08-07"] },
        new("openai", "gpt-4.1", 2m, 8m) { CachedInput = 0.5m, MaxOutputTokens = 32768, Aliases = ["gpt-4.1-2025-04-14"] },
        new("openai", "gpt-4.1-mini", 0.4m, 1.6m) { CachedInput = 0.1m, MaxOutputTokens = 32768, Aliases = ["gpt-4.1-mini-2025-04-14"] },
        new("openai", "gpt-4.1-nano", 0.1m, 0.4m) { CachedInput = 0.025m, MaxOutputTokens = 32768, Aliases = ["gpt-4.1-nano-2025-04-14"] },
        new("openai", "gpt-4o", 2.5m, 10m) { CachedInput = 1.25m, MaxOutputTokens = 16384, Aliases = ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"] },
        new("openai", "gpt-4o-mini", 0.15m, 0.6m) { CachedInput = 0.075m, MaxOutputTokens = 16384, Aliases = ["gpt-4o-mini-2024-07-18"] },
        new("openai", "o4-mini", 1.1m, 4.4m) { CachedInput = 0.275m, MaxOutputTokens = 100000, Aliases = ["o4-mini-2025-04-16"] },
        new("openai", "gpt-4-turbo", 10m, 30m) { MaxOutputTokens = 4096, Aliases = ["gpt-4-turbo-2024-04-09"] },
        new("openai", "gpt-4", 30m, 60m) { MaxOutputTokens = 4096 },
        new("openai", "gpt-3.5-turbo", 0.5m, 1.5m) { MaxOutputTokens = 4096 },
        new("openai", "text-embedding-3-small", 0.02m, 0m) { MaxOutputTokens = 0 },
        new("openai", "text-embedding-3-large", 0.13m, 0m) { MaxOutputTokens = 0 },
        new("anthropic", "claude-opus-4-5", 5m, 25m)
        {
            CachedInput = 0.5m, CacheWrite5m = 6.25m, CacheWrite1h = 10m, PerWebSearch = 0.01m, MaxOutputTokens = 64000,
            Aliases = ["claude-4-5-opus", "claude-4.5-opus", "claude-opus-4-5-20251101", "claude-opus-4.5"],
        },
        new("anthropic", "claude-opus-4-1", 15m, 75m)
        {
            CachedInput = 1.5m, CacheWrite5m = 18.75m, CacheWrite1h = 30m, PerWebSearch = 0.01m, MaxOutputTokens = 32000,
            Aliases = ["claude-4-1-opus", "claude-4.1-opus", "claude-opus-4-1-20250805", "claude-opus-4.1"],
        },
        new("anthropic", "claude-haiku-4-5", 1m, 5m)
        {
            CachedInput = 0.1m, CacheWrite5m = 1.25m, CacheWrite1h = 2m, PerWebSearch = 0.01m, MaxOutputTokens = 64000,
            Aliases = ["claude-4-5-haiku", "claude-4.5-haiku", "claude-haiku-4-5-20251001", "claude-haiku-4.5"],
        },
        new("anthropic", "claude-3-5-sonnet", 3m, 15m)
        {
            CachedInput = 0.3m, CacheWrite5m = 3.75m, CacheWrite1h = 6m, PerWebSearch = 0.01m, MaxOutputTokens = 8192,
            Aliases = ["claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest", "claude-3.5-sonnet"],
        },
        new("anthropic", "claude-3-5-haiku", 0.8m, 4m)
        {
            CachedInput = 0.08m, CacheWrite5m = 1m, CacheWrite1h = 1.6m, PerWebSearch = 0.01m, MaxOutputTokens = 8192,
            Aliases = ["claude-3-5-haiku-20241022", "claude-3-5-haiku-latest", "claude-3.5-haiku"],
        },
        new("anthropic", "claude-3-opus", 15m, 75m)
        {
            CachedInput = 1.5m, CacheWrite5m = 18.75m, CacheWrite1h = 30m, MaxOutputTokens = 4096,
            Aliases = ["claude-3-opus-20240229", "claude-3-opus-latest"],
        },
        new("anthropic", "claude-3-sonnet", 3m, 15m)
        {
            CachedInput = 0.3m, CacheWrite5m = 3.75m, CacheWrite1h = 6m, MaxOutputTokens = 4096,
            Aliases = ["claude-3-sonnet-20240229", "claude-3-sonnet-latest"],
        },
        new("anthropic", "claude-3-haiku", 0.25m, 1.25m)
        {
            CachedInput = 0.03m, CacheWrite5m = 0.3m, CacheWrite1h = 0.5m, MaxOutputTokens = 4096,
            Aliases = ["claude-3-haiku-20240307", "claude-3-haiku-latest"],
        },
        new("mistral", "mistral-large-latest", 0.5m, 1.5m) { MaxOutputTokens = 262144 },
        new("mistral", "mistral-small-latest", 0.15m, 0.6m) { MaxOutputTokens = 131072 },
        new("cohere", "command-r-plus", 2.5m, 10m) { MaxOutputTokens = 4096 },
    ]);
}
