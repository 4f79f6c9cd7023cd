// Booked usage as it is listed, exported, imported and erased; sessions as sums of it.
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record UsageRecord : CallParts
{
    public string Id { get; init; } = "";
    public string Account { get; init; } = "";
    public string? ReservationId { get; init; }
    public DateTimeOffset Timestamp { get; init; }
    public DateTimeOffset BookedAt { get; init; }

    /// <summary>How a record came to be: reported by the caller, booked in doubt (broken stream, expiry that charges), or a correction of
    /// such; and what somebody decided about another record: that it was wrong, that it never counts, that money came back.</summary>
    public RecordKind Kind { get; init; }

    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }
    public long TotalTokens { get; init; }
    public long Requests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal Cost { get; init; }

    public string Currency { get; init; } = "";
    public string? PriceVersion { get; init; }
    public bool Unpriced { get; init; }

    /// <summary>What it costs in the price's own currency and the rate of its time, where the account has another currency.</summary>
    public string? PriceCurrency { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? PriceCost { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal? ExchangeRate { get; init; }

    /// <summary>How much less it is than by the list.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? Discount { get; init; }

    /// <summary>The usage that this adjustment rates anew.</summary>
    public string? Corrects { get; init; }

    public string? CorrectedBy { get; init; }
    public string? Reason { get; init; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }

    /// <summary>The tier whose rates were used.</summary>
    public string? RatedTier { get; init; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }

    /// <summary>The names that reports put it under, where those that were given are others.</summary>
    public string? CanonicalProvider { get; init; }

    public string? CanonicalModel { get; init; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonConverter(typeof(MoneyConverter))]
    public decimal? ReportedCost { get; init; }

    /// <summary>How the report contradicts itself; the larger reading is booked.</summary>
    public string? Disputed { get; init; }

    /// <summary>Members of the report that may be counts and were not read.</summary>
    public IReadOnlyList<string>? Unread { get; init; }

    /// <summary>True where input and output were not told apart: both are the whole total.</summary>
    public bool? TotalOnly { get; init; }

    /// <summary>How much of the tokens of this adjustment reports show as output, where its own output does not say so; the rest they show
    /// as input.</summary>
    public long? ShownOutputTokens { get; init; }

    /// <summary>What other models did inside of the same call: records of their own.</summary>
    public IReadOnlyList<SettlementLine>? Lines { get; init; }

    /// <summary>The record of the call that this one is a line of.</summary>
    public string? LineOf { get; init; }

    /// <summary>True where this adjustment gives a record the price that it was booked without.</summary>
    public bool? GivesPrice { get; init; }

    /// <summary>True where what was about a person was taken out of it: its amounts are all there.</summary>
    public bool? Anonymous { get; init; }

    public string? Reference { get; init; }
    public bool Late { get; init; }
    public bool Overrun { get; init; }
    public bool Final { get; init; }
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }
    public bool Success { get; init; }
    public string? Error { get; init; }

    [JsonPropertyName("durationMs"), JsonConverter(typeof(MillisecondsConverter))]
    public TimeSpan? Duration { get; init; }

    public string? RequestId { get; init; }
    public IReadOnlyList<string>? Tools { get; init; }
    public string? ToolCallId { get; init; }
    public JsonObject? Metadata { get; init; }
    public JsonObject? Raw { get; init; }
}

public sealed record UsageRecordPage
{
    public IReadOnlyList<UsageRecord> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>A session as the records that are kept show it. `user` and `metadata` are those of its last call; `active`: the last call was
/// less than 24 hours ago, so that limits of a session's window still count it.</summary>
public sealed record SessionTotals
{
    public string Session { get; init; } = "";
    public Amount TotalInputTokens { get; init; }
    public Amount TotalOutputTokens { get; init; }
    public Amount TotalTokens { get; init; }
    public Amount TotalRequests { get; init; }
    public Amount FailedRequests { get; init; }

    [JsonConverter(typeof(MoneyConverter))]
    public decimal TotalCost { get; init; }

    public string Currency { get; init; } = "";
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }

    [JsonPropertyName("durationSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Duration { get; init; }

    public bool Active { get; init; }
    public string? User { get; init; }
    public JsonObject? Metadata { get; init; }
}

public sealed record SessionPage
{
    public IReadOnlyList<SessionTotals> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

public sealed record Erasure
{
    public string Account { get; init; } = "";
    public string? User { get; init; }
    public bool Erased { get; init; }

    /// <summary>erase: the records are gone; anonymize: their amounts are left.</summary>
    public string Mode { get; init; } = "";
}

/// <summary>`accepted` records are in the ledger now, whether they came with this import or were there before; `errors` lists the first of
/// those that failed.</summary>
public sealed record ImportResult
{
    public long Lines { get; init; }
    public long Accepted { get; init; }
    public long Failed { get; init; }
    public IReadOnlyList<ImportError> Errors { get; init; } = [];
}

/// <summary>Lines count from 1.</summary>
public sealed record ImportError
{
    public long Line { get; init; }
    public string? Id { get; init; }
    public string? Field { get; init; }
    public string? Detail { get; init; }
}
