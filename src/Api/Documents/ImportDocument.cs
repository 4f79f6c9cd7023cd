// A record of an import: a usage with its account, in the form in which exports write it.
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>What an export wrote is booked as it was, price version and all; anything else is a usage that is rated now.</summary>
public sealed class ImportLineDocument : UsageDocument
{
    /// <summary>The account; the parameter `account` if not said.</summary>
    public string? Account { get; set; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string? Currency { get; set; }

    /// <summary>Whether there was no price for the model.</summary>
    public bool? Unpriced { get; set; }

    /// <summary>How it came to be booked.</summary>
    public RecordKind? Kind { get; set; }

    /// <summary>The reservation that it settled; null where there was none.</summary>
    public string? ReservationId { get; set; }

    /// <summary>When it was booked.</summary>
    public Instant? BookedAt { get; set; }

    /// <summary>The version of the price that it was rated with; null where there was no price.</summary>
    public string? PriceVersion { get; set; }

    /// <summary>Whether the hold had run out before it was settled.</summary>
    public bool? Late { get; set; }

    /// <summary>Whether more was used than was held.</summary>
    public bool? Overrun { get; set; }

    /// <summary>Whether it was the last part of its call.</summary>
    public bool? Final { get; set; }

    /// <summary>The price's own currency, where the account has another one.</summary>
    public string? PriceCurrency { get; set; }

    /// <summary>The money in the price's own currency.</summary>
    [DataType("decimal")]
    public string? PriceCost { get; set; }

    /// <summary>How much of the account's currency one unit of the price's currency was.</summary>
    [DataType("decimal")]
    public string? ExchangeRate { get; set; }

    /// <summary>How much less it is than by the list.</summary>
    public Cost? Discount { get; set; }

    /// <summary>The usage that it rated anew.</summary>
    public string? Corrects { get; set; }

    /// <summary>Who rated it anew.</summary>
    public string? CorrectedBy { get; set; }

    /// <summary>Why, for the audit trail.</summary>
    public string? Reason { get; set; }

    /// <summary>Counts that the price had no rate for.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; set; }

    /// <summary>The tier whose rates were used.</summary>
    public string? RatedTier { get; set; }

    /// <summary>What of it was free by an allowance of the price.</summary>
    public IReadOnlyList<AllowanceUseDocument>? Allowances { get; set; }

    /// <summary>The provider's own name.</summary>
    public string? CanonicalProvider { get; set; }

    /// <summary>The model's own name, where another one was given.</summary>
    public string? CanonicalModel { get; set; }

    /// <summary>How the report contradicted itself.</summary>
    public string? Disputed { get; set; }

    /// <summary>Members of the report that were not read.</summary>
    public IReadOnlyList<string>? Unread { get; set; }

    /// <summary>Whether input and output were not told apart.</summary>
    public bool? TotalOnly { get; set; }

    /// <summary>How much of the tokens of an adjustment reports show as output, where its own output does not say so.</summary>
    public long? ShownOutputTokens { get; set; }

    /// <summary>What other models did inside of the same call.</summary>
    public IReadOnlyList<LineDocument>? Lines { get; set; }

    /// <summary>The record that it is a line of.</summary>
    public string? LineOf { get; set; }

    /// <summary>What it refers to.</summary>
    public string? Reference { get; set; }

    /// <summary>Whether this adjustment gives a record the price that it was booked without.</summary>
    public bool? GivesPrice { get; set; }

    /// <summary>Whether what was about a person was taken out of it.</summary>
    public bool? Anonymous { get; set; }

    /// <summary>Is about another record, and may take something off it.</summary>
    internal bool IsAdjusting => Kind is { } kind && new UsageRecord { Id = "", Kind = kind }.IsAdjusting;

    /// <summary>Whether it says what only a ledger knows: how it was booked, and for how much.</summary>
    bool IsBooked => Kind is not null && BookedAt is not null && Cost is not null && Currency is not null && InputTokens is not null
        && OutputTokens is not null && TotalTokens is not null && Requests is not null;

    /// <summary>The command that books it.</summary>
    internal Record ToRecord(string id, Instant at)
    {
        if (!IsBooked) return new(id, ToImported());
        var booked = ToBooked(id, at);
        return new(id, booked.Usage with { Timestamp = at }) { Booked = booked };
    }

    /// <summary>A usage with its cost, if it names one; what has none is priced now, where it can be.</summary>
    internal Usage ToImported()
    {
        // An export tells the counts and the report that they were read from.
        var raw = InputTokens is null ? null : Raw;
        if (raw is not null) Raw = null;
        if (TotalOnly == true) (InputTokens, OutputTokens) = (null, null);
        else if (InputTokens is not null || OutputTokens is not null) TotalTokens = null;
        var usage = ToUsage();
        if (raw is not null) usage = usage with { Raw = raw.Value.Json };
        if (Disputed is not null || Unread is not null) usage = usage with { Disputed = Disputed, Unread = Unread };
        return Unpriced == true ? usage with { CostNanos = null } : usage;
    }

    UsageRecord ToBooked(string id, Instant at)
    {
        var amounts = new Amounts(TotalTokens!.Value, InputTokens!.Value, OutputTokens!.Value, Cost!.Value.Nanos, Requests!.Value);
        // An adjustment is about another record's usage; its amounts are differences.
        var (input, output, total) = IsAdjusting ? (0, 0, null)
            : TotalOnly == true ? (0, 0, amounts.Tokens) : (amounts.InputTokens, amounts.OutputTokens, (long?)null);
        var given = !IsAdjusting && PriceVersion is null && Unpriced != true && amounts.CostNanos > 0;
        var (raw, reported) = (Raw, ReportedCost);
        (Raw, Cost, ReportedCost, TotalTokens) = (null, null, null, null);
        var usage = ToUsage() with
        {
            InputTokens = input, OutputTokens = output, TotalTokens = total, Raw = raw?.Json, Disputed = Disputed, Unread = Unread,
            CostNanos = given ? amounts.CostNanos : null, Timestamp = null,
            Requests = IsAdjusting ? 0 : amounts.Requests,
            ReportedCost = reported is { } charged && Currency == "USD" ? Money.ToDecimal(charged.Nanos) : null,
        };
        return new()
        {
            Id = id,
            At = Instant.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()),
            Kind = Kind!.Value,
            Usage = usage,
            Amounts = amounts,
            Currency = Currency!,
            ReservationId = ReservationId,
            PriceVersion = PriceVersion,
            PriceCurrency = PriceCurrency,
            PriceCost = PriceCost,
            ExchangeRate = Rate(),
            DiscountNanos = Discount?.Nanos ?? 0,
            Unpriced = Unpriced == true,
            UnpricedParts = UnpricedParts,
            RatedTier = RatedTier,
            Allowances = Allowances is null ? null : [.. Allowances.Select(one => one.ToUse())],
            CanonicalProvider = CanonicalProvider,
            CanonicalModel = CanonicalModel,
            ReportedNanos = reported?.Nanos,
            Lines = Lines is null ? null : [.. Lines.Select(line => line.ToLine())],
            LineOf = LineOf,
            Corrects = Corrects,
            CorrectedBy = CorrectedBy,
            Reason = Reason,
            Reference = Reference,
            GivesPrice = GivesPrice == true,
            ShownOutputTokens = ShownOutputTokens,
            IsAnonymous = Anonymous == true,
            Late = Late == true,
            Overrun = Overrun == true,
            Final = Final != false,
        };
    }

    decimal? Rate()
    {
        if (ExchangeRate is not { } text) return null;
        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate > 0
            ? rate : throw RequestRefusedException.Invalid("exchangeRate", "must be a decimal string above 0");
    }
}

/// <summary>`accepted` are in the ledger now, whether they came with this import or were there; <see cref="Errors"/> lists the first of
/// those that failed.</summary>
/// <param name="Lines">How many lines there were.</param>
/// <param name="Accepted">How many are in the ledger now.</param>
/// <param name="Failed">How many are not.</param>
/// <param name="Errors">What was wrong with the first thousand of them.</param>
public sealed record ImportDocument(long Lines, long Accepted, long Failed, IReadOnlyList<ImportErrorDocument> Errors);

/// <summary>Lines, items of an array, or rows behind the header count from 1.</summary>
/// <param name="Line">Which line, from 1.</param>
/// <param name="Id">The id of the usage, where it could be read.</param>
/// <param name="Field">The member at fault.</param>
/// <param name="Detail">What is wrong with it.</param>
public sealed record ImportErrorDocument(long Line, string? Id, string? Field, string? Detail);
