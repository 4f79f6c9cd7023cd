// Exchange rates, each from an instant on. There are none until somebody gives them.
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>One unit of `base` (USD if not said) is `rate` of the currency, from `effectiveFrom` on (always, if not said).</summary>
public sealed class ExchangeRatesDocument
{
    /// <summary>The currency whose unit is told in others; USD if not said.</summary>
    public string? Base { get; set; }

    /// <summary>The rates.</summary>
    [Required]
    public IReadOnlyList<ExchangeRateDocument>? Rates { get; set; }

    /// <summary>Who changes them, for the history; the key's name if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? By { get; set; }

    /// <summary>A former name of `by`.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ChangedBy { get; set; }

    /// <summary>Why, for the history.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; set; }

    internal ExchangeRates ToRates() => new(
        Base ?? "USD", (Rates ?? throw RequestRefusedException.Invalid("rates", "is required"))
            .Select((rate, i) => ExchangeRateDocument.ToRate(rate, $"rates[{i}]")).ToArray());

    internal static ExchangeRatesDocument Of(ExchangeRates rates) => new()
    {
        Base = rates.Base, Rates = [.. rates.Rates.Select(ExchangeRateDocument.Of)],
    };

}

/// <summary>What a change of exchange rates took away, or brought, in its event.</summary>
public sealed class ChangedRatesDocument
{
    /// <summary>The currency whose unit is told in others.</summary>
    public string Base { get; set; } = "";

    /// <summary>The rates, the newest first, at most ten.</summary>
    public IReadOnlyList<ExchangeRateDocument> Rates { get; set; } = [];

    /// <summary>How many more there are.</summary>
    public int More { get; set; }

    /// <summary>What settings keep of a change, in the form of this document; null where there were no rates.</summary>
    internal static string? TextOf(string? kept) =>
        kept is not null && JsonSerializer.Deserialize(kept, CoreJson.Default.ChangedRates) is { } rates ? JsonSerializer.Serialize(new()
        {
            Base = rates.Base, Rates = [.. rates.Rates.Select(ExchangeRateDocument.Of)], More = rates.More,
        }, ApiJson.Default.ChangedRatesDocument) : null;
}

public sealed class ExchangeRateDocument
{
    /// <summary>The currency.</summary>
    [Required]
    public string? Currency { get; set; }

    /// <summary>How much of it one unit of the base is.</summary>
    [Required, DataType("decimal")]
    public string? Rate { get; set; }

    /// <summary>From when on; always, if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? EffectiveFrom { get; set; }

    internal static ExchangeRate ToRate(ExchangeRateDocument? sent, string at)
    {
        if (sent?.Currency is not { } currency) throw RequestRefusedException.Invalid($"{at}.currency", "is required");
        if (sent.Rate is not { Length: > 0 and <= 28 } text || !text.All(c => char.IsAsciiDigit(c) || c == '.')
            || !decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate))
            throw RequestRefusedException.Invalid($"{at}.rate", "must be a decimal string such as \"0.92\": no exponent, no sign");
        return new(currency, Exact.Shortest(rate), sent.EffectiveFrom ?? Instant.FromUnixTimeMilliseconds(0));
    }

    internal static ExchangeRateDocument Of(ExchangeRate rate) => new()
    {
        Currency = rate.Currency, Rate = ((Exact)rate.Rate).ToString(),
            EffectiveFrom = rate.EffectiveFrom == Instant.FromUnixTimeMilliseconds(0) ? null : rate.EffectiveFrom,
    };
}

/// <summary>An amount in another currency.</summary>
/// <param name="Amount">What was asked for.</param>
/// <param name="From">The currency that it is in.</param>
/// <param name="To">The currency that it is wanted in.</param>
/// <param name="At">The time whose rates hold.</param>
/// <param name="Converted">How much of the other currency it is, exactly; rounded up to 18 decimals where a division does not end.</param>
/// <param name="Rate">How much of the other currency one unit is.</param>
public sealed record ConversionDocument([property: DataType("decimal")] string Amount, string From, string To, NodaTime.Instant At,
    [property: DataType("decimal")] string Converted, [property: DataType("decimal")] string Rate);
