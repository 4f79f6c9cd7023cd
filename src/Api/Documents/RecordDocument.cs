// One booked usage as it is listed. Amounts are those that were booked, so that they add up to what reports show.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

public sealed class RecordDocument : PartsDocument
{
    internal RecordDocument(AccountRecord booked)
    {
        var (account, record) = booked;
        var usage = record.Usage;
        Id = record.Id;
        Account = account;
        ReservationId = record.ReservationId;
        Timestamp = record.At;
        BookedAt = record.BookedAt;
        Kind = record.Kind;
        Orchestrator = usage.Dimensions.Orchestrator;
        User = usage.Dimensions.User;
        Tenant = usage.Dimensions.Tenant;
        Session = usage.Dimensions.Session;
        Provider = usage.Dimensions.Provider;
        Model = usage.Dimensions.Model;
        Tool = usage.Dimensions.Tool;
        Tags = usage.Dimensions.Tags;
        InputTokens = record.Amounts.InputTokens;
        OutputTokens = record.Amounts.OutputTokens;
        TotalTokens = record.Amounts.Tokens;
        Requests = record.Amounts.Requests;
        Cost = Money.Format(record.Amounts.CostNanos);
        Currency = record.Currency;
        PriceVersion = record.PriceVersion;
        Unpriced = record.Unpriced;
        PriceCurrency = record.PriceCurrency;
        PriceCost = record.PriceCost;
        ExchangeRate = record.ExchangeRate is { } rate ? ((Exact)rate).ToString() : null;
        Discount = record.DiscountNanos == 0 ? null : Money.Format(record.DiscountNanos);
        Corrects = record.Corrects;
        CorrectedBy = record.CorrectedBy;
        Reason = record.Reason;
        UnpricedParts = record.UnpricedParts;
        RatedTier = record.RatedTier;
        CanonicalProvider = record.CanonicalProvider;
        CanonicalModel = record.CanonicalModel;
        ReportedCost = record.ReportedNanos is { } reported ? Money.Format(reported) : null;
        Disputed = usage.Disputed;
        Unread = usage.Unread;
        TotalOnly = usage.TotalTokens is null ? null : true;
        Lines = record.Lines is { } lines ? [.. lines.Select(LineDocument.Of)] : null;
        LineOf = record.LineOf;
        Reference = record.Reference;
        Late = record.Late;
        Overrun = record.Overrun;
        Final = record.Final;
        ServiceTier = usage.ServiceTier;
        Region = usage.Region;
        Speed = usage.Speed;
        Success = usage.Success;
        Error = usage.Error;
        DurationMs = usage.DurationMs;
        RequestId = usage.RequestId;
        Tools = usage.Tools;
        ToolCallId = usage.ToolCallId;
        Metadata = usage.Metadata is { } metadata ? new FreeObject(metadata) : null;
        Raw = usage.Raw is { } raw ? new FreeObject(raw) : null;
        if (usage.Parts is { } parts) Show(parts);
    }

    public string Id { get; }
    public string Account { get; }
    public string? ReservationId { get; }
    public Instant Timestamp { get; }
    public Instant BookedAt { get; }
    public RecordKind Kind { get; }
    public long InputTokens { get; }
    public long OutputTokens { get; }
    public long TotalTokens { get; }
    public long Requests { get; }
    public string Cost { get; }
    public string Currency { get; }
    public string? PriceVersion { get; }
    public bool Unpriced { get; }

    /// <summary>What it costs in the price's own currency and the rate of its time, where the account has another currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PriceCurrency { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PriceCost { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExchangeRate { get; }

    /// <summary>How much less it is than by the list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Discount { get; }

    /// <summary>The usage that this adjustment rates anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Corrects { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CorrectedBy { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? UnpricedParts { get; }

    /// <summary>The tier whose rates were used.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RatedTier { get; }

    /// <summary>The names that reports put it under, where those that were given are others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CanonicalProvider { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CanonicalModel { get; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReportedCost { get; }

    /// <summary>How the report contradicts itself; the larger reading is booked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Disputed { get; }

    /// <summary>Members of the report that may be counts and were not read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Unread { get; }

    /// <summary>True where input and output were not told apart: both are the whole total.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? TotalOnly { get; }

    /// <summary>What other models did inside of the same call: records of their own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LineDocument>? Lines { get; }

    /// <summary>The record of the call that this one is a line of.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LineOf { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reference { get; }

    public bool Late { get; }
    public bool Overrun { get; }
    public bool Final { get; }
    public string? ServiceTier { get; }
    public string? Region { get; }
    public string? Speed { get; }
    public bool Success { get; }
    public string? Error { get; }
    public long? DurationMs { get; }
    public string? RequestId { get; }
    public IReadOnlyList<string>? Tools { get; }
    public string? ToolCallId { get; }
    public FreeObject? Metadata { get; }

    /// <summary>The provider's own report, where the usage came as one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FreeObject? Raw { get; }
}

public sealed record RecordsDocument(IReadOnlyList<RecordDocument> Items, string? NextCursor);
