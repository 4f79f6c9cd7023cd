// Prices: exact costs, and names that are looked up whole. A model that is in no list has no price.
using System.Globalization;

namespace Purser.Core.Tests;

public sealed class PricesTests
{
    static readonly PriceBook book = new("v1",
    [
        new("openai", "gpt-x", 2.5m, 10m) { CachedInput = 1.25m, Aliases = ["gpt-x-2026"] },
        new("anthropic", "sonnet", 3m, 15m) { CachedInput = 0.3m, CacheWrite5m = 3.75m, CacheWrite1h = 6m, PerWebSearch = 0.01m },
        new("anthropic", "shared", 5m, 5m),
        new("mistral", "shared", 1m, 1m),
        new("acme", "own", 7m, 7m),
        new("openai", "vendor/odd", 9m, 9m),
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
        var newer = book.With("v2", [new("OpenAI", "GPT-X", 1m, 1m)]);
        Assert.Equal(1m, newer.Find("openai", "gpt-x")!.Input);
        Assert.Equal(3m, newer.Find(null, "sonnet")!.Input);
        Assert.Equal("v2", newer.Version);
        Assert.Equal(2.5m, book.Find(null, "gpt-x")!.Input);
    }

    [Fact]
    public void The_price_of_an_account_model_without_a_provider_can_be_named_by_prefix_only() =>
        Assert.Equal(7m, book.Find(null, "ACME/own")!.Input);

    [Theory]
    [InlineData(0, 0, "0")]
    [InlineData(1, 0, "0.0000025")]
    [InlineData(1000, 500, "0.0075")]
    [InlineData(1_000_000_000_000_000, 1_000_000_000_000_000, "12500000000")]
    public void Costs_are_exact(long input, long output, string cost) =>
        Assert.Equal(decimal.Parse(cost, CultureInfo.InvariantCulture), book.Find(null, "gpt-x")!.Cost(new Usage { InputTokens = input, OutputTokens = output }));

    [Fact]
    public void Parts_of_the_input_have_their_own_rates()
    {
        var price = book.Find(null, "sonnet")!;
        var usage = new Usage
        {
            InputTokens = 1000, OutputTokens = 100,
            Parts = new() { CachedInputTokens = 400, CacheWrite5mTokens = 200, CacheWrite1hTokens = 100, ReasoningTokens = 60, WebSearches = 3 },
        };
        Assert.Equal((300 * 3m + 400 * 0.3m + 200 * 3.75m + 100 * 6m + 100 * 15m) / 1_000_000m + 0.03m, price.Cost(usage));
    }

    [Fact]
    public void A_part_without_a_rate_takes_the_one_it_falls_back_to()
    {
        var price = book.Find(null, "shared")!;
        Assert.Equal(0.005m, price.Cost(new Usage { InputTokens = 1000, Parts = new() { CachedInputTokens = 400, CacheWrite5mTokens = 200, CacheWrite1hTokens = 100 } }));
    }

    [Fact]
    public void What_a_price_does_not_cover_has_no_cost()
    {
        var price = book.Find(null, "gpt-x")!;
        Assert.Null(price.Cost(new Usage { InputTokens = 1, Parts = new() { WebSearches = 1 } }));
        Assert.Null(price.Cost(new Usage { InputTokens = 1, Parts = new() { Pages = 1 } }));
        Assert.Null(price.Cost(new Usage { InputTokens = 1, Parts = new() { AudioSecondsIn = 0.5m } }));
        Assert.NotNull(price.Cost(new Usage { InputTokens = 1, Parts = new() }));
    }

    [Fact]
    public void An_estimate_costs_what_its_usage_would() => Workload.Check(500, 2, program =>
    {
        var random = new Random(program[0]);
        var (input, output) = (random.NextInt64(1_000_000), random.NextInt64(1_000_000));
        foreach (var price in PriceBook.BuiltIn.Models)
        {
            Assert.Equal(price.Cost(new Usage { InputTokens = input, OutputTokens = output }), price.Cost(new EstimatedTokens(input, output, false)));
            Assert.True(price.Cost(new EstimatedTokens(input, input, true)) >= price.Cost(new Usage { InputTokens = input / 2, OutputTokens = input - input / 2 }));
        }
    });

    [Fact]
    public void The_built_in_prices_have_no_name_twice_and_no_price_of_nothing()
    {
        var names = PriceBook.BuiltIn.Models.SelectMany(price => price.Aliases.Prepend(price.Model).Select(name => (price.Provider, Name: name.ToUpperInvariant()))).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(PriceBook.BuiltIn.Models, price => Assert.True(price.Input > 0 && price.Output >= 0, price.Model));
    }
}
