// Price lists of others as a catalogue: LiteLLM's map of models and the providers of models.dev, with what was not understood of them.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NodaTime.Text;
using Purser.Core;

namespace Purser.Api;

/// <summary>Something about a model that a catalogue can not say, and why.</summary>
sealed record NotUnderstood(string Model, string Member, string Why);

/// <summary>A catalogue as JSON, and what of the list is not in it.</summary>
sealed record PriceList(JsonObject Catalogue, int Models, IReadOnlyList<NotUnderstood> Left)
{
    const decimal Million = 1_000_000m;

    /// <summary>Reads either list; an <see cref="InvalidDataException"/> where it is neither.</summary>
    public static PriceList Read(JsonElement list, string date)
    {
        if (list.ValueKind != JsonValueKind.Object) throw new InvalidDataException("a price list is a JSON object");
        var isModelsDev = list.EnumerateObject().Any(one => one.Value.ValueKind == JsonValueKind.Object
            && one.Value.TryGetProperty("models", out var models) && models.ValueKind == JsonValueKind.Object);
        var isLiteLlm = list.EnumerateObject().Any(one => one.Value.ValueKind == JsonValueKind.Object
            && one.Value.TryGetProperty("litellm_provider", out _));
        if (!isModelsDev && !isLiteLlm)
            throw new InvalidDataException(
                "is neither LiteLLM's price map (`litellm_provider`) nor models.dev's list (providers with `models`)");
        var entries = new Entries(isModelsDev ? "models.dev" : "litellm", date);
        foreach (var one in list.EnumerateObject())
            if (isModelsDev) OfModelsDev(entries, one.Name, one.Value);
            else if (one.Name != "sample_spec") OfLiteLlm(entries, one.Name, one.Value);
        return entries.Done(isModelsDev ? "models.dev" : "LiteLLM model price map");
    }

    static readonly Dictionary<string, RateKind> tokens = new(StringComparer.Ordinal)
    {
        ["input_cost_per_token"] = RateKind.Input, ["output_cost_per_token"] = RateKind.Output,
        ["cache_read_input_token_cost"] = RateKind.CachedInput, ["cache_creation_input_token_cost"] = RateKind.CacheWrite5m,
        ["cache_creation_input_token_cost_above_1hr"] = RateKind.CacheWrite1h,
        ["output_cost_per_reasoning_token"] = RateKind.ReasoningOutput, ["input_cost_per_audio_token"] = RateKind.AudioInput,
        ["output_cost_per_audio_token"] = RateKind.AudioOutput, ["cache_read_input_audio_token_cost"] = RateKind.CachedAudioInput,
        ["input_cost_per_image_token"] = RateKind.ImageInput, ["output_cost_per_image_token"] = RateKind.ImageOutput,
        ["cache_read_input_image_token_cost"] = RateKind.CachedImageInput, ["input_cost_per_video_token"] = RateKind.VideoInput,
        ["output_cost_per_video_token"] = RateKind.VideoOutput, ["citation_cost_per_token"] = RateKind.Citation,
    };

    static readonly Dictionary<string, RateKind> units = new(StringComparer.Ordinal)
    {
        ["input_cost_per_request"] = RateKind.PerRequest, ["input_cost_per_query"] = RateKind.PerQuery,
        ["code_interpreter_cost_per_session"] = RateKind.PerSession, ["input_cost_per_image"] = RateKind.PerImageInput,
        ["output_cost_per_image"] = RateKind.PerImageOutput, ["output_cost_per_pixel"] = RateKind.PerPixelOutput,
        ["input_cost_per_character"] = RateKind.PerCharacterInput, ["output_cost_per_character"] = RateKind.PerCharacterOutput,
        ["input_cost_per_audio_per_second"] = RateKind.PerAudioSecondInput,
        ["output_cost_per_audio_per_second"] = RateKind.PerAudioSecondOutput,
        ["input_cost_per_video_per_second"] = RateKind.PerVideoSecondInput,
        ["output_cost_per_video_per_second"] = RateKind.PerVideoSecondOutput,
        ["ocr_cost_per_page"] = RateKind.PerPage, ["annotation_cost_per_page"] = RateKind.PerAnnotatedPage,
    };

