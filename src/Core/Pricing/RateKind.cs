// Everything that a price can be asked for: kinds of tokens, rated per million, and units, rated one by one.
using System.Collections.Frozen;

namespace Purser.Core;

/// <summary>Tokens up to <see cref="Citation"/>, then units. Names in camelCase are those of the catalogue.</summary>
public enum RateKind
{
    Input, Output, CachedInput, CacheWrite5m, CacheWrite1h, ReasoningOutput, AudioInput, AudioOutput, CachedAudioInput, ImageInput,
        ImageOutput,
    CachedImageInput, VideoInput, VideoOutput, Citation,
    PerRequest, PerQuery, PerSession, PerWebSearchLow, PerWebSearchMedium, PerWebSearchHigh, PerImageInput, PerImageOutput, PerPixelOutput,
    PerCharacterInput, PerCharacterOutput, PerAudioSecondInput, PerAudioSecondOutput, PerVideoSecondInput, PerVideoSecondOutput, PerPage,
        PerAnnotatedPage,
}

/// <summary>Some kinds, one bit each.</summary>
public readonly record struct RateKindSet(uint Bits)
{
    public bool IsEmpty => Bits == 0;

    public bool Has(RateKind kind) => (Bits & (1u << (int)kind)) != 0;

    public RateKindSet With(RateKind kind) => new(Bits | (1u << (int)kind));

    public IEnumerable<RateKind> Kinds
    {
        get
        {
            var bits = Bits;
            return RateKinds.All.Where(kind => (bits & (1u << (int)kind)) != 0);
        }
    }
}

public static class RateKinds
{
    public static readonly IReadOnlyList<RateKind> All = Enum.GetValues<RateKind>();

    static readonly string[] names = [.. All.Select(kind => char.ToLowerInvariant(kind.ToString()[0]) + kind.ToString()[1..])];
    static readonly FrozenDictionary<string, RateKind> byName = All.ToFrozenDictionary(NameOf, StringComparer.Ordinal);

    public static string NameOf(RateKind kind) => names[(int)kind];

    public static bool TryParse(string name, out RateKind kind) => byName.TryGetValue(name, out kind);

    public static bool IsTokens(RateKind kind) => kind <= RateKind.Citation;

    public static bool IsInput(RateKind kind) => kind is RateKind.Input or RateKind.CachedInput or RateKind.CacheWrite5m
        or RateKind.CacheWrite1h or RateKind.AudioInput or RateKind.ImageInput or RateKind.VideoInput or RateKind.CachedAudioInput
        or RateKind.CachedImageInput;

    /// <summary>The kind whose rate is taken where there is none of its own; null where there is no such kind.</summary>
    public static RateKind? FallbackOf(RateKind kind) => kind switch
    {
        RateKind.CachedInput or RateKind.CacheWrite5m or RateKind.AudioInput or RateKind.ImageInput or RateKind.VideoInput =>
            RateKind.Input,
        RateKind.CacheWrite1h => RateKind.CacheWrite5m,
        RateKind.CachedAudioInput or RateKind.CachedImageInput => RateKind.CachedInput,
        RateKind.ReasoningOutput or RateKind.AudioOutput or RateKind.ImageOutput or RateKind.VideoOutput => RateKind.Output,
        _ => null,
    };
}
