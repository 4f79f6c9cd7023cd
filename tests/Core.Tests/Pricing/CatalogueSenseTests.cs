// What a list price can not be, asked of the whole catalogue: a figure in another unit, rates that changed places, a name of a model that
// lacks what its other names have. Who is right all the same stands here by name, with the reason and as far as it is.
using System.Globalization;
using System.Text.RegularExpressions;
using NodaTime.Text;

namespace Purser.Core.Tests;

public sealed class CatalogueSenseTests
{
    static readonly IReadOnlyList<ModelPrice> entries = Catalogue.BuiltIn.Entries;

    static string NameOf(ModelPrice entry) => $"{entry.Provider}/{entry.Model}";

    static void None(IEnumerable<string> faults)
    {
        var all = faults.ToList();
        Assert.True(all.Count == 0, $"{all.Count}\n{string.Join('\n', all)}");
    }

    /// <summary>One of the sets of rates of a price, and those that hold without it.</summary>
    sealed record Layer(ModelPrice Entry, string What, Rates Rates, Rates Under)
    {
        /// <summary>What a kind costs here, by the kind that it falls back to where it must.</summary>
        public decimal? this[RateKind kind] => Of(kind, Rates, Under);

        public decimal? Without(RateKind kind) => Of(kind, Under);

        static decimal? Of(RateKind kind, params Rates[] layers)
        {
            for (RateKind? own = kind; own is { } asked; own = RateKinds.FallbackOf(asked))
                foreach (var rates in layers)
                    if (rates[asked] is { } rate)
                        return rate;
            return null;
        }

        public string Fault(string text) => $"{NameOf(Entry)} {What}: {text}";
    }

    static IEnumerable<Layer> LayersOf(ModelPrice entry)
    {
        foreach (var period in entry.Periods)
        {
            var since = period.From is { } from ? $"since {from} " : "";
            yield return new(entry, since + "standard", period.Rates, period.Rates);
            foreach (var tier in period.Tiers) yield return new(entry, $"{since}above {tier.AboveInputTokens}", tier.Rates, period.Rates);
            foreach (var service in period.ServiceTiers)
            {
                yield return new(entry, since + service.Name, service.Rates, period.Rates);
                foreach (var tier in service.Tiers)
                    yield return new(entry, $"{since}{service.Name} above {tier.AboveInputTokens}", tier.Rates, service.Rates);
            }
        }
    }

    static IEnumerable<Layer> Layers => entries.SelectMany(LayersOf);

    static IEnumerable<(RateKind Kind, decimal Rate)> TokensOf(Rates rates) => rates.All.Where(rate => RateKinds.IsTokens(rate.Kind));

    const decimal DearestToken = 100, DearestWithoutOutput = 20;

    /// <summary>The dearest rate of models that cost more, by the last part of their names.</summary>
    static readonly Dictionary<string, decimal> dear = new()
    {
        ["o1-pro"] = 600, ["gpt-5.4-pro"] = 540, ["gpt-5.5-pro"] = 270, ["gpt-5.2-pro"] = 168, ["gpt-5-pro"] = 120,
        ["gpt-4.5-preview"] = 150, ["gpt-4-32k"] = 120, ["gpt-4-32k-0613"] = 120,
        // Sound, and pictures.
        ["gpt-4o-realtime-preview-2024-10-01"] = 220, ["gemini-3-pro-image"] = 120, ["gemini-3-pro-image-preview"] = 120,
        ["deep-research-pro-preview-12-2025"] = 120,
    };

    /// <summary>A price for a thousand tokens, or for one, in the place of that for a million is a thousand times too much.</summary>
    [Fact]
    public void No_token_costs_more_than_the_dearest_models_do() => None(
        from layer in Layers
        let last = layer.Entry.Model[(layer.Entry.Model.LastIndexOf('/') + 1)..]
        let most = layer.Entry.Mode is "embedding" or "rerank" or "moderation" ? DearestWithoutOutput
            : dear.GetValueOrDefault(last, DearestToken)
        from rate in TokensOf(layer.Rates)
        where rate.Rate > most
        select layer.Fault($"{RateKinds.NameOf(rate.Kind)} {rate.Rate} a million tokens, more than {most}"));

