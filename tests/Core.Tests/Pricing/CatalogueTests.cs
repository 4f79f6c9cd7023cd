// The price list: every entry costs what an independent calculation says, and a list that does not fit together is refused by name.
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;

namespace Purser.Core.Tests;

public sealed class CatalogueTests
{
    static readonly byte[] shipped = Shipped();
    static readonly JsonElement list = JsonDocument.Parse(shipped).RootElement;

    /// <summary>Kinds of tokens that do not fit evenly into anything, so that no two mistakes cancel out.</summary>
    const string Kinds = """
        "cachedInputTokens":1009,"cacheWrite5mTokens":1013,"cacheWrite1hTokens":1019,"audioInputTokens":1021,"imageInputTokens":1031,"videoInputTokens":1033,
        "outputTokens":9973,"reasoningTokens":1039,"audioOutputTokens":1049,"imageOutputTokens":1051,"videoOutputTokens":1061
        """;

    [Fact]
    public void Every_entry_costs_what_an_independent_calculation_says()
    {
        var count = 0;
        foreach (var entry in list.GetProperty("entries").EnumerateArray())
        {
            var (provider, model) = (entry.GetProperty("provider").GetString()!, entry.GetProperty("model").GetString()!);
            if (model.Length == 0) continue;
            foreach (var at in Instants(entry))
                foreach (var tier in (string?[])[null, "batch", "flex", "priority", "default"])
                {
                    if (tier is not null && !entry.GetRawText().Contains("serviceTiers", StringComparison.Ordinal)) continue;
                    foreach (var input in Sizes(entry))
                        foreach (var usage in Usages(entry, input))
                            foreach (var (region, speed) in entry.TryGetProperty("multipliers", out _) ? multiplied : [(null, null)])
                            {
                                count++;
                                Compare(entry, provider, model, usage, at, tier, region, speed);
                            }
                }
        }
        Assert.True(count > 20_000, $"{count} quotes");
    }

    static readonly (string? Region, string? Speed)[] multiplied = [(null, null), ("us", null), ("eu", "fast"), (null, "fast"),
        ("mars", "slow")];

    static void Compare(JsonElement entry, string provider, string model, string usage, Instant? at, string? tier, string? region,
        string? speed)
    {
        var counts = JsonDocument.Parse(usage).RootElement;
        var asked = PricingCase.UsageOf(counts, provider, model, tier, region, speed)!;
        var quote = Quote.Of(PriceBook.BuiltIn, asked, at, now: default);
        var expected = ReferencePrice.Cost(entry, counts, at, tier, region, speed);
        Assert.True(expected == quote.Charges?.Total.ToString(),
            $"{provider}/{model} {at} {tier} {usage}: expected {expected ?? "no price"}, was {quote.Charges?.Total}");
        if (quote.Charges is { } charges) Assert.Equal(charges.Total.ToDecimal(), quote.Period!.Cost(asked, asked.TermsOf(at)));
        else if (quote.Period is { } period) Assert.Null(period.Cost(asked, asked.TermsOf(at)));
    }

    /// <summary>No time; the first and the last instant of every period and of every window of cheaper hours.</summary>
    static IEnumerable<Instant?> Instants(JsonElement entry)
    {
        yield return null;
        foreach (var period in ReferencePrice.Periods(entry))
            foreach (var bound in (string[])["effectiveFrom", "effectiveUntil"])
                if (period.TryGetProperty(bound, out var at))
                {
                    yield return ReferencePrice.Time(at);
                    yield return ReferencePrice.Time(at) - Duration.FromMilliseconds(1);
                }
        if (!entry.TryGetProperty("timeOfDay", out _)) yield break;
        // A week, hour by hour and just before it.
        for (var hour = 0; hour < 7 * 24; hour++)
        {
            yield return Instant.FromUtc(2026, 9, 28, 0, 0) + Duration.FromHours(hour);
            yield return Instant.FromUtc(2026, 9, 28, 0, 0) + Duration.FromHours(hour) - Duration.FromMilliseconds(1);
        }
    }

