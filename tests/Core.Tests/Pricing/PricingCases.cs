// Worked cases of the calculator, run as data: those that come with the project, and those of every folder that PURSER_CASES names.
using System.Text.Json;

namespace Purser.Core.Tests;

public sealed class PricingCases
{
    static readonly string folder = Path.Combine(AppContext.BaseDirectory, "cases", "pricing");
    static readonly PricingCase[] own = [.. PricingCase.In(Path.Combine(folder, "cases.json"))];
    static readonly PricingCase[] further = [.. Further()];

    public static TheoryData<string> Ids => new(own.Select(one => one.Id));

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_case_costs_what_it_says(string id)
    {
        var one = own.Single(one => one.Id == id);
        Assert.Equal(one.Expected, one.Answer());
    }

    /// <summary>The folders are separated like those of PATH. Files there that hold other cases are for other suites.</summary>
    [Fact]
    public void Cases_of_further_folders_hold_too()
    {
        var wrong = further.Where(one => one.Answer() != one.Expected)
            .Select(one => $"{one.Id}: expected {one.Expected}, was {one.Answer()}").ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {further.Length}\n{string.Join('\n', wrong)}");
    }

    public static TheoryData<string, string, string, string> SeedPrices
    {
        get
        {
            var data = new TheoryData<string, string, string, string>();
            // Several documents give the same price.
            var seen = new HashSet<(string, string, string, string)>();
            foreach (var price in JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "seed-prices.json"))).RootElement.GetProperty(
                "prices").EnumerateArray())
                seen.Add((price.GetProperty("provider").GetString()!, price.GetProperty("catalogueModel").GetString()!,
                    price.GetProperty("usdPerMillionInput").GetString()!, price.GetProperty("usdPerMillionOutput").GetString()!));
            foreach (var (provider, model, input, output) in seen) data.Add(provider, model, input, output);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(SeedPrices))]
    public void A_price_that_is_known_from_elsewhere_is_the_catalogues(string provider, string model, string input, string output)
    {
        Assert.Equal(input, Million(new() { InputTokens = 1_000_000 }));
        Assert.Equal(output, Million(new() { OutputTokens = 1_000_000 }));

        // Long contexts may cost more: ten times a hundred thousand.
        string Million(Usage usage)
        {
            var tenth = usage with { InputTokens = usage.InputTokens / 10, OutputTokens = usage.OutputTokens / 10,
                Dimensions = new() { Provider = provider, Model = model } };
            return (Quote.Of(PriceBook.BuiltIn, tenth, null, default).Charges!.Total * 10).ToString();
        }
    }

    static IEnumerable<PricingCase> Further() => FurtherCases.Files().SelectMany(PricingCase.In).Where(one => one.IsPricing);
}