    static readonly Dictionary<string, string> modes = new(StringComparer.Ordinal)
    {
        ["chat"] = "chat", ["responses"] = "chat", ["completion"] = "completion", ["embedding"] = "embedding", ["rerank"] = "rerank",
        ["image_generation"] = "image", ["image_edit"] = "image", ["audio_transcription"] = "transcription", ["audio_speech"] = "speech",
        ["realtime"] = "realtime", ["video_generation"] = "video", ["moderation"] = "moderation", ["ocr"] = "ocr", ["search"] = "search",
    };

    /// <summary>`NAME[_above_200k_tokens][_batches|_flex|_priority]`.</summary>
    static readonly Regex member = new(@"^(?<name>.+?)(_above_(?<above>\d+)k_tokens)?(_(?<tier>batches|flex|priority))?$");

    static void OfLiteLlm(Entries entries, string key, JsonElement model)
    {
        if (model.ValueKind != JsonValueKind.Object || Text(model, "litellm_provider") is not { } provider)
        {
            entries.Leave(key, "litellm_provider", "is missing");
            return;
        }
        var mode = Text(model, "mode") ?? "chat";
        if (!modes.TryGetValue(mode, out var known))
        {
            entries.Leave(key, "mode", $"`{mode}` is no mode of a catalogue");
            return;
        }
        var entry = entries.New(provider, key, known);
        foreach (var one in model.EnumerateObject())
        {
            if (one.Name == "search_context_cost_per_query" && one.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (var size in one.Value.EnumerateObject())
                    if (Number(size.Value) is { } fee && SearchOf(size.Name) is { } kind) entry.Take(kind, fee, null, null);
                    else entry.Leave($"{one.Name}.{size.Name}", "is no size of a search's context, or no number");
                continue;
            }
            if (!one.Name.Contains("cost", StringComparison.Ordinal)) continue;
            if (Number(one.Value) is not { } price)
            {
                entry.Leave(one.Name, "is no price that could be read");
                continue;
            }
            var parts = member.Match(one.Name);
            var name = parts.Groups["name"].Value;
            long? above = parts.Groups["above"].Success ? long.Parse(parts.Groups["above"].Value, CultureInfo.InvariantCulture) * 1000
                : null;
            var tier = parts.Groups["tier"].Success ? parts.Groups["tier"].Value.Replace("batches", "batch", StringComparison.Ordinal)
                : null;
            if (tokens.TryGetValue(name, out var token)) entry.Take(token, price * Million, above, tier);
            else if (units.TryGetValue(name, out var unit) || SecondsOf(name, known, out unit)) entry.Take(unit, price, above, tier);
            else if (price != 0) entry.Leave(one.Name, "is not known");
        }
        entry.Whole("contextWindow", model, "max_input_tokens");
        entry.Whole("maxOutputTokens", model, "max_output_tokens");
        if (Text(model, "deprecation_date") is { } ends && LocalDatePattern.Iso.Parse(ends).Success) entry.Json["retiresOn"] = ends;
        entries.Add(entry);
    }

    /// <summary>Seconds are of sound or of pictures, as the mode says; of a chat they are time on a machine, which is no price of a
    /// call.</summary>
    static bool SecondsOf(string name, string mode, out RateKind kind)
    {
        kind = (name, mode) switch
        {
            ("input_cost_per_second", "transcription") => RateKind.PerAudioSecondInput,
            ("output_cost_per_second", "speech") => RateKind.PerAudioSecondOutput,
            ("output_cost_per_second", "video") => RateKind.PerVideoSecondOutput,
            _ => RateKind.Input,
        };
        return kind != RateKind.Input;
    }

    static RateKind? SearchOf(string name) => name switch
    {
        "search_context_size_low" => RateKind.PerWebSearchLow,
        "search_context_size_medium" => RateKind.PerWebSearchMedium,
        "search_context_size_high" => RateKind.PerWebSearchHigh,
        _ => null,
    };

