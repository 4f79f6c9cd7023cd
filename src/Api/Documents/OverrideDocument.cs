// A temporary, audited raise of a limit: as it is asked for and as it is shown.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class NewOverrideDocument
{
    /// <summary>Its id, which makes a retry harmless; made if not said.</summary>
    public string? Id { get; set; }

    /// <summary>The limit to raise. Or `window` and `unit`, for all limits of these.</summary>
    public string? LimitId { get; set; }

    /// <summary>Instead of `limitId`: the window of the limits to raise.</summary>
    public Window? Window { get; set; }

    /// <summary>Instead of `limitId`: the unit of the limits to raise.</summary>
    public LimitUnit? Unit { get; set; }

    /// <summary>For limits with `each`, the value whose counter it is for; all of them if not said.</summary>
    public string? Key { get; set; }

    /// <summary>How much to add: a whole number, money as a decimal string. Negative only with `cut`.</summary>
    [Required]
    public Amount Additional { get; set; }

    /// <summary>Says that less is meant where `additional` is negative.</summary>
    public bool? Cut { get; set; }

    /// <summary>Why, for the audit trail.</summary>
    [Required]
    public string? Reason { get; set; }

    /// <summary>Who adds it, for the audit trail; the key's name if not said, needed where no key is.</summary>
    public string? By { get; set; }

    /// <summary>A former name of `by`.</summary>
    public string? CreatedBy { get; set; }

    /// <summary>From when on; now if not said.</summary>
    public Instant? StartsAt { get; set; }

    /// <summary>When it ends.</summary>
    [Required]
    public Instant? ExpiresAt { get; set; }

    /// <summary>Whatever you want to keep with it.</summary>
    public FreeObject? Metadata { get; set; }

    /// <summary><paramref name="limitUnit"/>: the unit of the limit that `limitId` names, where there is such a limit.</summary>
    internal AddOverride ToAddOverride(Access.Caller caller, RequestId identity, LimitUnit? limitUnit)
    {
        if (Additional.Is is Amount.Form.Absent or Amount.Form.Unlimited)
            throw RequestRefusedException.Invalid("additional", "is required");
        if ((limitUnit ?? Unit) is { } unit && !Additional.Fits(unit))
            throw RequestRefusedException.Invalid("additional", Amount.Wanted(unit));
        var (by, key) = Access.Actor.Of(caller, Access.Actor.Said(By, CreatedBy, "createdBy"));
        if (ExpiresAt is not { } expiresAt) throw RequestRefusedException.Invalid("expiresAt", "is required");
        return new(identity.Id, new()
        {
            LimitId = LimitId,
            Window = Window,
            Unit = Unit,
            Key = Key,
            Additional = (long)Additional.Value,
            Cut = Cut ?? false,
            Reason = Reason ?? "",
            CreatedBy = by ?? "",
            StartsAt = StartsAt,
            ExpiresAt = expiresAt,
            Metadata = Metadata?.Json,
        })
        { FreshId = identity.Fresh, KeyId = key };
    }
}

public sealed class OverrideDocument
{
    internal OverrideDocument(OverrideView view)
    {
        Id = view.Id;
        LimitId = view.Terms.LimitId;
        Window = view.Terms.Window;
        Unit = view.Unit;
        Key = view.Terms.Key;
        Additional = Amount.Of(new Quantity(view.Unit, view.Terms.Additional));
        Cut = view.Terms.Cut;
        Reason = view.Terms.Reason;
        CreatedBy = By = view.Terms.CreatedBy;
        StartsAt = view.Terms.StartsAt;
        ExpiresAt = view.Terms.ExpiresAt;
        Metadata = view.Terms.Metadata is { } metadata ? new FreeObject(metadata) : null;
        CreatedAt = view.CreatedAt;
        State = view.State;
    }

    /// <summary>Its id: yours, or one that was made.</summary>
    public string Id { get; }

    /// <summary>The limit that it raises; null where it is for all limits of a window and unit.</summary>
    public string? LimitId { get; }

    /// <summary>The window of the limits that it raises, where it names no limit.</summary>
    public Window? Window { get; }

    /// <summary>What is counted.</summary>
    public LimitUnit Unit { get; }

    /// <summary>The value whose counter it raises; null raises all.</summary>
    public string? Key { get; }

    /// <summary>How much it adds: a whole number, money as a decimal string.</summary>
    [Required]
    public Amount Additional { get; }

    /// <summary>Whether it takes away instead of adding.</summary>
    public bool Cut { get; }

    /// <summary>Why.</summary>
    public string Reason { get; }

    /// <summary>Who made it.</summary>
    public string By { get; }

    /// <summary>A former name of `by`.</summary>
    public string CreatedBy { get; }

    /// <summary>From when on it holds; null is from when it was made.</summary>
    public Instant? StartsAt { get; }

    /// <summary>When it ends.</summary>
    public Instant ExpiresAt { get; }

    /// <summary>What you kept with it.</summary>
    public FreeObject? Metadata { get; }

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; }

    /// <summary>`scheduled`, `active` or `ended`.</summary>
    [AllowedValues("scheduled", "active", "ended")]
    public string State { get; }
}

/// <param name="Items">What was found, in order.</param>
public sealed record OverridesDocument(IReadOnlyList<OverrideDocument> Items);