    [Fact]
    public void Who_is_known_to_be_dear_is_listed_and_is_dear() => Assert.All(dear, known => Assert.Equal(known.Value, Layers
        .Where(layer => layer.Entry.Model == known.Key || layer.Entry.Model.EndsWith("/" + known.Key, StringComparison.Ordinal))
        .SelectMany(layer => TokensOf(layer.Rates)).Max(rate => rate.Rate)));

    /// <summary>The fee for choosing a model; what the chosen one puts out is charged under its own name.</summary>
    static readonly string[] withoutOutput = ["azure-ai/model_router"];

    [Fact]
    public void Who_answers_takes_at_least_half_as_much_for_output_as_for_input() => None(
        from layer in Layers
        where layer.Entry.Mode is "chat" or "completion" or "realtime" && !withoutOutput.Contains(NameOf(layer.Entry))
        where layer[RateKind.Output] < layer[RateKind.Input] / 2
        select layer.Fault($"output {layer[RateKind.Output]}, input {layer[RateKind.Input]}"));

    /// <summary>Kinds that cost at most, and at least, as much as another.</summary>
    static readonly (RateKind Kind, RateKind Plain)[] cheaper =
    [
        (RateKind.CachedInput, RateKind.Input), (RateKind.CachedAudioInput, RateKind.AudioInput),
        (RateKind.CachedImageInput, RateKind.ImageInput),
    ];

    static readonly (RateKind Kind, RateKind Plain)[] dearer =
    [
        (RateKind.CacheWrite5m, RateKind.Input), (RateKind.CacheWrite1h, RateKind.CacheWrite5m), (RateKind.AudioInput, RateKind.Input),
        (RateKind.ImageInput, RateKind.Input), (RateKind.VideoInput, RateKind.Input), (RateKind.ReasoningOutput, RateKind.Output),
        (RateKind.AudioOutput, RateKind.Output), (RateKind.ImageOutput, RateKind.Output), (RateKind.VideoOutput, RateKind.Output),
    ];

    static readonly Dictionary<string, RateKind> kindsOfTheirOwn = new()
    {
        // The fast variants cost twice as much, but for what is written to the cache.
        ["minimax/MiniMax-M2.1-highspeed"] = RateKind.CacheWrite5m, ["minimax/MiniMax-M2.5-highspeed"] = RateKind.CacheWrite5m,
        ["minimax/MiniMax-M2.7-highspeed"] = RateKind.CacheWrite5m,
        // It thinks far more than it says.
        ["perplexity/sonar-deep-research"] = RateKind.ReasoningOutput,
    };

    [Fact]
    public void Caches_are_cheaper_to_read_and_dearer_to_write_and_no_other_kind_is_cheaper_than_text() => None(
        from layer in Layers
        from pair in cheaper.Select(pair => (pair.Kind, pair.Plain, Sign: 1))
            .Concat(dearer.Select(pair => (pair.Kind, pair.Plain, Sign: -1)))
        where layer.Rates[pair.Kind] is not null && (layer[pair.Kind] - layer[pair.Plain]) * pair.Sign is not <= 0
        where !kindsOfTheirOwn.TryGetValue(NameOf(layer.Entry), out var own) || own != pair.Kind
        select layer.Fault($"{RateKinds.NameOf(pair.Kind)} {layer[pair.Kind]}, {RateKinds.NameOf(pair.Plain)} {layer[pair.Plain]}"));

