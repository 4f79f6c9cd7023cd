// What a usage would cost, with its parts. Nothing is booked and nothing is rounded.
using NodaTime;

namespace Purser.Core;

public enum QuoteProblem { None, InvalidUsage, UnknownModel, NoPrice }

/// <summary>A quote, or why there is none: then <see cref="Field"/> is what stands in the way.</summary>
public sealed record Quote(ModelPrice? Model, PricePeriod? Period, string? PriceVersion, Charges? Charges)
{
    public QuoteProblem Problem { get; init; }
    public string? Field { get; init; }
    public string? Detail { get; init; }

    /// <summary>
    /// Without <paramref name="at"/> it is the price that the catalogue gives as today's, at the hours when it is dearest. Counts may be
    /// larger here than any that can be booked.
    /// </summary>
    public static Quote Of(PriceBook prices, Usage usage, Instant? at, Instant now)
    {
        if (Validity.Problem(usage, now, long.MaxValue) is { } wrong) return No(QuoteProblem.InvalidUsage, wrong.Field!, wrong.Detail!);
        var (provider, model) = (usage.Dimensions.Provider, usage.Dimensions.Model);
        if (prices.Find(provider, model) is not { } found)
            return No(QuoteProblem.UnknownModel, "model",
                $"there is no price for model '{model}'{(provider is null ? "" : $" of '{provider}'")}; names are compared whole");
        if ((at is { } time ? found.At(time) : found.Today(now)) is not { } period)
            return No(QuoteProblem.NoPrice, "at", $"the price of '{found.Model}' is not known for this time");
        var terms = usage.Terms(at);
        if (period.Missing(usage, terms) is { IsEmpty: false } without && without.Kinds.First() is var missing)
            return No(QuoteProblem.NoPrice, UsageNames.Of(missing),
                $"the price of '{found.Model}' has no rate `{RateKinds.NameOf(missing)}`");
        return new(found, period, period.Version ?? prices.Version, period.Listed(usage, terms));
    }

    static Quote No(QuoteProblem problem, string field, string detail) =>
        new(null, null, null, null) { Problem = problem, Field = field, Detail = detail };
}

/// <summary>Under which name a usage counts what a rate is for.</summary>
public static class UsageNames
{
    public static IReadOnlyList<string> Of(RateKindSet kinds) => [.. kinds.Kinds.Select(Of)];

    public static string Of(RateKind kind) => kind switch
    {
        RateKind.Input => "inputTokens",
        RateKind.Output => "outputTokens",
        RateKind.CachedInput => "cachedInputTokens",
        RateKind.CacheWrite5m => "cacheWrite5mTokens",
        RateKind.CacheWrite1h => "cacheWrite1hTokens",
        RateKind.ReasoningOutput => "reasoningTokens",
        RateKind.AudioInput => "audioInputTokens",
        RateKind.AudioOutput => "audioOutputTokens",
        RateKind.ImageInput => "imageInputTokens",
        RateKind.ImageOutput => "imageOutputTokens",
        RateKind.VideoInput => "videoInputTokens",
        RateKind.VideoOutput => "videoOutputTokens",
        RateKind.Citation => "citationTokens",
        RateKind.PerRequest => "requests",
        RateKind.PerQuery => "queries",
        RateKind.PerSession => "sessions",
        RateKind.PerWebSearchLow or RateKind.PerWebSearchMedium or RateKind.PerWebSearchHigh => "webSearches",
        RateKind.PerImageInput => "imagesIn",
        RateKind.PerImageOutput => "imagesOut",
        RateKind.PerCharacterInput => "charactersIn",
        RateKind.PerCharacterOutput => "charactersOut",
        RateKind.PerAudioSecondInput => "audioSecondsIn",
        RateKind.PerAudioSecondOutput => "audioSecondsOut",
        RateKind.PerVideoSecondInput => "videoSecondsIn",
        RateKind.PerVideoSecondOutput => "videoSecondsOut",
        RateKind.PerPage => "pages",
        RateKind.PerAnnotatedPage => "annotatedPages",
        _ => RateKinds.NameOf(kind),
    };
}
