// Taking back what was booked: a void, a correction, a credit, and what each of them booked.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>Who takes a usage back, and why.</summary>
public sealed class VoidDocument
{
    /// <summary>Who takes it back; the key's name if not said, needed where no key is.</summary>
    public string? By { get; set; }

    /// <summary>Why.</summary>
    [Required]
    public string? Reason { get; set; }
}

/// <summary>What a usage really used: the counts or the provider's report of it, as they are booked. `account` names whose it is where
/// several accounts have a usage of this id.</summary>
public sealed class CorrectionDocument : UsageDocument
{
    /// <summary>Whose usage it is, where several accounts have one of this id.</summary>
    public string? Account { get; set; }

    /// <summary>Who corrects it; the key's name if not said, needed where no key is.</summary>
    public string? By { get; set; }

    /// <summary>Why.</summary>
    [Required]
    public string? Reason { get; set; }
}

/// <summary>What is given back: a part of the usage `usageId`, or of what was used under these dimensions at `timestamp` (now, if not
/// said).</summary>
public sealed class CreditDocument : DimensionsDocument
{
    /// <summary>Its id, which makes a retry harmless; made if not said.</summary>
    public string? Id { get; set; }

    /// <summary>How much is given back: a whole number, money as a decimal string.</summary>
    [Required]
    public Amount Amount { get; set; }

    /// <summary>What is given back: tokens, inputTokens, outputTokens, cost or requests.</summary>
    [Required]
    public LimitUnit? Unit { get; set; }

    /// <summary>The usage that a part of is given back.</summary>
    public string? UsageId { get; set; }

    /// <summary>When what is given back was used; now if not said.</summary>
    public Instant? Timestamp { get; set; }

    /// <summary>Who gives it back; the key's name if not said, needed where no key is.</summary>
    public string? By { get; set; }

    /// <summary>Why.</summary>
    [Required]
    public string? Reason { get; set; }

    /// <summary>What it goes by elsewhere: the number of a credit note.</summary>
    public string? Reference { get; set; }

    internal Credit ToCredit(Access.Caller caller, RequestId identity)
    {
        if (Unit is not { } unit) throw RequestRefusedException.Invalid("unit", "is required");
        if (Amount.Is is Amount.Form.Absent or Amount.Form.Unlimited) throw RequestRefusedException.Invalid("amount", "is required");
        if (!Amount.Fits(unit)) throw RequestRefusedException.Invalid("amount", Amount.Wanted(unit));
        if (Amount.Value < 0 || Amount.Value > long.MaxValue)
            throw RequestRefusedException.Invalid("amount", "must be above 0: it is given back");
        var (by, key) = Access.Actor.Of(caller, By);
        return new(identity.Id, new()
        {
            Amount = (long)Amount.Value,
            Unit = unit,
            UsageId = UsageId,
            Dimensions = ToDimensions(),
            At = Timestamp,
            By = by ?? "",
            Reason = Reason ?? "",
            Reference = Reference,
        })
        { FreshId = identity.Fresh, KeyId = key };
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

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>The usage that it takes back or corrects; null where it names none.</summary>
    public string? UsageId { get; }

    /// <summary>The record that was booked beside it.</summary>
    public string? AdjustmentId { get; }

    /// <summary>Tokens, input and output together.</summary>
    public long Tokens { get; }

    /// <summary>Money.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>The limits that it belonged to, as they stand now.</summary>
    public IReadOnlyList<LimitViewDocument> Limits { get; }
}