    [Fact]
    public void Long_contexts_and_precedence_cost_more_and_patience_costs_less() => None(
        from layer in Layers
        from rate in TokensOf(layer.Rates)
        let without = layer.Without(rate.Kind)
        where without != 0
        let factor = rate.Rate / without
        where layer.What.EndsWith("batch", StringComparison.Ordinal) || layer.What.EndsWith("flex", StringComparison.Ordinal)
            ? factor is not (>= 0.25m and <= 1) : factor is not >= 1
        select layer.Fault($"{RateKinds.NameOf(rate.Kind)} {rate.Rate}, without it {without}"));

    // Where a name says in which geography a model answers, and which version of it.
    static readonly Regex ofBedrock = new(@"^((us-gov|us|eu|apac|jp|au|global)\.|[a-z]+(-gov)?-[a-z]+-\d/)");
    static readonly Regex ofAzure = new("^(us|eu|global|global-standard)/");
    static readonly Regex version = new(@"[-@](\d{4}-\d\d-\d\d|20\d{6}|latest|default)(?=$|-v\d)");
    static readonly Regex dayOfXai = new(@"-\d{4}$");

    static string ModelOf(ModelPrice entry)
    {
        var model = entry.Provider switch
        {
            "aws-bedrock" => ofBedrock.Replace(entry.Model, ""),
            "azure-openai" or "azure-ai" => ofAzure.Replace(entry.Model, ""),
            "xai" => dayOfXai.Replace(entry.Model, ""),
            _ => entry.Model,
        };
        return $"{entry.Provider}/{version.Replace(model, "")}";
    }

    /// <summary>What names lack by right.</summary>
    static readonly HashSet<string> lacking =
    [
        // Alibaba keeps the beginnings of prompts for the names without a date.
        "alibaba/qwen3-coder-flash-2025-07-28 cachedInput", "alibaba/qwen3-coder-plus-2025-07-22 cachedInput",
        // AWS lists what is read from the cache for the other region of the government alone, and no search in either.
        "aws-bedrock/us-gov-east-1/amazon.nova-pro-v1:0 cachedInput",
        .. from region in (string[])["us-gov-east-1/", "us-gov-west-1/", "us-gov."]
           from size in (string[])["Low", "Medium", "High"]
           select $"aws-bedrock/{region}anthropic.claude-sonnet-4-5-20250929-v1:0 perWebSearch{size}",
        // The first GPT-4o has neither a cache nor tools.
        "azure-openai/gpt-4o-2024-05-13 cachedInput", "openai/gpt-4o-2024-05-13 cachedInput", "openai/gpt-4o-2024-05-13 perWebSearchLow",
        "openai/gpt-4o-2024-05-13 perWebSearchMedium", "openai/gpt-4o-2024-05-13 perWebSearchHigh",
        // Gone before any list had a rate for its cached sound.
        "azure-openai/gpt-4o-realtime-preview-2024-10-01 cachedAudioInput",
        "azure-openai/eu/gpt-4o-realtime-preview-2024-10-01 cachedAudioInput",
        "azure-openai/us/gpt-4o-realtime-preview-2024-10-01 cachedAudioInput",
        // Gemini 1.0 Pro, which `gemini-pro-latest` never meant.
        "google/gemini-pro cachedInput", "google/gemini-pro perWebSearchLow", "google/gemini-pro perWebSearchMedium",
        "google/gemini-pro perWebSearchHigh",
    ];

    [Fact]
    public void Names_of_one_model_have_the_same_kinds_of_rates_and_the_same_tiers()
    {
        var found = entries.GroupBy(ModelOf).Where(names => names.Count() > 1).SelectMany(names =>
        {
            var kinds = names.SelectMany(name => name.Periods[0].Rates.All.Select(rate => rate.Kind)).ToHashSet();
            var limits = names.SelectMany(name => name.Periods[0].Tiers.Select(tier => tier.AboveInputTokens)).ToHashSet();
            return names.SelectMany(name => kinds.Where(kind => name.Periods[0].Rates[kind] is null).Select(RateKinds.NameOf)
                // No request reaches a limit beyond the window.
                .Concat(limits.Where(limit => !(limit >= name.ContextWindow)).Except(name.Periods[0].Tiers.Select(tier =>
                    tier.AboveInputTokens)).Select(limit => limit.ToString(CultureInfo.InvariantCulture)))
                .Select(what => $"{NameOf(name)} {what}"));
        }).ToHashSet();
        None(found.Except(lacking));
        Assert.Empty(lacking.Except(found));
    }

