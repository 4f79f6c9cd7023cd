// A temporary, audited raise of a limit: as it is asked for and as it is shown.
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class NewOverrideDocument
{
    public string? Id { get; set; }
    public string? LimitId { get; set; }
    public Window? Window { get; set; }
    public LimitUnit? Unit { get; set; }
    public string? Key { get; set; }
    public Amount Additional { get; set; }
    public bool? Cut { get; set; }
    public string? Reason { get; set; }

    /// <summary>Who adds it; `createdBy` is another name for it.</summary>
    public string? By { get; set; }
    public string? CreatedBy { get; set; }
    public Instant? StartsAt { get; set; }
    public Instant? ExpiresAt { get; set; }
    public FreeObject? Metadata { get; set; }

    /// <summary><paramref name="limitUnit"/>: the unit of the limit that `limitId` names, where there is such a limit.</summary>
    internal AddOverride ToAddOverride(RequestId identity, LimitUnit? limitUnit)
    {
        if (Additional.Is is Amount.Form.Absent or Amount.Form.Unlimited)
            throw RequestRefusedException.Invalid("additional", "is required");
        if ((limitUnit ?? Unit) is { } unit && !Additional.Fits(unit))
            throw RequestRefusedException.Invalid("additional", Amount.Wanted(unit));
        if (By is not null && CreatedBy is not null && By != CreatedBy)
            throw RequestRefusedException.Invalid("by", "differs from `createdBy`, which is another name for it; give one of them");
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
            CreatedBy = By ?? CreatedBy ?? "",
            StartsAt = StartsAt,
            ExpiresAt = expiresAt,
            Metadata = Metadata?.Json,
        })
        { FreshId = identity.Fresh };
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
        CreatedBy = view.Terms.CreatedBy;
        StartsAt = view.Terms.StartsAt;
        ExpiresAt = view.Terms.ExpiresAt;
        Metadata = view.Terms.Metadata is { } metadata ? new FreeObject(metadata) : null;
        CreatedAt = view.CreatedAt;
        State = view.State;
    }

    public string Id { get; }
    public string? LimitId { get; }
    public Window? Window { get; }
    public LimitUnit Unit { get; }
    public string? Key { get; }
    public Amount Additional { get; }
    public bool Cut { get; }
    public string Reason { get; }
    public string CreatedBy { get; }
    public Instant? StartsAt { get; }
    public Instant ExpiresAt { get; }
    public FreeObject? Metadata { get; }
    public Instant CreatedAt { get; }

    /// <summary>`scheduled`, `active` or `ended`.</summary>
    public string State { get; }
}

public sealed record OverridesDocument(IReadOnlyList<OverrideDocument> Items);
