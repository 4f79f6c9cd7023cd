// Reads one price: an entry of a catalogue, or a custom one, which has the same form without what only a published list knows.
using System.Collections.Frozen;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core;

public static class PriceReader
{
    /// <summary>A thousand times what any model costs; products with the largest counts still fit.</summary>
    const decimal LargestRate = 1_000_000_000m;
    const decimal LargestFactor = 1_000m;
    const int MostPeriods = 100;

    static readonly string[] modes =
        ["chat", "completion", "embedding", "rerank", "image", "transcription", "speech", "realtime", "video", "moderation", "ocr",
            "search"];

    static readonly string[] serviceTiers = ["batch", "flex", "priority"];

    static readonly FrozenSet<string> ofPeriods = ["effectiveFrom", "effectiveUntil", "rates", "tiers", "serviceTiers", "timeOfDay",
        "minimums", "allowances"];

    static readonly FrozenSet<string> ofTiers = ["aboveInputTokens", "rates"];
    static readonly FrozenSet<string> ofServiceTiers = ["rates", "tiers"];
    static readonly FrozenSet<string> ofHours = ["label", "windows", "rates"];
    static readonly FrozenSet<string> ofWindows = ["days", "fromUtc", "toUtc"];
    static readonly FrozenSet<string> ofAllowances = ["of", "free", "per", "timeZone", "name"];
    const int MostAllowances = 10;

    static readonly FrozenSet<string> ofEntries =
    [
        "provider", "model", "aliases", "mode", "contextWindow", "maxOutputTokens", "promptCacheMinTokens", "region", "retiresOn",
            "multipliers",
        "otherPeriods", "free", "note", "sources", "asOf", .. ofPeriods,
    ];

    static readonly FrozenSet<string> ofCustom =
        ["provider", "model", "mode", "contextWindow", "maxOutputTokens", "currency", "multipliers", "otherPeriods", "free", "note",
            "by", "changedBy", "reason", .. ofPeriods];

    /// <summary>An entry of a catalogue. Its periods meet without gap or overlap.</summary>
    public static ModelPrice Entry(JsonElement json, string place, string currency, string version)
    {
        var fields = new PriceFields(place, "", json);
        // A published list has an entry without a name. It does no harm: nobody can ask for it.
        var (provider, model) = (fields.Text("provider", required: true)!, fields.Text("model", required: true, mayBeEmpty: true)!);
        fields = new($"{provider}/{model}", "", json);
        fields.Only(ofEntries);
        var price = Read(fields, provider, model, currency, version);
        if (price.Mode is null) throw fields.Wrong("mode", "is required");
        if (price.AsOf is null) throw fields.Wrong("asOf", "is required");
        if (!fields.Has("aliases")) throw fields.Wrong("aliases", "is required");
        if (price.Sources.Count == 0) throw fields.Wrong("sources", "is required");
        Check(fields, price, meet: true);
        return price;
    }

    /// <summary>A price that somebody put under this name, over the catalogue's or beside it.</summary>
    public static ModelPrice Custom(JsonElement json, string provider, string model, string version)
    {
        var fields = new PriceFields(null, "", json);
        fields.Only(ofCustom);
        if (fields.Text("provider") is { } otherProvider && otherProvider != provider)
            throw fields.Wrong("provider", $"is '{provider}' in the path");
        if (fields.Text("model") is { } otherModel && otherModel != model) throw fields.Wrong("model", $"is '{model}' in the path");
        var currency = fields.Text("currency") ?? "USD";
        if (!Currencies.IsKnown(currency)) throw fields.Wrong("currency", "must be a three-letter code of ISO 4217, such as USD");
        var price = Read(fields, provider, model, currency, version);
        Check(fields, price, meet: false);
        return price;
    }

