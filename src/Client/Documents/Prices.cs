// Prices, the catalogue beneath them, exchange rates, and records rated anew.
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>`version` and `dataDate` are those of the catalogue beneath the custom prices.</summary>
public sealed record PricePage
{
    public IReadOnlyList<JsonObject> Items { get; init; } = [];
    public string? NextCursor { get; init; }
    public string Version { get; init; } = "";
}

/// <summary>`source` is `builtIn` or `put`; `digest` is the SHA-256 of the file. `putAt`, `putBy` and `reason` tell of one that was put.
/// `builtInVersion` is what a DELETE goes back to.</summary>
public sealed record PriceCatalogue
{
    public string Version { get; init; } = "";
    public string Source { get; init; } = "";
    public string DataDate { get; init; } = "";
    public string Digest { get; init; } = "";
    public long Entries { get; init; }
    public DateTimeOffset? PutAt { get; init; }
    public string? PutBy { get; init; }
    public string? Reason { get; init; }
    public string BuiltInVersion { get; init; } = "";
    public IReadOnlyList<CatalogueChange> History { get; init; } = [];
}

/// <summary>`before` and `after` are null where it was, or is, the built-in one.</summary>
public sealed record CatalogueChange
{
    public long Version { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
    public string? By { get; init; }
    public string? ChangedBy { get; init; }
    public string? KeyId { get; init; }
    public string? Reason { get; init; }
    public CatalogueName? Before { get; init; }
    public CatalogueName? After { get; init; }
}

public sealed record CatalogueName
{
    public string Version { get; init; } = "";
    public string Digest { get; init; } = "";
    public long Entries { get; init; }
}

/// <summary>One unit of `base` (USD if not said) is `rate` of the currency, from `effectiveFrom` on (always, if not said).</summary>
public sealed record ExchangeRates : OpenDocument
{
    public string? Base { get; init; }
    public IReadOnlyList<ExchangeRate>? Rates { get; init; }
    public string? By { get; init; }
    public string? ChangedBy { get; init; }
    public string? Reason { get; init; }
}

public sealed record ExchangeRate : OpenDocument
{
    public string? Currency { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Rate { get; init; }

    public DateTimeOffset? EffectiveFrom { get; init; }
}

/// <summary>Without `ids` every record that has no price and fits the filters; with `all` also those that have one. `ids` name usages of
/// one `account`.</summary>
public sealed record RepriceRequest
{
    public string? Account { get; init; }
    public IReadOnlyList<string>? Ids { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }
    public bool? All { get; init; }
    public string? By { get; init; }
    public string? ChangedBy { get; init; }
    public string? Reason { get; init; }
    public long? Limit { get; init; }
    public string? Cursor { get; init; }
}

/// <summary>`unpricedModels` still have no price. Where there is a `nextCursor`, more records wait.</summary>
public sealed record RepriceResult
{
    public long Examined { get; init; }
    public long Repriced { get; init; }
    public long Unchanged { get; init; }
    public IReadOnlyList<Repriced> Items { get; init; } = [];
    public IReadOnlyList<NotRepriced> Refused { get; init; } = [];
    public IReadOnlyList<UnpricedModel> UnpricedModels { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>A record whose cost changed by the adjustment beside it.</summary>
public sealed record Repriced
{
    public string Account { get; init; } = "";
    public string UsageId { get; init; } = "";
    public string AdjustmentId { get; init; } = "";

    [JsonConverter(typeof(MoneyConverter))]
    public decimal CostBefore { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal CostAfter { get; init; }

    public string Currency { get; init; } = "";
    public string? PriceVersion { get; init; }
}

/// <summary>A record that was left as it is, and why.</summary>
public sealed record NotRepriced
{
    public string Account { get; init; } = "";
    public string UsageId { get; init; } = "";
    public string Type { get; init; } = "";
    public string? Detail { get; init; }
}

public sealed record UnpricedModel
{
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public long Records { get; init; }
    public bool PriceKnown { get; init; }

    /// <summary>What the newest of the records have and the price has no rate for.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }
}

/// <summary>Models that were used and have records without a price.</summary>
public sealed record UnpricedModelList
{
    public IReadOnlyList<UnpricedModel> Items { get; init; } = [];
}
