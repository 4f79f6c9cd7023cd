// Writes a price in the form of a catalogue's entry, so that what is shown can be understood with one description.
using System.Globalization;
using System.Text.Json;
using NodaTime.Text;

namespace Purser.Core;

public static class PriceWriter
{
    /// <summary>
    /// The members of an entry, without the braces: the period that holds now (or first) at the top level. Each period says its currency
    /// and price version, because a custom price may stand over a part of the catalogue's.
    /// </summary>
    public static void Write(Utf8JsonWriter json, ModelPrice price, PricePeriod shown, string bookVersion)
    {
        json.WriteString("provider", price.Provider);
        json.WriteString("model", price.Model);
        if (price.Canonical != price.Model) json.WriteString("nameOf", price.Canonical);
        json.WriteStartArray("aliases");
        foreach (var alias in price.Aliases) json.WriteStringValue(alias);
        json.WriteEndArray();
        Text(json, "mode", price.Mode);
        Whole(json, "contextWindow", price.ContextWindow);
        Whole(json, "maxOutputTokens", price.MaxOutputTokens);
        Whole(json, "promptCacheMinTokens", price.PromptCacheMinTokens);
        Text(json, "region", price.Region);
        Text(json, "retiresOn", price.RetiresOn);
        json.WriteBoolean("custom", price.CustomPeriods > 0);
        Period(json, shown, bookVersion);
        if (shown.Multipliers.Count > 0)
        {
            json.WriteStartObject("multipliers");
            foreach (var multiplier in shown.Multipliers) json.WriteString(multiplier.Name, Plain(multiplier.Factor));
            json.WriteEndObject();
        }
        if (price.Periods.Count > 1)
        {
            json.WriteStartArray("otherPeriods");
            foreach (var period in price.Periods.Where(period => period != shown))
            {
                json.WriteStartObject();
                Period(json, period, bookVersion);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        if (price.Free) json.WriteBoolean("free", true);
        Text(json, "note", price.Note);
        if (price.Sources.Count > 0)
        {
            json.WriteStartArray("sources");
            foreach (var source in price.Sources) json.WriteStringValue(source);
            json.WriteEndArray();
        }
        Text(json, "asOf", price.AsOf);
    }

    static void Period(Utf8JsonWriter json, PricePeriod period, string bookVersion)
    {
        json.WriteString("currency", period.Currency);
        json.WriteString("priceVersion", period.Version ?? bookVersion);
        if (period.From is { } from) json.WriteString("effectiveFrom", InstantPattern.ExtendedIso.Format(from));
        if (period.Until is { } until) json.WriteString("effectiveUntil", InstantPattern.ExtendedIso.Format(until));
        Rates(json, period.Rates);
        if (period.Minimums.Count > 0)
        {
            json.WriteStartObject("minimums");
            foreach (var minimum in period.Minimums) json.WriteString(RateKinds.NameOf(minimum.Kind), Plain(minimum.Least));
            json.WriteEndObject();
        }
        Allowances(json, period.Allowances);
        Tiers(json, period.Tiers);
        if (period.ServiceTiers.Count > 0)
        {
            json.WriteStartObject("serviceTiers");
            foreach (var tier in period.ServiceTiers)
            {
                json.WriteStartObject(tier.Name);
                Rates(json, tier.Rates);
                Tiers(json, tier.Tiers);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        if (period.TimeOfDay.Count == 0) return;
        json.WriteStartArray("timeOfDay");
        foreach (var hours in period.TimeOfDay)
        {
            json.WriteStartObject();
            Text(json, "label", hours.Label);
            json.WriteStartArray("windows");
            foreach (var window in hours.Windows)
            {
                json.WriteStartObject();
                json.WriteStartArray("days");
                for (var day = 1; day <= 7; day++)
                    if ((window.Days & (1 << day)) != 0)
                        json.WriteNumberValue(day);
                json.WriteEndArray();
                json.WriteString("fromUtc", Hour(window.FromSecond));
                json.WriteString("toUtc", Hour(window.ToSecond));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Rates(json, hours.Rates);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Allowances(Utf8JsonWriter json, IReadOnlyList<Allowance> allowances)
    {
        if (allowances.Count == 0) return;
        json.WriteStartArray("allowances");
        foreach (var allowance in allowances)
        {
            json.WriteStartObject();
            json.WriteStartArray("of");
            foreach (var kind in allowance.Kinds.Kinds) json.WriteStringValue(RateKinds.NameOf(kind));
            json.WriteEndArray();
            json.WriteString("free", Plain(allowance.Free));
            json.WriteString("per", allowance.Per == WindowKind.Day ? "day" : "month");
            json.WriteString("timeZone", allowance.TimeZone);
            json.WriteString("name", allowance.Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Tiers(Utf8JsonWriter json, IReadOnlyList<ContextTier> tiers)
    {
        if (tiers.Count == 0) return;
        json.WriteStartArray("tiers");
        foreach (var tier in tiers)
        {
            json.WriteStartObject();
            json.WriteNumber("aboveInputTokens", tier.AboveInputTokens);
            Rates(json, tier.Rates);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Rates(Utf8JsonWriter json, Rates rates)
    {
        json.WriteStartObject("rates");
        foreach (var (kind, rate) in rates.All)
            if (!IsSearch(kind)) json.WriteString(RateKinds.NameOf(kind), Plain(rate));
        if (rates.All.Any(rate => IsSearch(rate.Kind)))
        {
            json.WriteStartObject("perWebSearch");
            foreach (var (kind, rate) in rates.All)
                if (IsSearch(kind)) json.WriteString(kind.ToString()["PerWebSearch".Length..].ToLowerInvariant(), Plain(rate));
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    static bool IsSearch(RateKind kind) => kind is RateKind.PerWebSearchLow or RateKind.PerWebSearchMedium or RateKind.PerWebSearchHigh;

    static string Hour(int second) => string.Create(CultureInfo.InvariantCulture, $"{second / 3600:D2}:{second % 3600 / 60:D2}");

    static string Plain(decimal value) => ((Exact)value).ToString();

    static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null) json.WriteString(name, text);
    }

    static void Whole(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } known) json.WriteNumber(name, known);
    }
}