    static ModelPrice Read(PriceFields fields, string provider, string model, string currency, string version)
    {
        var multipliers = MultipliersOf(fields);
        var periods = new List<PricePeriod> { PeriodOf(fields, multipliers, currency, version, $"{provider}/{model}") };
        foreach (var other in fields.Items("otherPeriods"))
        {
            var period = fields.Item("otherPeriods", periods.Count - 1, other);
            if (periods.Count == MostPeriods) throw fields.Wrong("otherPeriods", $"at most {MostPeriods} periods");
            period.Only(ofPeriods);
            periods.Add(PeriodOf(period, multipliers, currency, version, $"{provider}/{model}"));
        }
        var price = new ModelPrice
        {
            Provider = provider,
            Model = model,
            Aliases = fields.Texts("aliases"),
            Mode = fields.Text("mode"),
            ContextWindow = fields.Whole("contextWindow"),
            MaxOutputTokens = fields.Whole("maxOutputTokens"),
            PromptCacheMinTokens = fields.Whole("promptCacheMinTokens"),
            Region = fields.Text("region"),
            RetiresOn = fields.Date("retiresOn"),
            Free = fields.Flag("free"),
            Note = fields.Text("note"),
            Sources = fields.Texts("sources"),
            AsOf = fields.Date("asOf"),
            Periods = periods,
        };
        if (price.Mode is { } mode && !modes.Contains(mode)) throw fields.Wrong("mode", $"must be one of {string.Join(", ", modes)}");
        // A model that costs nothing is told apart from one whose price is not known.
        var free = periods.TrueForAll(period => period.Rates.AreZero);
        if (free != price.Free)
            throw fields.Wrong("free", free ? "must be true where all rates are 0" : "is true, and there are rates above 0");
        return price;
    }

    static PricePeriod PeriodOf(PriceFields fields, IReadOnlyList<Multiplier> multipliers, string currency, string version, string named)
    {
        var period = new PricePeriod
        {
            From = fields.Time("effectiveFrom"),
            Until = fields.Time("effectiveUntil"),
            Rates = RatesOf(fields),
            Tiers = TiersOf(fields),
            ServiceTiers = ServiceTiersOf(fields),
            TimeOfDay = HoursOf(fields),
            Multipliers = multipliers,
            Minimums = MinimumsOf(fields),
            Allowances = AllowancesOf(fields, named),
            Currency = currency,
            Version = version,
        };
        return period.From >= period.Until ? throw fields.Wrong("effectiveUntil", "must lie after `effectiveFrom`") : period;
    }

    /// <summary>No two periods hold at once; where they must <paramref name="meet"/>, one begins where another ends.</summary>
    static void Check(PriceFields fields, ModelPrice price, bool meet)
    {
        var ordered = price.Periods.OrderBy(period => period.From ?? Instant.MinValue).ToArray();
        for (var i = 1; i < ordered.Length; i++)
        {
            var (before, after) = (ordered[i - 1], ordered[i]);
            if (after.From is null || before.Until is null || before.Until > after.From)
                throw Wrong(after, before, "overlaps another period: both hold at the same time");
            if (meet && before.Until < after.From) throw Wrong(after, before, "leaves a gap after the period before it");
        }

        PriceRefusedException Wrong(PricePeriod after, PricePeriod before, string detail)
        {
            var (one, other) = (IndexOf(after), IndexOf(before));
            return fields.Wrong(one > 0 || other > 0 && after.From is null ? $"otherPeriods[{Math.Max(one, 1) - 1}].effectiveFrom"
                : "effectiveFrom", detail);
        }

        int IndexOf(PricePeriod period)
        {
            for (var i = 0; i < price.Periods.Count; i++)
                if (ReferenceEquals(price.Periods[i], period))
                    return i;
            return 0;
        }
    }

    static Rates RatesOf(PriceFields fields)
    {
        var json = fields.Object("rates", required: true)!.Value;
        var rates = new List<(RateKind, decimal)>();
        foreach (var member in json.Members)
        {
            if (member.Name == "perWebSearch")
            {
                var searches = json.Object("perWebSearch")!.Value;
                foreach (var search in searches.Members)
                    rates.Add((search.Name switch
                    {
                        "low" => RateKind.PerWebSearchLow,
                        "medium" => RateKind.PerWebSearchMedium,
                        "high" => RateKind.PerWebSearchHigh,
                        _ => throw searches.Wrong(search.Name, "is not a size of the search context; use low, medium, high"),
                    }, Rate(searches, search)));
            }
            else if (RateKinds.TryParse(member.Name, out var kind) && !member.Name.StartsWith("perWebSearch", StringComparison.Ordinal))
                rates.Add((kind, Rate(json, member)));
            else throw json.Wrong(member.Name, "is not a rate");
        }
        return rates.Count > 0 ? new(rates) : throw fields.Wrong("rates", "must have a rate");
    }