    static readonly Dictionary<string, RateKind> ofModelsDev = new(StringComparer.Ordinal)
    {
        ["input"] = RateKind.Input, ["output"] = RateKind.Output, ["cache_read"] = RateKind.CachedInput,
        ["cache_write"] = RateKind.CacheWrite5m, ["reasoning"] = RateKind.ReasoningOutput, ["input_audio"] = RateKind.AudioInput,
        ["output_audio"] = RateKind.AudioOutput,
    };

    static void OfModelsDev(Entries entries, string provider, JsonElement one)
    {
        if (one.ValueKind != JsonValueKind.Object || !one.TryGetProperty("models", out var models)) return;
        foreach (var model in models.EnumerateObject())
        {
            if (!model.Value.TryGetProperty("cost", out var cost) || cost.ValueKind != JsonValueKind.Object)
            {
                entries.Leave($"{provider}/{model.Name}", "cost", "is missing: it has no price");
                continue;
            }
            var entry = entries.New(provider, model.Name, "chat");
            Costs(entry, cost, null);
            if (model.Value.TryGetProperty("limit", out var limit))
            {
                entry.Whole("contextWindow", limit, "context");
                entry.Whole("maxOutputTokens", limit, "output");
            }
            entries.Add(entry);
        }
    }

    static void Costs(Entry entry, JsonElement cost, long? above)
    {
        var hasTiers = cost.TryGetProperty("tiers", out var tiers) && tiers.ValueKind == JsonValueKind.Array;
        foreach (var one in cost.EnumerateObject())
            if (ofModelsDev.TryGetValue(one.Name, out var kind) && Number(one.Value) is { } rate) entry.Take(kind, rate, above, null);
            else if (one.Name == "context_over_200k" && one.Value.ValueKind == JsonValueKind.Object)
            {
                if (!hasTiers) Costs(entry, one.Value, 200_000);
            }
            else if (one.Name == "tiers" && hasTiers)
                foreach (var tier in tiers.EnumerateArray())
                    if (tier.TryGetProperty("tier", out var bound) && (Text(bound, "type") ?? "context") == "context"
                        && bound.TryGetProperty("size", out var size) && size.TryGetInt64(out var tokens))
                        Costs(entry, tier, tokens);
                    else entry.Leave("cost.tiers", "is a tier of something else than the context");
            else if (!(one.Name == "tier" && above is not null)) entry.Leave($"cost.{one.Name}", "is not known");
    }

    static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>As it is written: a binary fraction would be another number.</summary>
    static decimal? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number
        && decimal.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number : null;

    /// <summary>One model: its rates, those of long contexts, and those of the service tiers.</summary>
    sealed class Entry(Entries all, string provider, string model, string label, JsonObject json)
    {
        readonly SortedDictionary<string, SortedDictionary<long, SortedDictionary<RateKind, decimal>>> rates = new(StringComparer.Ordinal);

        public JsonObject Json => json;
        public string Provider => provider;
        public string Model => model;
        public string Label => label;

        public void Leave(string member, string why) => all.Leave(label, member, why);

        public void Take(RateKind kind, decimal rate, long? above, string? tier)
        {
            if (!rates.TryGetValue(tier ?? "", out var ofTier)) rates[tier ?? ""] = ofTier = [];
            if (!ofTier.TryGetValue(above ?? 0, out var some)) ofTier[above ?? 0] = some = [];
            some[kind] = rate;
        }

        public void Whole(string name, JsonElement from, string member)
        {
            if (from.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole)
                && whole > 0) json[name] = whole;
        }

        /// <summary>Nothing is rated above 0: lists write so what they do not know.</summary>
        public bool IsUnknown => rates.Values.SelectMany(tier => tier.Values).SelectMany(some => some.Values).All(rate => rate == 0);

        public void Write(string source, string date)
        {
            var plain = rates.GetValueOrDefault("") ?? [];
            json["rates"] = Rates(plain.GetValueOrDefault(0) ?? []);
            if (Tiers(plain) is { } tiers) json["tiers"] = tiers;
            var services = new JsonObject();
            foreach (var (name, ofTier) in rates.Where(one => one.Key.Length > 0))
            {
                services[name] = new JsonObject { ["rates"] = Rates(ofTier.GetValueOrDefault(0) ?? []) };
                if (Tiers(ofTier) is { } own) services[name]!["tiers"] = own;
            }
            if (services.Count > 0) json["serviceTiers"] = services;
            json["sources"] = new JsonArray(source);
            json["asOf"] = date;
        }

