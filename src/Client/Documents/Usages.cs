// What a call used, and what was booked for it.
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Purser.Client;

public record Usage : CallParts
{
    public Usage()
    {
    }

    Usage(CallParts parts) : base(parts)
    {
    }

    /// <summary>The dimensions and parts of an estimate, without its tokens.</summary>
    internal static Usage Of(Estimate estimate) => new((CallParts)estimate) { Region = estimate.Region, Speed = estimate.Speed };

    public string? Id { get; init; }
    public DateTimeOffset? Timestamp { get; init; }
    public long? InputTokens { get; init; }
    public long? OutputTokens { get; init; }

    /// <summary>All there was, where input and output are not told apart; `tokens` says the same.</summary>
    public long? TotalTokens { get; init; }

    public long? Tokens { get; init; }
    public long? Requests { get; init; }
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }
    public bool? Success { get; init; }
    public string? Error { get; init; }

    [JsonPropertyName("durationMs"), JsonConverter(typeof(MillisecondsConverter))]
    public TimeSpan? Duration { get; init; }

    public string? RequestId { get; init; }
    public IReadOnlyList<string>? Tools { get; init; }
    public string? ToolCallId { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Cost { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? ReportedCost { get; init; }

    public JsonObject? Metadata { get; init; }

    /// <summary>The provider's own usage object: instead of tokens and their parts.</summary>
    public JsonObject? Raw { get; init; }

    /// <summary>The usage alone, without what a settlement says beside it.</summary>
    internal Usage Alone() => new(this);
}

public sealed record Settle : Usage
{
    /// <summary>False: a part of the call; the hold shrinks and stays.</summary>
    public bool? Final { get; init; }

    /// <summary>`known` (the default), or `unknown` where the stream broke: then the larger of estimate and usage is booked.</summary>
    public string? Outcome { get; init; }

    /// <summary>A usage as it is booked against a hold.</summary>
    public static Settle Of(Usage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return usage as Settle ?? new(usage);
    }

    public Settle()
    {
    }

    Settle(Usage usage) : base(usage)
    {
    }
}

/// <summary>A record of its own, booked together with the call.</summary>
public sealed record SettlementLine
{
    public string UsageId { get; init; } = "";
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string? PriceVersion { get; init; }
    public bool Unpriced { get; init; }
}

/// <summary>So many units of an allowance that cost nothing, in its day or month; below 0 where they were given back.</summary>
public sealed record AllowanceUse
{
    /// <summary>Prices with an allowance of this name share it.</summary>
    public string Name { get; init; } = "";

    public DateTimeOffset From { get; init; }
    public DateTimeOffset Until { get; init; }
    public decimal Count { get; init; }
}

/// <summary>What was booked for a usage.</summary>
public sealed record Settlement
{
    /// <summary>The HTTP status that this item would have had alone; 0 in a settlement that is the whole answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Status { get; init; }

    public string? ReservationId { get; init; }
    public string UsageId { get; init; } = "";
    public long Tokens { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";
    public string? PriceVersion { get; init; }

    /// <summary>There was no price for it: it counts, and can be priced later.</summary>
    public bool Unpriced { get; init; }

    /// <summary>The hold had run out before.</summary>
    public bool Late { get; init; }

    /// <summary>It was more than was held.</summary>
    public bool Overrun { get; init; }

    public IReadOnlyList<LimitView> Limits { get; init; } = [];

    /// <summary>The tier whose rates were used: standard, batch, flex or priority.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? ReportedCost { get; init; }

    /// <summary>How the report contradicts itself; the larger reading is booked.</summary>
    public string? Disputed { get; init; }

    /// <summary>Members of the report that may be counts and were not read.</summary>
    public IReadOnlyList<string>? Unread { get; init; }

    /// <summary>What other models did inside of the same call; tokens and cost include it.</summary>
    public IReadOnlyList<SettlementLine>? Lines { get; init; }

    /// <summary>False where the policy has recording switched off: nothing was booked.</summary>
    public bool? Recorded { get; init; }
}