    static ModelPrice Price(string provider, string model) => PriceBook.BuiltIn.Find(provider, model)!;

    /// <summary>A name that ends in `-latest` costs what the model costs that it means at that moment.</summary>
    [Theory]
    [InlineData("gemini-pro-latest", "2026-01-20T23:59:59Z", "gemini-2.5-pro")]
    [InlineData("gemini-pro-latest", "2026-01-21T00:00:00Z", "gemini-3-pro-preview")]
    [InlineData("gemini-pro-latest", "2026-03-06T00:00:00Z", "gemini-3.1-pro-preview")]
    [InlineData("gemini-pro-latest", "2026-11-30T00:00:00Z", "gemini-3.1-pro-preview")]
    [InlineData("gemini-flash-latest", "2026-01-20T23:59:59Z", "gemini-2.5-flash")]
    [InlineData("gemini-flash-latest", "2026-01-21T00:00:00Z", "gemini-3-flash-preview")]
    [InlineData("gemini-flash-latest", "2026-05-18T23:59:59Z", "gemini-3-flash-preview")]
    [InlineData("gemini-flash-latest", "2026-05-19T00:00:00Z", "gemini-3.5-flash")]
    [InlineData("gemini-flash-latest", "2026-10-07T23:59:59Z", "gemini-3.5-flash")]
    [InlineData("gemini-flash-latest", "2026-10-08T00:00:00Z", "gemini-3.6-flash")]
    [InlineData("gemini-flash-latest", "2026-11-30T00:00:00Z", "gemini-3.8-flash")]
    [InlineData("gemini-flash-latest", "2027-01-01T00:00:00Z", "gemini-3.8-flash")]
    [InlineData("gemini-flash-lite-latest", "2026-03-02T23:59:59Z", "gemini-2.5-flash-lite")]
    [InlineData("gemini-flash-lite-latest", "2026-03-03T00:00:00Z", "gemini-3.1-flash-lite")]
    [InlineData("gemini-flash-lite-latest", "2026-07-21T00:00:00Z", "gemini-3.5-flash-lite")]
    [InlineData("gemini-flash-lite-latest", "2026-11-30T00:00:00Z", "gemini-3.5-flash-lite")]
    public void The_latest_of_a_family_costs_what_the_model_costs_that_it_means(string latest, string time, string meant)
    {
        var at = InstantPattern.General.Parse(time).Value;
        Assert.Equal(Whole(Price("google", meant).At(at)!), Whole(Price("google", latest).At(at)!));

        static string Whole(PricePeriod period) => string.Join('\n', new[] { Line(period.Rates) }
            .Concat(period.Tiers.Select(tier => $"above {tier.AboveInputTokens}: {Line(tier.Rates)}"))
            .Concat(period.ServiceTiers.Select(tier => $"{tier.Name}: {Line(tier.Rates)}; " + string.Join("; ", tier.Tiers.Select(above =>
                $"above {above.AboveInputTokens}: {Line(above.Rates)}")))));
        static string Line(Rates rates) => string.Join(", ", rates.All.Select(rate => $"{RateKinds.NameOf(rate.Kind)} {rate.Rate}"));
    }

    /// <summary>Claude's models of before Opus 4.6 can not be bound to the US.</summary>
    static readonly Regex unbound = new("^claude-(2|3-.*|(haiku|sonnet|opus)-4(-[15])?)$");

