// How much a cache saved: each kind against what it costs outside of the cache, exactly.
namespace Purser.Core.Tests;

public sealed class CacheSavingTests
{
    static readonly PricePeriod price = new()
    {
        Rates = Rates.Of(
            (RateKind.Input, 5m), (RateKind.Output, 20m), (RateKind.CachedInput, 2.5m), (RateKind.CacheWrite5m, 6.25m),
                (RateKind.CacheWrite1h, 10m),
            (RateKind.AudioInput, 40m), (RateKind.CachedAudioInput, 2m), (RateKind.ImageInput, 8m), (RateKind.CachedImageInput, 0.8m)),
        Tiers = [new(200_000, Rates.Of((RateKind.Input, 10m), (RateKind.AudioInput, 80m)))],
        Multipliers = [new("region", "eu", 1.1m)],
    };

    static string? Saving(PricePeriod price, UsageParts parts, long input = 1_000, string? region = null) =>
        price.Listed(new() { InputTokens = input, OutputTokens = 3, Parts = parts }, new(null, null, region)).CacheSaving?.ToString();

    [Fact]
    public void Text_images_and_sound_are_each_compared_with_their_own_uncached_rate()
    {
        // 100 of text at 5 - 2.5, 30 of sound at 40 - 2, 20 of images at 8 - 0.8, per million.
        Assert.Equal(
            "0.001534", Saving(price, new() { CachedInputTokens = 150, CachedAudioInputTokens = 30, CachedImageInputTokens = 20 }));
        Assert.Equal("0.00114", Saving(price, new() { CachedInputTokens = 30, CachedAudioInputTokens = 30 }));
        Assert.Equal("0.000144", Saving(price, new() { CachedInputTokens = 20, CachedImageInputTokens = 20 }));
    }

    [Fact]
    public void What_writing_cost_more_is_taken_off()
    {
        Assert.Equal("-0.000625", Saving(price, new() { CacheWrite5mTokens = 100, CacheWrite1hTokens = 100 }));
        Assert.Equal("0.001015", Saving(price, new() { CachedInputTokens = 30, CachedAudioInputTokens = 30, CacheWrite5mTokens = 100 }));
    }

    [Fact]
    public void Tiers_and_factors_count_on_both_sides()
    {
        // Above the limit sound costs 80 and text 10; what is cached stays.
        Assert.Equal("0.002859", Saving(price, new() { CachedInputTokens = 100, CachedAudioInputTokens = 30, CachedImageInputTokens = 20 },
            200_001));
        Assert.Equal("0.001254", Saving(price, new() { CachedInputTokens = 30, CachedAudioInputTokens = 30 }, region: "eu"));
    }

    [Fact]
    public void Without_rates_of_its_own_a_kind_is_compared_at_those_that_it_takes()
    {
        var text = new PricePeriod { Rates = Rates.Of((RateKind.Input, 5m), (RateKind.Output, 20m), (RateKind.CachedInput, 2.5m)) };
        Assert.Equal("0.00025", Saving(text, new() { CachedInputTokens = 100, CachedAudioInputTokens = 60, CachedImageInputTokens = 40 }));
        Assert.Equal("0", Saving(new() { Rates = Rates.Of((RateKind.Input, 5m), (RateKind.Output, 20m)) },
            new() { CachedInputTokens = 100 }));
    }

    [Fact]
    public void Where_nothing_was_cached_or_the_uncached_rate_is_not_known_nothing_is_told()
    {
        Assert.Null(Saving(price, new() { AudioInputTokens = 100 }));
        var onlyCached = new PricePeriod { Rates = Rates.Of((RateKind.Output, 20m), (RateKind.CachedInput, 2.5m)) };
        Assert.Null(onlyCached.Listed(new() { InputTokens = 10, Parts = new() { CachedInputTokens = 10 } }, default).CacheSaving);
        // The kinds that were cached are known, the others do not matter.
        var sound = new PricePeriod { Rates = Rates.Of((RateKind.AudioInput, 40m), (RateKind.CachedAudioInput, 2m)) };
        Assert.Equal(
            "0.00038", sound.Listed(new() { InputTokens = 10, Parts = new() { CachedInputTokens = 10, CachedAudioInputTokens = 10 } },
                default).CacheSaving?.ToString());
    }
}
