// Reservations that nobody has settled or given back yet, with what is left of them and how old they are.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>What a reservation still holds.</summary>
public sealed class HeldRestDocument
{
    internal HeldRestDocument(Amounts left)
    {
        Tokens = left.Tokens;
        Cost = Money.Format(left.CostNanos);
    }

    /// <summary>Tokens, input and output together.</summary>
    public long Tokens { get; }

    /// <summary>Money.</summary>
    [DataType("money")]
    public string Cost { get; }
}

/// <summary>An open reservation: `tokens` and `cost` are all that it ever took, `remaining` what it still holds.</summary>
public sealed class OpenReservationDocument : DimensionsDocument
{
    internal OpenReservationDocument(OpenHold hold, Instant now)
    {
        var (taken, call) = (hold.Reservation, hold.Dimensions);
        (Id, Account, Tokens, Cost, Currency, CreatedAt, ExpiresAt) = (taken.Id, taken.Account, taken.Tokens, taken.Cost, taken.Currency,
            taken.CreatedAt, taken.ExpiresAt);
        Remaining = new(hold.Left);
        AgeSeconds = (long)Math.Max(0, (now - taken.CreatedAt).TotalSeconds);
        (Orchestrator, User, Tenant, Session) = (call.Orchestrator, call.User, call.Tenant, call.Session);
        (Provider, Model, Tool, Tags) = (call.Provider, call.Model, call.Tool, call.Tags);
    }

    /// <summary>The reservation.</summary>
    public string Id { get; }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>Tokens that were held, input and output together.</summary>
    public long Tokens { get; }

    /// <summary>Money that was held.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>What it still holds: parts that were settled are not in it.</summary>
    public HeldRestDocument Remaining { get; }

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; }

    /// <summary>How long ago that is.</summary>
    public long AgeSeconds { get; }

    /// <summary>When it runs out, unless it is extended, settled or released.</summary>
    public Instant ExpiresAt { get; }
}

/// <summary>Open reservations of an account.</summary>
public sealed class OpenReservationsDocument
{
    /// <summary>Those that run out first.</summary>
    public IReadOnlyList<OpenReservationDocument> Items { get; set; } = [];

    /// <summary>Give it as `cursor` for what follows; null at the end.</summary>
    public string? NextCursor { get; set; }
}

/// <summary>Open reservations of all accounts that the caller sees.</summary>
public sealed class AllReservationsDocument
{
    /// <summary>Those that run out first.</summary>
    public IReadOnlyList<OpenReservationDocument> Items { get; set; } = [];

    /// <summary>False where there are more, or more accounts in which something is due than are looked at at once.</summary>
    public bool Complete { get; set; }
}