        static JsonArray? Tiers(SortedDictionary<long, SortedDictionary<RateKind, decimal>> tiers) => tiers.Keys.Any(above => above > 0)
            ? new([.. tiers.Where(tier => tier.Key > 0).Select(tier => new JsonObject
            {
                ["aboveInputTokens"] = tier.Key, ["rates"] = Rates(tier.Value),
            })]) : null;

        static JsonObject Rates(SortedDictionary<RateKind, decimal> some)
        {
            var rates = new JsonObject();
            foreach (var (kind, rate) in some)
                if (kind is RateKind.PerWebSearchLow or RateKind.PerWebSearchMedium or RateKind.PerWebSearchHigh)
                {
                    if (rates["perWebSearch"] is not JsonObject sizes) rates["perWebSearch"] = sizes = [];
                    sizes[kind.ToString()["PerWebSearch".Length..].ToLowerInvariant()] = ((Exact)rate).ToString();
                }
                else rates[RateKinds.NameOf(kind)] = ((Exact)rate).ToString();
            return rates;
        }
    }

    /// <summary>All models, under the providers' names that the built-in catalogue has for them.</summary>
    sealed class Entries(string source, string date)
    {
        static readonly Dictionary<string, Provider> known = new(StringComparer.OrdinalIgnoreCase);

        readonly List<NotUnderstood> left = [];
        readonly SortedDictionary<string, Provider> providers = new(StringComparer.Ordinal);
        readonly SortedDictionary<(string Provider, string Model), Entry> entries = [];
        readonly HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);

        static Entries()
        {
            foreach (var provider in Core.Catalogue.BuiltIn.Providers)
                foreach (var name in provider.Aliases.Prepend(provider.Id)) known[name] = provider;
        }

        public void Leave(string model, string member, string why) => left.Add(new(model, member, why));

        public Entry New(string givenProvider, string key, string mode)
        {
            var provider = known.TryGetValue(givenProvider, out var found)
                ? found : new(givenProvider.Replace('/', '_'), givenProvider, []);
            var model = key;
            foreach (var name in provider.Aliases.Prepend(provider.Id).Prepend(givenProvider))
                if (model == key && key.StartsWith(name + "/", StringComparison.OrdinalIgnoreCase)) model = key[(name.Length + 1)..];
            providers[provider.Id] = provider;
            return new(this, provider.Id, model, $"{provider.Id}/{model}", new()
            {
                ["provider"] = provider.Id, ["model"] = model, ["aliases"] = new JsonArray(), ["mode"] = mode,
            });
        }

        public void Add(Entry entry)
        {
            if (entry.IsUnknown) entry.Leave("rates", "are all missing or 0, which does not say that it is free");
            else if (!names.Add(entry.Label)) entry.Leave("model", "stands there twice; the first was taken");
            else
            {
                entry.Write(source, date);
                entries[(entry.Provider, entry.Model)] = entry;
            }
        }

        public PriceList Done(string name) => new(new()
        {
            ["schemaVersion"] = 1, ["currency"] = "USD", ["tokenRateUnit"] = "USD per 1,000,000 tokens", ["otherRateUnit"] = "USD per unit",
            ["dataDate"] = date, ["note"] = $"Imported from {name}.",
            ["bareModelOrder"] = new JsonArray([.. Core.Catalogue.BuiltIn.BareModelOrder.Where(Used).Select(id => (JsonNode)id)]),
            ["providers"] = new JsonArray([.. providers.Values.Where(provider => Used(provider.Id)).Select(provider => new JsonObject
            {
                ["id"] = provider.Id, ["name"] = provider.Name,
                    ["aliases"] = new JsonArray([.. provider.Aliases.Select(alias => (JsonNode)alias)]),
            })]),
            ["sources"] = new JsonArray(new JsonObject { ["id"] = source, ["name"] = name, ["date"] = date }),
            ["entries"] = new JsonArray([.. entries.Values.Select(entry => entry.Json)]),
        }, entries.Count, left);

        bool Used(string provider) => entries.Keys.Any(key => key.Provider == provider);
    }
}