    static decimal Rate(PriceFields fields, JsonProperty member) => fields.Number(member) is var rate && rate <= LargestRate
        ? rate : throw fields.Wrong(member.Name, $"must be at most {LargestRate}");

    static List<ContextTier> TiersOf(PriceFields fields)
    {
        var tiers = new List<ContextTier>();
        foreach (var json in fields.Items("tiers"))
        {
            var tier = fields.Item("tiers", tiers.Count, json);
            tier.Only(ofTiers);
            var above = tier.Whole("aboveInputTokens") ?? throw tier.Wrong("aboveInputTokens", "is required");
            if (above == 0 || (tiers.Count > 0 && above <= tiers[^1].AboveInputTokens))
                throw tier.Wrong("aboveInputTokens", "must be above 0, and tiers must ascend");
            tiers.Add(new(above, RatesOf(tier)));
        }
        return tiers;
    }

    static List<ServiceTier> ServiceTiersOf(PriceFields fields)
    {
        var tiers = new List<ServiceTier>();
        if (fields.Object("serviceTiers") is not { } json) return tiers;
        foreach (var member in json.Members)
        {
            if (!serviceTiers.Contains(member.Name))
                throw json.Wrong(member.Name, $"is not a service tier; use {string.Join(", ", serviceTiers)}");
            var tier = json.Object(member.Name)!.Value;
            tier.Only(ofServiceTiers);
            tiers.Add(new(member.Name, RatesOf(tier), TiersOf(tier)));
        }
        return tiers;
    }

    static List<HourRates> HoursOf(PriceFields fields)
    {
        var hours = new List<HourRates>();
        foreach (var json in fields.Items("timeOfDay"))
        {
            var part = fields.Item("timeOfDay", hours.Count, json);
            part.Only(ofHours);
            var windows = new List<HourWindow>();
            foreach (var window in part.Items("windows", required: true))
                windows.Add(WindowOf(part.Item("windows", windows.Count, window)));
            if (windows.Count == 0) throw part.Wrong("windows", "must have a window");
            hours.Add(new(part.Text("label"), windows, RatesOf(part)));
        }
        var all = hours.SelectMany(part => part.Windows).ToArray();
        for (var i = 0; i < all.Length; i++)
            for (var j = 0; j < i; j++)
                if ((all[i].Days & all[j].Days) != 0 && all[i].FromSecond < all[j].ToSecond && all[j].FromSecond < all[i].ToSecond)
                    throw fields.Wrong("timeOfDay", "has windows that overlap");
        return hours;
    }

    static HourWindow WindowOf(PriceFields fields)
    {
        fields.Only(ofWindows);
        var days = 0;
        var count = 0;
        foreach (var day in fields.Items("days", required: true))
        {
            if (day.ValueKind != JsonValueKind.Number || !day.TryGetInt32(out var number) || number is < 1 or > 7
                || (days & (1 << number)) != 0)
                throw fields.Wrong($"days[{count}]", "must be 1 (Monday) to 7, each once");
            days |= 1 << number;
            count++;
        }
        if (days == 0) throw fields.Wrong("days", "must have a day");
        var window = new HourWindow(days, SecondOf(fields, "fromUtc"), SecondOf(fields, "toUtc"));
        return window.FromSecond < window.ToSecond ? window : throw fields.Wrong("toUtc", "must lie after `fromUtc`; 24:00 is midnight");
    }

    static readonly LocalTimePattern hours = LocalTimePattern.CreateWithInvariantCulture("HH:mm");

    static int SecondOf(PriceFields fields, string field)
    {
        var text = fields.Text(field, required: true)!;
        if (text == "24:00") return 86400;
        return hours.Parse(text) is { Success: true, Value: var time }
            ? (time.Hour * 3600) + (time.Minute * 60) : throw fields.Wrong(field, "must be a time such as 16:30");
    }