    /// <summary>A usual size, and both sides of every limit.</summary>
    static IEnumerable<long> Sizes(JsonElement entry)
    {
        yield return 10_007;
        foreach (var limit in Limits(entry).Distinct())
        {
            yield return limit;
            yield return limit + 1;
        }
    }

    static IEnumerable<long> Limits(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => member.NameEquals("aboveInputTokens")
            ? [member.Value.GetInt64()] : Limits(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Limits),
        _ => [],
    };

    static IEnumerable<string> Usages(JsonElement entry, long input)
    {
        yield return $$"""{"inputTokens":{{input}},"outputTokens":503}""";
        yield return $$"""{"inputTokens":{{input}},{{Kinds}},"citationTokens":17}""";
        yield return $$"""{"inputTokens":{{input}},{{Kinds}}}""";
        if (input != 10_007) yield break;
        var rates = entry.GetProperty("rates");
        foreach (var unit in ReferencePrice.Units)
            if (rates.TryGetProperty(unit[1], out _))
                yield return $$"""{"{{unit[0]}}":12.375,"requests":3}""";
        yield return """{"inputTokens":1,"pages":1}""";
        foreach (var size in (string[])["low", "medium", "high"]) yield return $$"""{"inputTokens":1,"webSearches":3,"webSearchContext":"{{size}}"}""";
        yield return """{"inputTokens":1,"webSearches":3}""";
    }

    [Theory]
    [InlineData("inputTokens", 1L << 40)]
    [InlineData("outputTokens", 1L << 40)]
    [InlineData("inputTokens", long.MaxValue)]
    public void Huge_counts_stay_exact(string kind, long count)
    {
        foreach (var entry in list.GetProperty("entries").EnumerateArray())
            if (entry.GetProperty("model").GetString() is { Length: > 0 } model)
                Compare(entry, entry.GetProperty("provider").GetString()!, model, $$"""{"{{kind}}":{{count}}}""", null, null, "us", "fast");
    }

    [Fact]
    public void Every_name_leads_to_its_entry()
    {
        foreach (var entry in Catalogue.BuiltIn.Entries.Where(entry => entry.Model.Length > 0))
            foreach (var name in entry.Aliases.Prepend(entry.Model))
            {
                Assert.Same(entry, PriceBook.BuiltIn.Find(entry.Provider, name));
                Assert.Same(entry, PriceBook.BuiltIn.Find(entry.Provider, name.ToUpperInvariant()));
                Assert.Same(entry, PriceBook.BuiltIn.Find(null, $"{entry.Provider}/{name}"));
            }
    }

    [Fact]
    public void Aliases_of_providers_mean_them()
    {
        foreach (var provider in Catalogue.BuiltIn.Providers)
            foreach (var alias in provider.Aliases)
            {
                var entry = Catalogue.BuiltIn.Entries.First(entry => entry.Provider == provider.Id && entry.Model.Length > 0);
                Assert.Same(entry, PriceBook.BuiltIn.Find(alias, entry.Model));
                Assert.Same(entry, PriceBook.BuiltIn.Find(alias, $"{alias}/{entry.Model}"));
                Assert.Same(entry, PriceBook.BuiltIn.Find(null, $"{alias.ToUpperInvariant()}/{entry.Model}"));
            }
    }

    const string GptRates = """{"input":"2","output":"8"}""";

