// What a call costs, worked out a second time from the catalogue's own JSON: whole numbers only, one rule after the other, and nothing of
// the product. It is slow, and easy to compare with the rules in words.
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core.Tests;

static class ReferencePrice
{
    /// <summary>All amounts are whole numbers of this unit: smaller than any digit of any price, count or factor here.</summary>
    const int Decimals = 60;

    static readonly string[][] inputs =
    [
        ["cachedInputTokens", "cachedInput", "input"], ["cacheWrite5mTokens", "cacheWrite5m", "input"],
            ["cacheWrite1hTokens", "cacheWrite1h", "cacheWrite5m", "input"],
        ["audioInputTokens", "audioInput", "input"], ["imageInputTokens", "imageInput", "input"],
            ["videoInputTokens", "videoInput", "input"],
    ];

    static readonly string[][] outputs =
    [
        ["reasoningTokens", "reasoningOutput", "output"], ["audioOutputTokens", "audioOutput", "output"],
            ["imageOutputTokens", "imageOutput", "output"],
        ["videoOutputTokens", "videoOutput", "output"],
    ];

    public static readonly string[][] Units =
    [
        ["queries", "perQuery"], ["sessions", "perSession"], ["imagesIn", "perImageInput"], ["imagesOut", "perImageOutput"],
            ["charactersIn", "perCharacterInput"],
        ["charactersOut", "perCharacterOutput"], ["audioSecondsIn", "perAudioSecondInput"], ["audioSecondsOut", "perAudioSecondOutput"],
        ["videoSecondsIn", "perVideoSecondInput"], ["videoSecondsOut", "perVideoSecondOutput"], ["pages", "perPage"],
            ["annotatedPages", "perAnnotatedPage"],
    ];

    /// <summary>The cost as text; null where there is no price for something that was used.</summary>
    public static string? Cost(JsonElement entry, JsonElement usage, Instant? at, string? serviceTier, string? region, string? speed)
    {
        JsonElement? holding = at is null ? entry : Periods(entry).Where(period => Holds(period, at.Value)).Cast<JsonElement?>()
            .FirstOrDefault();
        if (holding is not { } period) return null;
        var n = Count(usage, "inputTokens");

        // In the order of rule 3.
        var layers = new List<JsonElement>();
        JsonElement service = default;
        var tiered = serviceTier is not null && period.TryGetProperty("serviceTiers", out var tiers)
            && tiers.TryGetProperty(serviceTier, out service);
        if (tiered) layers.AddRange(Tier(service, n));
        layers.AddRange(Tier(period, n));
        if (tiered) layers.Add(service.GetProperty("rates"));
        if (at is { } instant) layers.AddRange(Hours(period, instant));
        layers.Add(period.GetProperty("rates"));

        BigInteger tokens = 0, fees = 0;
        foreach (var (kinds, total, plain) in new[] { (inputs, "inputTokens", "input"), (outputs, "outputTokens", "output") })
        {
            var rest = Count(usage, total);
            foreach (var kind in kinds)
            {
                var count = Count(usage, kind[0]);
                rest -= count;
                if (count == 0) continue;
                if (First(layers, kind.Skip(1)) is not { } rate) return null;
                tokens += count * rate;
            }
            if (rest == 0) continue;
            if (First(layers, [plain]) is not { } plainRate) return null;
            tokens += rest * plainRate;
        }
        if (Count(usage, "citationTokens") is var cited && cited != 0)
        {
            if (First(layers, ["citation"]) is not { } rate) return null;
            tokens += cited * rate;
        }
        tokens /= 1_000_000;
        foreach (var (name, value) in new[] { ("region", region), ("speed", speed) })
            if (value is not null && entry.TryGetProperty("multipliers", out var multipliers)
                && multipliers.TryGetProperty($"{name}.{value}", out var factor))
                tokens = tokens * Scaled(factor.GetString()!) / BigInteger.Pow(10, Decimals);

        foreach (var unit in Units)
        {
            if (!usage.TryGetProperty(unit[0], out var count)) continue;
            if (First(layers, [unit[1]]) is not { } rate) return null;
            fees += rate * Scaled(count.GetRawText()) / BigInteger.Pow(10, Decimals);
        }
        if (usage.TryGetProperty("webSearches", out var searches))
        {
            var size = usage.TryGetProperty("webSearchContext", out var context) ? context.GetString()! : "medium";
            var fee = layers.Where(layer => layer.TryGetProperty("perWebSearch", out _)).Select(layer => layer.GetProperty("perWebSearch"))
                .FirstOrDefault();
            if (fee.ValueKind == JsonValueKind.Undefined || !fee.TryGetProperty(size, out var rate)) return null;
            fees += Scaled(rate.GetString()!) * searches.GetInt64();
        }
        if (First(layers, ["perRequest"]) is { } perRequest)
            fees += perRequest * (usage.TryGetProperty("requests", out var requests) ? requests.GetInt64() : 1);
        return Shown(tokens + fees);
    }

