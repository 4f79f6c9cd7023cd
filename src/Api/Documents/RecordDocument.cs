// One booked usage as it is listed. Amounts are those that were booked, so that they add up to what reports show.
using System.ComponentModel.DataAnnotations;
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
        Allowances = AllowanceUseDocument.Of(record.Allowances);
        CanonicalProvider = record.CanonicalProvider;
        CanonicalModel = record.CanonicalModel;
        ReportedCost = record.ReportedNanos is { } reported ? Money.Format(reported) : null;
        Disputed = usage.Disputed;
        Unread = usage.Unread;
        TotalOnly = usage.TotalTokens is null ? null : true;
        ShownOutputTokens = record.ShownOutputTokens;
        Lines = record.Lines is { } lines ? [.. lines.Select(LineDocument.Of)] : null;
        LineOf = record.LineOf;
        Reference = record.Reference;
        GivesPrice = record.GivesPrice ? true : null;
        Anonymous = record.IsAnonymous ? true : null;
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

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>The reservation that it settled; null where there was none.</summary>
    public string? ReservationId { get; }

    /// <summary>When the call was.</summary>
    public Instant Timestamp { get; }

    /// <summary>When it was booked.</summary>
    public Instant BookedAt { get; }

    /// <summary>How it came to be booked.</summary>
    public RecordKind Kind { get; }

    /// <summary>Input tokens, cached ones included.</summary>
    public long InputTokens { get; }

    /// <summary>Output tokens, reasoning included.</summary>
    public long OutputTokens { get; }

    /// <summary>Both together.</summary>
    public long TotalTokens { get; }

    /// <summary>How many requests it stands for; 1 where it is not said.</summary>
    public long Requests { get; }

    /// <summary>Money that was booked.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>The version of the price that it was rated with; null where there was no price.</summary>
    public string? PriceVersion { get; }

    /// <summary>Whether there was no price for the model.</summary>
    public bool Unpriced { get; }

    /// <summary>What it costs in the price's own currency and the rate of its time, where the account has another currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PriceCurrency { get; }

    /// <summary>The money in the price's own currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("decimal")]
    public string? PriceCost { get; }

    /// <summary>How much of the account's currency one unit of the price's currency was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("decimal")]
    public string? ExchangeRate { get; }

    /// <summary>How much less it is than by the list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("money")]
    public string? Discount { get; }

    /// <summary>The usage that this adjustment rates anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Corrects { get; }

    /// <summary>Who rated it anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CorrectedBy { get; }

    /// <summary>Why it was rated anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; }

    /// <summary>Counts that the price has no rate for, where it has some for others: they are not in the cost.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? UnpricedParts { get; }

    /// <summary>The tier whose rates were used.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RatedTier { get; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AllowanceUseDocument>? Allowances { get; }

    /// <summary>The names that reports put it under, where those that were given are others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CanonicalProvider { get; }

    /// <summary>The model's own name, where another one was given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CanonicalModel { get; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("money")]
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

    /// <summary>How much of the tokens of this adjustment reports show as output, where its own output does not say so; the rest they show
    /// as input.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ShownOutputTokens { get; }

    /// <summary>What other models did inside of the same call: records of their own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LineDocument>? Lines { get; }

    /// <summary>The record of the call that this one is a line of.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LineOf { get; }

    /// <summary>What it refers to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reference { get; }

    /// <summary>True where this adjustment gives a record the price that it was booked without.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? GivesPrice { get; }

    /// <summary>True where what was about a person was taken out of it: its amounts are all there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Anonymous { get; }

    /// <summary>Whether the hold had run out before it was settled.</summary>
    public bool Late { get; }

    /// <summary>Whether more was used than was held.</summary>
    public bool Overrun { get; }

    /// <summary>Whether it was the last part of its call.</summary>
    public bool Final { get; }

    /// <summary>The tier of the provider's service: standard, batch, flex or priority.</summary>
    public string? ServiceTier { get; }

    /// <summary>Where the provider computes, if that has a price of its own.</summary>
    public string? Region { get; }

    /// <summary>How fast the provider computes, if that has a price of its own.</summary>
    public string? Speed { get; }

    /// <summary>Whether the call succeeded.</summary>
    public bool Success { get; }

    /// <summary>What went wrong, where it did not.</summary>
    public string? Error { get; }

    /// <summary>How many milliseconds it took; null where nobody said.</summary>
    public long? DurationMs { get; }

    /// <summary>The provider's id of the request.</summary>
    public string? RequestId { get; }

    /// <summary>The tools that the model called.</summary>
    public IReadOnlyList<string>? Tools { get; }

    /// <summary>The tool call that the call belongs to.</summary>
    public string? ToolCallId { get; }

    /// <summary>What you kept with it.</summary>
    public FreeObject? Metadata { get; }

    /// <summary>The provider's own report, where the usage came as one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FreeObject? Raw { get; }
}

/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record RecordsDocument(IReadOnlyList<RecordDocument> Items, string? NextCursor);
