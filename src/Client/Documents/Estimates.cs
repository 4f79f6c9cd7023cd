// What a call is expected to use: the question of check, reserve and extend.
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record Estimate : CallParts
{
    public string? Id { get; init; }

    [JsonPropertyName("ttlSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Ttl { get; init; }

    /// <summary>Of a reservation: the one that pays for it, as far as that reaches. What it does not use returns there.</summary>
    public string? From { get; init; }

    public long? Tokens { get; init; }
    public long? InputTokens { get; init; }
    public long? MaxOutputTokens { get; init; }
    public long? ToolTokens { get; init; }
    public decimal? Temperature { get; init; }
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Cost { get; init; }
}
