// A case of the calculator as it stands in a file: a call, and the exact cost of it or why it has none.
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core.Tests;

sealed record PricingCase(string Id, JsonElement Json)
{
    public override string ToString() => Id;

    /// <summary>A file of cases: an array, an object with `cases`, or one case a line.</summary>
    public static IEnumerable<PricingCase> In(string file)
    {
        var text = File.ReadAllText(file);
        var name = Path.GetFileName(file);
        if (file.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase))
            return text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select((line, i) => Of(name, JsonDocument.Parse(line).RootElement, i));
        var root = JsonDocument.Parse(text).RootElement;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("cases", out var cases)) root = cases;
        return root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().Select((json, i) => Of(name, json, i)) : [Of(name, root, 0)];
    }

    static PricingCase Of(string file, JsonElement json, int index) =>
        new($"{file}:{(json.ValueKind == JsonValueKind.Object && json.TryGetProperty("id", out var id) ? id.ToString() : index.ToString(CultureInfo.InvariantCulture))}", json);

    /// <summary>A case of this suite; folders may hold others.</summary>
    public bool IsPricing => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("model", out _)
        && Json.TryGetProperty("usage", out _)
        && (Json.TryGetProperty("expectUsd", out _) || Json.TryGetProperty("expectError", out _));

    /// <summary>What the product says: the cost as text, or the name of the problem.</summary>
    public string Answer()
    {
        Instant? at = Text("at") is { } time ? OffsetDateTimePattern.Rfc3339.Parse(time).Value.ToInstant() : null;
        if (UsageOf(Json.GetProperty("usage"), Text("provider"), Text("model")!, Text("serviceTier"), Text("region"), Text("speed"))
            is not { } usage) return "invalid-usage";
        var quote = Quote.Of(PriceBook.BuiltIn, usage, at, now: Instant.FromUtc(2026, 10, 4, 0, 0));
        if (quote.Charges is not { } charges)
            return quote.Problem switch { QuoteProblem.UnknownModel => "unknown-model", QuoteProblem.NoPrice => "no-price", _ =>
                "invalid-usage" };
        // The calculator that lists nothing says the same.
        Assert.Equal(charges.Total.ToDecimal(), quote.Period!.Cost(usage, usage.TermsOf(at)));
        return charges.Total.ToString();
    }

    public string? Expected => Text("expectError") ?? Plain(Text("expectUsd")!);

    string? Text(string name) => Json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
        ? value.GetString() : null;

    /// <summary>Decimal text in its shortest form.</summary>
    static string Plain(string text)
    {
        var (whole, fraction) = text.Split('.') is [var before, var after] ? (before, after.TrimEnd('0')) : (text, "");
        return BigInteger.Parse(whole, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture) + (fraction.Length > 0
            ? "." + fraction : "");
    }

    /// <summary>A usage by the names of its counts; null where a count is not a number that one can be.</summary>
    public static Usage? UsageOf(JsonElement counts, string? provider, string model, string? serviceTier = null, string? region = null,
        string? speed = null)
    {
        var whole = new Dictionary<string, long>();
        var units = new Dictionary<string, decimal>();
        string? context = null;
        foreach (var count in counts.EnumerateObject())
        {
            if (count.Name == "webSearchContext") context = count.Value.GetString();
            else if (count.Name.EndsWith("Tokens", StringComparison.Ordinal) || count.Name == "requests")
            {
                if (!count.Value.TryGetInt64(out var number)) return null;
                whole[count.Name] = number;
            }
            else if (!count.Value.TryGetDecimal(out var unit)) return null;
            else units[count.Name] = unit;
        }
        long Tokens(string name) => whole.GetValueOrDefault(name);
        decimal Units(string name) => units.GetValueOrDefault(name);
        return new()
        {
            Dimensions = new() { Provider = provider, Model = model },
            InputTokens = Tokens("inputTokens"),
            OutputTokens = Tokens("outputTokens"),
            Requests = whole.GetValueOrDefault("requests", 1),
            ServiceTier = serviceTier,
            Region = region,
            Speed = speed,
            Parts = new()
            {
                CachedInputTokens = Tokens("cachedInputTokens"), CacheWrite5mTokens = Tokens("cacheWrite5mTokens"), CacheWrite1hTokens =
                    Tokens("cacheWrite1hTokens"),
                AudioInputTokens = Tokens("audioInputTokens"), ImageInputTokens = Tokens("imageInputTokens"),
                    VideoInputTokens = Tokens("videoInputTokens"),
                ReasoningTokens = Tokens("reasoningTokens"), AudioOutputTokens = Tokens("audioOutputTokens"), ImageOutputTokens =
                    Tokens("imageOutputTokens"),
                VideoOutputTokens = Tokens("videoOutputTokens"), CitationTokens = Tokens("citationTokens"),
                Queries = Units("queries"), Sessions = Units("sessions"), ImagesIn = Units("imagesIn"), ImagesOut = Units("imagesOut"),
                CharactersIn = Units("charactersIn"), CharactersOut = Units("charactersOut"), AudioSecondsIn = Units("audioSecondsIn"),
                AudioSecondsOut = Units("audioSecondsOut"), VideoSecondsIn = Units("videoSecondsIn"),
                    VideoSecondsOut = Units("videoSecondsOut"),
                Pages = Units("pages"), AnnotatedPages = Units("annotatedPages"), WebSearches = Units("webSearches"),
                    WebSearchContext = context,
            },
        };
    }
}

static class UsageTerms
{
    public static PriceTerms TermsOf(this Usage usage, Instant? at) => new(at, usage.ServiceTier, usage.Region, usage.Speed);
}
