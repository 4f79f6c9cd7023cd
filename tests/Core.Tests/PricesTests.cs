// Prices: exact costs, and names that are looked up whole. A model that is in no list has no price.
using System.Globalization;

namespace Purser.Core.Tests;

public sealed class PricesTests
{
    static readonly PriceBook book = new("v1",
    [
        ModelPrice.Of("openai", "gpt-x", Rates.Of((RateKind.Input, 2.5m), (RateKind.Output, 10m), (RateKind.CachedInput, 1.25m)), "USD",
            null, "gpt-x-2026"),
        ModelPrice.Of("anthropic", "sonnet", Rates.Of(
            (RateKind.Input, 3m), (RateKind.Output, 15m), (RateKind.CachedInput, 0.3m), (RateKind.CacheWrite5m, 3.75m),
                (RateKind.CacheWrite1h, 6m),
            (RateKind.PerWebSearchMedium, 0.01m))),
        ModelPrice.Flat("anthropic", "shared", 5m, 5m),
        ModelPrice.Flat("mistral", "shared", 1m, 1m),
        ModelPrice.Flat("acme", "own", 7m, 7m),
        ModelPrice.Flat("openai", "vendor/odd", 9m, 9m),
    ]);

    [Theory]
    [InlineData(null, "gpt-x", "openai", "gpt-x")]
    [InlineData(null, "GPT-X", "openai", "gpt-x")]
    [InlineData(null, "gpt-x-2026", "openai", "gpt-x")]
    [InlineData(null, "openai/gpt-x", "openai", "gpt-x")]
    [InlineData("OpenAI", "gpt-x", "openai", "gpt-x")]
    [InlineData("openai", "openai/gpt-x", "openai", "gpt-x")]
    [InlineData("claude", "sonnet", "anthropic", "sonnet")]
    [InlineData(null, "claude/sonnet", "anthropic", "sonnet")]
    [InlineData("anthropic", "claude/sonnet", "anthropic", "sonnet")]
    [InlineData(null, "shared", "anthropic", "shared")]
    [InlineData("mistralai", "shared", "mistral", "shared")]
    [InlineData("acme", "own", "acme", "own")]
    [InlineData(null, "acme/own", "acme", "own")]
    [InlineData("openai", "vendor/odd", "openai", "vendor/odd")]
    [InlineData(null, "vendor/odd", "openai", "vendor/odd")]
    public void A_model_is_found_by_its_whole_name(string? provider, string model, string foundProvider, string foundModel)
    {
        var price = book.Find(provider, model);
        Assert.NotNull(price);
        Assert.Equal((foundProvider, foundModel), (price.Provider, price.Model));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("openai", null)]
    [InlineData(null, "")]
    [InlineData(null, "gpt")]
    [InlineData(null, "gpt-x-mini")]
    [InlineData(null, "my-gpt-x")]
    [InlineData(null, "own")]
    [InlineData("openai", "sonnet")]
    [InlineData("openai", "anthropic/sonnet")]
    [InlineData(null, "openai/sonnet")]
    [InlineData(null, "nobody/gpt-x")]
    [InlineData("nobody", "gpt-x")]
    [InlineData(null, "/gpt-x")]
    [InlineData("", "gpt-x")]
    public void Nothing_is_guessed_from_parts_of_a_name(string? provider, string? model) => Assert.Null(book.Find(provider, model));

    [Fact]
    public void A_newer_price_of_the_same_name_replaces_the_older()
    {
        var newer = book.With([ModelPrice.Flat("OpenAI", "GPT-X", 1m, 1m)]);
        Assert.Equal(1m, InputOf(newer.Find("openai", "gpt-x")));
        Assert.Equal(1m, InputOf(newer.Find("openai", "gpt-x-2026")));
        Assert.Equal(3m, InputOf(newer.Find(null, "sonnet")));
        Assert.Equal(2.5m, InputOf(book.Find(null, "gpt-x")));
    }

    [Fact]
    public void The_price_of_an_account_model_without_a_provider_can_be_named_by_prefix_only() =>
        Assert.Equal(7m, InputOf(book.Find(null, "ACME/own")));

    static decimal? InputOf(ModelPrice? price) => price!.Today(default)!.Rates[RateKind.Input];

    static decimal? Cost(ModelPrice price, Usage usage) => price.Periods[0].Cost(usage, default);

    [Theory]
    [InlineData(0, 0, "0")]
    [InlineData(1, 0, "0.0000025")]
    [InlineData(1000, 500, "0.0075")]
    [InlineData(1_000_000_000_000_000, 1_000_000_000_000_000, "12500000000")]
    public void Costs_are_exact(long input, long output, string cost) =>
        Assert.Equal(decimal.Parse(cost, CultureInfo.InvariantCulture),
            Cost(book.Find(null, "gpt-x")!, new Usage { InputTokens = input, OutputTokens = output }));

    [Fact]
    public void Parts_of_the_input_have_their_own_rates()
    {
        var price = book.Find(null, "sonnet")!;
        var usage = new Usage
        {
            InputTokens = 1000, OutputTokens = 100,
            Parts = new() { CachedInputTokens = 400, CacheWrite5mTokens = 200, CacheWrite1hTokens = 100, ReasoningTokens = 60,
                WebSearches = 3 },
        };
        Assert.Equal((300 * 3m + 400 * 0.3m + 200 * 3.75m + 100 * 6m + 100 * 15m) / 1_000_000m + 0.03m, Cost(price, usage));
    }

    [Fact]
    public void A_part_without_a_rate_takes_the_one_it_falls_back_to()
    {
        var price = book.Find(null, "shared")!;
        Assert.Equal(
            0.005m, Cost(
                price, new Usage { InputTokens = 1000, Parts = new() { CachedInputTokens = 400, CacheWrite5mTokens = 200,
                    CacheWrite1hTokens = 100 } }));
    }

    [Fact]
    public void What_a_price_does_not_cover_has_no_cost()
    {
        var price = book.Find(null, "gpt-x")!;
        Assert.Null(Cost(price, new Usage { InputTokens = 1, Parts = new() { WebSearches = 1 } }));
        Assert.Null(Cost(price, new Usage { InputTokens = 1, Parts = new() { Pages = 1 } }));
        Assert.Null(Cost(price, new Usage { InputTokens = 1, Parts = new() { AudioSecondsIn = 0.5m } }));
        Assert.NotNull(Cost(price, new Usage { InputTokens = 1, Parts = new() }));
    }

    [Fact]
    public void An_estimate_costs_what_its_usage_would() => Programs.Same.Check(500, 2, program =>
    {
        var random = new Random(program[0]);
        var (input, output) = (random.NextInt64(1_000_000), random.NextInt64(1_000_000));
        foreach (var price in PriceBook.BuiltIn.Models)
        {
            Assert.Equal(Cost(price, new Usage { InputTokens = input, OutputTokens = output }), Cost(price, input, output, false));
            if (Cost(price, new Usage { InputTokens = input / 2, OutputTokens = input - input / 2 }) is { } told
                && price.Periods[0].Tiers.Count == 0)
                Assert.True(Cost(price, input, input, true) >= told, price.Model);
        }
    });

    [Fact]
    public void The_built_in_prices_have_no_name_twice()
    {
        var names = PriceBook.BuiltIn.Models.SelectMany(price => price.Aliases.Prepend(price.Model)
            .Select(name => (price.Provider, Name: name.ToUpperInvariant()))).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    static decimal? Cost(ModelPrice price, long input, long output, bool plain) =>
        price.Periods[0].Cost(new EstimatedTokens(input, output, plain), default);
}
