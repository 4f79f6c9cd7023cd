// Taking back what was booked: a void, a correction, a credit, and what each of them booked.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>Who takes a usage back, and why.</summary>
public sealed class VoidDocument
{
    [Required]
    public string? By { get; set; }

    [Required]
    public string? Reason { get; set; }
}

/// <summary>What a usage really used: the counts or the provider's report of it, as they are booked. `account` names whose it is where
/// several accounts have a usage of this id.</summary>
public sealed class CorrectionDocument : UsageDocument
{
    public string? Account { get; set; }

    [Required]
    public string? By { get; set; }

    [Required]
    public string? Reason { get; set; }
}

/// <summary>What is given back: a part of the usage `usageId`, or of what was used under these dimensions at `timestamp` (now, if not
/// said).</summary>
public sealed class CreditDocument : DimensionsDocument
{
    public string? Id { get; set; }
    [Required]
    public Amount Amount { get; set; }

    [Required]
    public LimitUnit? Unit { get; set; }
    public string? UsageId { get; set; }
    public Instant? Timestamp { get; set; }

    [Required]
    public string? By { get; set; }

    [Required]
    public string? Reason { get; set; }

    /// <summary>What it goes by elsewhere: the number of a credit note.</summary>
    public string? Reference { get; set; }

    internal Credit ToCredit(RequestId identity)
    {
        if (Unit is not { } unit) throw RequestRefusedException.Invalid("unit", "is required");
        if (Amount.Is is Amount.Form.Absent or Amount.Form.Unlimited) throw RequestRefusedException.Invalid("amount", "is required");
        if (!Amount.Fits(unit)) throw RequestRefusedException.Invalid("amount", Amount.Wanted(unit));
        if (Amount.Value < 0 || Amount.Value > long.MaxValue)
            throw RequestRefusedException.Invalid("amount", "must be above 0: it is given back");
        return new(identity.Id, new()
        {
            Amount = (long)Amount.Value,
            Unit = unit,
            UsageId = UsageId,
            Dimensions = ToDimensions(),
            At = Timestamp,
            By = By ?? "",
            Reason = Reason ?? "",
            Reference = Reference,
        })
        { FreshId = identity.Fresh };
    }
}

/// <summary>The record that was booked beside the usage; null where nothing was left to change. Amounts below 0 were taken back.</summary>
public sealed class AdjustedDocument
{
    internal AdjustedDocument(string account, Adjusted adjusted)
    {
        Account = account;
        UsageId = adjusted.UsageId;
        AdjustmentId = adjusted.AdjustmentId;
        Tokens = adjusted.Tokens;
        Cost = adjusted.Cost;
        Currency = adjusted.Currency;
        Limits = LimitViewDocument.Of(adjusted.Limits);
    }

    public string Account { get; }
    public string? UsageId { get; }
    public string? AdjustmentId { get; }
    public long Tokens { get; }
    public string Cost { get; }
    public string Currency { get; }
    public IReadOnlyList<LimitViewDocument> Limits { get; }
}