    public static IEnumerable<JsonElement> Periods(JsonElement entry) =>
        entry.TryGetProperty("otherPeriods", out var others) ? others.EnumerateArray().Prepend(entry) : [entry];

    static bool Holds(JsonElement period, Instant at) =>
        (!period.TryGetProperty("effectiveFrom", out var from) || at >= Time(from))
            && (!period.TryGetProperty("effectiveUntil", out var until) || at < Time(until));

    public static Instant Time(JsonElement time) => InstantPattern.General.Parse(time.GetString()!).Value;

    static IEnumerable<JsonElement> Tier(JsonElement of, BigInteger n) => of.TryGetProperty("tiers", out var tiers)
        ? tiers.EnumerateArray().Where(tier => n > tier.GetProperty("aboveInputTokens").GetInt64()).TakeLast(1)
            .Select(tier => tier.GetProperty("rates")) : [];

    static IEnumerable<JsonElement> Hours(JsonElement period, Instant at)
    {
        if (!period.TryGetProperty("timeOfDay", out var parts)) yield break;
        var utc = at.InUtc();
        foreach (var part in parts.EnumerateArray())
            foreach (var window in part.GetProperty("windows").EnumerateArray())
                if (window.GetProperty("days").EnumerateArray().Any(day => day.GetInt32() == (int)utc.DayOfWeek)
                    && string.CompareOrdinal(utc.ToString("HH:mm", CultureInfo.InvariantCulture), window.GetProperty("fromUtc")
                        .GetString()) >= 0
                    && string.CompareOrdinal(utc.ToString("HH:mm", CultureInfo.InvariantCulture), window.GetProperty("toUtc")
                        .GetString()) < 0)
                    yield return part.GetProperty("rates");
    }

    /// <summary>The first name of the chain that any layer has, in the first layer that has it.</summary>
    static BigInteger? First(List<JsonElement> layers, IEnumerable<string> chain)
    {
        foreach (var name in chain)
            foreach (var layer in layers)
                if (layer.TryGetProperty(name, out var rate))
                    return Scaled(rate.GetString()!);
        return null;
    }

    static BigInteger Count(JsonElement usage, string name) =>
        usage.TryGetProperty(name, out var count) ? BigInteger.Parse(count.GetRawText(), CultureInfo.InvariantCulture) : 0;

    static BigInteger Scaled(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var digits = text.Replace(".", "", StringComparison.Ordinal);
        return BigInteger.Parse(digits, CultureInfo.InvariantCulture) * BigInteger.Pow(
            10, Decimals - (point < 0 ? 0 : text.Length - point - 1));
    }

    static string Shown(BigInteger scaled)
    {
        var text = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(Decimals + 1, '0');
        return $"{text[..^Decimals]}.{text[^Decimals..]}".TrimEnd('0').TrimEnd('.');
    }
}