    /// <summary>Each line breaks one rule of one entry: what is changed in it, the field that is named.</summary>
    [Theory]
    [InlineData("""{"model":null}""", "model")]
    [InlineData("""{"model":5}""", "model")]
    [InlineData("""{"provider":"nobody"}""", "provider")]
    [InlineData("""{"provider":"claude"}""", "provider")]
    [InlineData("""{"aliases":"x"}""", "aliases")]
    [InlineData("""{"aliases":["one","ONE"]}""", "aliases")]
    [InlineData("""{"aliases":["gpt-one"]}""", "aliases")]
    [InlineData("""{"mode":"chatty"}""", "mode")]
    [InlineData("""{"colour":"red"}""", "colour")]
    [InlineData("""{"note":null}""", "note")]
    [InlineData("""{"maxOutputTokens":-1}""", "maxOutputTokens")]
    [InlineData("""{"maxOutputTokens":1.5}""", "maxOutputTokens")]
    [InlineData("""{"retiresOn":"2026-02-30"}""", "retiresOn")]
    [InlineData("""{"asOf":"yesterday"}""", "asOf")]
    [InlineData("""{"sources":["rumour"]}""", "sources")]
    [InlineData("""{"rates":{}}""", "rates")]
    [InlineData("""{"rates":{"input":2}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"2e-1"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"-2"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"+2"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":".5"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":""}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"1.0000000000000000000000000000000001"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"9999999999"}}""", "rates.input")]
    [InlineData("""{"rates":{"inputs":"2"}}""", "rates.inputs")]
    [InlineData("""{"rates":{"perWebSearch":"0.01"}}""", "rates.perWebSearch")]
    [InlineData("""{"rates":{"perWebSearch":{"huge":"0.01"}}}""", "rates.perWebSearch.huge")]
    [InlineData("""{"rates":{"input":"0","output":"0"}}""", "free")]
    [InlineData("""{"free":true}""", "free")]
    [InlineData("""{"tiers":[{"aboveInputTokens":200000,"rates":{"input":"4"}},{"aboveInputTokens":100000,"rates":{"input":"5"}}]}""", "tiers[1].aboveInputTokens")]
    [InlineData("""{"tiers":[{"rates":{"input":"4"}}]}""", "tiers[0].aboveInputTokens")]
    [InlineData("""{"serviceTiers":{"vip":{"rates":{"input":"4"}}}}""", "serviceTiers.vip")]
    [InlineData("""{"serviceTiers":{"batch":{"rates":{"input":"4x"}}}}""", "serviceTiers.batch.rates.input")]
    [InlineData("""{"timeOfDay":[{"windows":[{"days":[0],"fromUtc":"00:00","toUtc":"01:00"}],"rates":{"input":"1"}}]}""", "timeOfDay[0].windows[0].days[0]")]
    [InlineData("""{"timeOfDay":[{"windows":[{"days":[1],"fromUtc":"02:00","toUtc":"01:00"}],"rates":{"input":"1"}}]}""", "timeOfDay[0].windows[0].toUtc")]
    [InlineData("""{"timeOfDay":[{"windows":[{"days":[1],"fromUtc":"25:00","toUtc":"24:00"}],"rates":{"input":"1"}}]}""", "timeOfDay[0].windows[0].fromUtc")]
    [InlineData("""{"timeOfDay":[{"windows":[{"days":[1],"fromUtc":"00:00","toUtc":"02:00"},{"days":[1,2],"fromUtc":"01:00","toUtc":"03:00"}],"rates":{"input":"1"}}]}""", "timeOfDay")]
    [InlineData("""{"multipliers":{"planet.mars":"2"}}""", "multipliers.planet.mars")]
    [InlineData("""{"multipliers":{"region.us":"0"}}""", "multipliers.region.us")]
    [InlineData("""{"effectiveFrom":"2026-01-01"}""", "effectiveFrom")]
    [InlineData("""{"effectiveFrom":"2026-01-01T00:00:00Z","effectiveUntil":"2026-01-01T00:00:00Z"}""", "effectiveUntil")]
    [InlineData("""{"effectiveFrom":"2026-02-01T00:00:00Z","otherPeriods":[{"effectiveUntil":"2026-01-01T00:00:00Z","rates":{"input":"1"}}]}""", "effectiveFrom")]
    [InlineData("""{"effectiveFrom":"2026-01-01T00:00:00Z","otherPeriods":[{"effectiveUntil":"2026-02-01T00:00:00Z","rates":{"input":"1"}}]}""", "effectiveFrom")]
    [InlineData("""{"otherPeriods":[{"effectiveUntil":"2026-02-01T00:00:00Z","rates":{"input":"1"}}]}""", "otherPeriods[0].effectiveFrom")]
    [InlineData("""{"effectiveUntil":"2026-01-01T00:00:00Z","otherPeriods":[{"effectiveFrom":"2026-01-01T00:00:00Z"}]}""", "otherPeriods[0].rates")]
    public void A_bad_entry_is_refused_by_its_name_and_field(string change, string field)
    {
        var bad = Small();
        var entry = bad["entries"]![0]!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject()) entry[name] = value?.DeepClone();
        var refused = Assert.Throws<PriceRefusedException>(() => Read(bad));
        Assert.Equal(field, refused.Place);
        if (field is not ("model" or "provider")) Assert.Equal("openai/gpt-one", refused.Entry);
        Assert.NotEmpty(refused.Detail);
    }

    [Theory]
    [InlineData("""{"schemaVersion":2}""", "schemaVersion")]
    [InlineData("""{"currency":"EUR"}""", "currency")]
    [InlineData("""{"dataDate":"soon"}""", "dataDate")]
    [InlineData("""{"bareModelOrder":["nobody"]}""", "bareModelOrder[0]")]
    [InlineData("""{"bareModelOrder":["openai","openai"]}""", "bareModelOrder[1]")]
    [InlineData("""{"providers":[{"id":"openai","name":"O","aliases":["openai"]}]}""", "providers[0].aliases")]
    [InlineData("""{"entries":[]}""", "entries")]
    [InlineData("""{"entries":{}}""", "entries")]
    [InlineData("""{"more":1}""", "more")]
    public void A_bad_header_is_refused_by_its_field(string change, string field)
    {
        var bad = Small();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject()) bad[name] = value?.DeepClone();
        Assert.Equal(field, Assert.Throws<PriceRefusedException>(() => Read(bad)).Place);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"schemaVersion":1,"schemaVersion":1}""")]
    public void What_is_no_catalogue_is_refused(string text) =>
        Assert.Equal("$", Assert.Throws<PriceRefusedException>(() => CatalogueReader.Read(Encoding.UTF8.GetBytes(text))).Place);

    [Fact]
    public void A_good_catalogue_is_read()
    {
        var read = Read(Small());
        Assert.Equal($"catalogue-2026-10-04-{read.Digest[..8]}", read.Version);
        Assert.Equal(0.002m, new PriceBook(read).Find(null, "gpt-one")!.Today(default)!.Cost(new Usage { InputTokens = 1000 }, default));
    }

    [Fact]
    public void The_shipped_catalogue_is_known_by_its_date_and_by_the_digest_of_its_file()
    {
        Assert.Equal("catalogue-2026-11-30", Catalogue.BuiltIn.Version);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(shipped)), Catalogue.BuiltIn.Digest);
    }

    static JsonObject Small() => JsonNode.Parse($$"""
        {"schemaVersion":1,"currency":"USD","dataDate":"2026-10-04","bareModelOrder":["openai"],
         "providers":[{"id":"openai","name":"OpenAI","aliases":["oai"]},{"id":"anthropic","name":"Anthropic","aliases":["claude"]}],
         "sources":[{"id":"list","name":"a list","date":"2026-10-01"}],
         "entries":[{"provider":"openai","model":"gpt-one","aliases":[],"mode":"chat","rates":{{GptRates}},"sources":["list"],"asOf":"2026-10-01"},
                    {"provider":"openai","model":"gpt-two","aliases":["gpt-2nd"],"mode":"chat","rates":{{GptRates}},"sources":["list"],"asOf":"2026-10-01"}]}
        """)!.AsObject();

    static Catalogue Read(JsonObject catalogue) => CatalogueReader.Read(Encoding.UTF8.GetBytes(catalogue.ToJsonString()));

    static byte[] Shipped()
    {
        using var data = typeof(Catalogue).Assembly.GetManifestResourceStream("Purser.Core.catalogue.json")!;
        using var copy = new MemoryStream();
        data.CopyTo(copy);
        return copy.ToArray();
    }
}