    static List<Minimum> MinimumsOf(PriceFields fields)
    {
        var minimums = new List<Minimum>();
        if (fields.Object("minimums") is not { } json) return minimums;
        foreach (var member in json.Members)
        {
            if (!RateKinds.TryParse(member.Name, out var kind) || RateKinds.IsTokens(kind) || kind == RateKind.PerRequest)
                throw json.Wrong(member.Name, "is not a rate of units, such as perAudioSecondInput");
            minimums.Add(new(kind, json.Number(member) is > 0 and <= Validity.LargestUnits and var least
                ? least : throw json.Wrong(member.Name, $"must be above 0 and at most {Validity.LargestUnits}")));
        }
        return minimums;
    }

    static List<Allowance> AllowancesOf(PriceFields fields, string named)
    {
        var allowances = new List<Allowance>();
        foreach (var json in fields.Items("allowances"))
        {
            var part = fields.Item("allowances", allowances.Count, json);
            if (allowances.Count == MostAllowances) throw fields.Wrong("allowances", $"at most {MostAllowances}");
            part.Only(ofAllowances);
            var kinds = KindsOf(part);
            var per = part.Text("per", required: true) switch
            {
                "day" => WindowKind.Day,
                "month" => WindowKind.Month,
                _ => throw part.Wrong("per", "must be day or month"),
            };
            if (!part.Has("free")) throw part.Wrong("free", "is required");
            var free = part.Number("free");
            if (free is <= 0 or > MostFree) throw part.Wrong("free", $"must be above 0 and at most {MostFree}");
            var zone = part.Text("timeZone") ?? "UTC";
            if (TimeZones.Find(zone) is null) throw part.Wrong("timeZone", "must be a zone of IANA, such as America/Los_Angeles");
            var name = part.Text("name") ?? $"{named}:{string.Join('+', kinds.Kinds.Select(RateKinds.NameOf))}";
            if (name.Length > LongestName) throw part.Wrong("name", $"must have at most {LongestName} characters");
            if (allowances.Exists(other => other.Name == name)) throw part.Wrong("name", "is that of another allowance of this price");
            allowances.Add(new(name, kinds, Exact.Shortest(free), per, zone));
        }
        return allowances;
    }

    /// <summary>More than any provider gives away in a month.</summary>
    const decimal MostFree = 1_000_000_000_000_000m;
    const int LongestName = 400;

    /// <summary>Names of rates; `perWebSearch` is all sizes of the context, `tokens` every kind of tokens.</summary>
    static RateKindSet KindsOf(PriceFields fields)
    {
        var kinds = default(RateKindSet);
        foreach (var name in fields.Texts("of", required: true))
        {
            var meant = name switch
            {
                "tokens" => RateKinds.All.Where(RateKinds.IsTokens),
                "perWebSearch" => [RateKind.PerWebSearchLow, RateKind.PerWebSearchMedium, RateKind.PerWebSearchHigh],
                _ when RateKinds.TryParse(name, out var kind) => [kind],
                _ => throw fields.Wrong("of", $"'{name}' is not the name of a rate; `tokens` is every kind of tokens"),
            };
            foreach (var kind in meant) kinds = kinds.With(kind);
        }
        return kinds.IsEmpty ? throw fields.Wrong("of", "must name a rate") : kinds;
    }

    static List<Multiplier> MultipliersOf(PriceFields fields)
    {
        var multipliers = new List<Multiplier>();
        if (fields.Object("multipliers") is not { } json) return multipliers;
        foreach (var member in json.Members)
        {
            if (member.Name.Split('.') is not [var dimension, { Length: > 0 } value] || dimension is not ("region" or "speed"))
                throw json.Wrong(member.Name, "must be `region.` or `speed.` and a name");
            var factor = json.Number(member);
            if (factor is <= 0 or > LargestFactor) throw json.Wrong(member.Name, $"must be above 0 and at most {LargestFactor}");
            multipliers.Add(new(dimension, value, Exact.Shortest(factor)));
        }
        return multipliers;
    }
}
