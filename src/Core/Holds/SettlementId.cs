// The id of a settlement whose caller names none: one that the same call sent again has too, wherever that can be known.
namespace Purser.Core;

public static class SettlementId
{
    const string OfUnknown = "unknown:";

    /// <summary>
    /// A final settlement takes the reservation's id, of which there is only one, so that a bare retry is harmless. One with an unknown
    /// outcome takes an id of its own beside it, because what was really used may be settled later. Null where one has to be made up: parts
    /// are each a settlement of their own, and an id has a longest length.
    /// </summary>
    public static string? Of(string reservation, bool final, bool unknown) =>
        !unknown ? final ? reservation : null
        : OfUnknown.Length + reservation.Length <= Validity.LongestId ? OfUnknown + reservation : null;
}