    [Theory]
    [InlineData("claude-sonnet-4-6", "19.8")]
    [InlineData("claude-sonnet-5", "13.2")]
    [InlineData("claude-sonnet-5-5", "13.2")]
    [InlineData("claude-opus-4-6", "33")]
    [InlineData("claude-opus-5-5", "26.4")]
    [InlineData("claude-fable-5", "66")]
    [InlineData("claude-fable-5-1", "66")]
    [InlineData("claude-mythos-5", "66")]
    [InlineData("claude-mythos-5-1", "66")]
    public void An_answer_that_is_bound_to_the_US_costs_a_tenth_more(string model, string cost) => Assert.Equal(cost,
        Quote.Of(PriceBook.BuiltIn, new() { InputTokens = 1_000_000, OutputTokens = 1_000_000,
            Dimensions = new() { Provider = "anthropic", Model = model }, Region = "us" }, null, default).Charges!.Total.ToString());

    [Fact]
    public void Every_model_of_Claude_that_can_be_bound_to_the_US_has_the_factor() => None(
        from entry in entries
        where entry.Provider == "anthropic"
        let factor = entry.Periods[0].Multipliers.FirstOrDefault(factor => factor.Name == "region.us")?.Factor
        where factor != (unbound.IsMatch(entry.Model) ? null : 1.1m)
        select $"{entry.Model}: {factor}");

    static readonly Regex searching = new("-search-(preview|api)|deep-research|^sonar(-pro|-reasoning|$)");

    [Fact]
    public void Who_searches_by_itself_has_a_fee_for_it() => None(
        from entry in entries
        where searching.IsMatch(entry.Model) && entry.Periods[0].Rates[RateKind.PerWebSearchMedium] is not > 0
        select NameOf(entry));

    /// <summary>Rows that stood in another unit, with their rates in each other's place, or without a kind.</summary>
    [Theory]
    [InlineData("cohere", "embed-multilingual-light-v3.0", RateKind.Input, "0.1")]
    [InlineData("cohere", "embed-v4.0", RateKind.ImageInput, "0.47")]
    [InlineData("azure-ai", "jais-30b-chat", RateKind.Output, "9.71")]
    [InlineData("watsonx", "core42/jais-13b-chat", RateKind.Input, "1.8")]
    [InlineData("watsonx", "bigscience/mt0-xxl-13b", RateKind.Output, "1.8")]
    [InlineData("azure-ai", "Llama-4-Maverick-17B-128E-Instruct-FP8", RateKind.Output, "1")]
    [InlineData("azure-ai", "Meta-Llama-3-70B-Instruct", RateKind.Output, "3.54")]
    [InlineData("aws-bedrock", "twelvelabs.marengo-embed-2-7-v1:0", RateKind.PerRequest, "0.00007")]
    [InlineData("aws-bedrock", "eu.amazon.nova-lite-v1:0", RateKind.CachedInput, "0.0195")]
    [InlineData("aws-bedrock", "apac.amazon.nova-pro-v1:0", RateKind.CachedInput, "0.21")]
    [InlineData("aws-bedrock", "jp.anthropic.claude-opus-4-7", RateKind.CacheWrite1h, "11")]
    [InlineData("aws-bedrock", "apac.anthropic.claude-haiku-4-5-20251001-v1:0", RateKind.CacheWrite1h, "2.2")]
    [InlineData("azure-openai", "us/gpt-5.6-luna", RateKind.CacheWrite5m, "0.275")]
    [InlineData("azure-openai", "eu/gpt-5.6-sol", RateKind.CacheWrite5m, "6.875")]
    [InlineData("openai", "ft:gpt-4o-2024-11-20", RateKind.CachedInput, "1.875")]
    [InlineData("azure-openai", "o3-deep-research", RateKind.PerWebSearchHigh, "0.014")]
    public void A_rate_that_was_mended_is_the_providers(string provider, string model, RateKind kind, string rate) =>
        Assert.Equal(rate, Price(provider, model).Periods[0].Rates[kind]?.ToString(CultureInfo.InvariantCulture));
}
