// The clock of a host, for operators: what it decides in, what it holds back, and what was accepted before.
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>
/// `now` is the time that this host decides in, `machine` the clock of its machine. `heldSeconds`: how far the clock has jumped, where that
/// is held back (later is positive), else 0. `leadSeconds`: how far `now` is ahead of the clock that it follows; a second in a thousand is
/// given back. `trouble`: why this host is not ready, or null. `accepted`: what operators accepted so far, newest first.
/// </summary>
/// <param name="Now">The time that this host decides in.</param>
/// <param name="Machine">The clock of its machine.</param>
/// <param name="HeldSeconds">How far the clock has jumped, where that is held back; else 0.</param>
/// <param name="LeadSeconds">How far `now` is ahead of the clock that it follows.</param>
/// <param name="Trouble">Why this host is not ready; null where it is.</param>
/// <param name="Accepted">What operators accepted so far, newest first.</param>
public sealed record ClockDocument(
    Instant Now, Instant Machine, decimal HeldSeconds, decimal LeadSeconds, string? Trouble, IReadOnlyList<AcceptedClockDocument> Accepted)
{
    public static async Task<ClockDocument> OfAsync(LedgerClock clock) => new(
        clock.Now, clock.Now - clock.Offset, Seconds(clock.Held), Seconds(clock.Lead), clock.Trouble,
        [.. (await clock.AcceptedAsync()).Select(note => new AcceptedClockDocument(
            Instant.FromUnixTimeMilliseconds(note.AtMillis), note.JumpMillis / 1000m, note.LeadMillis / 1000m, note.By, note.Reason))]);

    static decimal Seconds(Duration duration) => (long)duration.TotalMilliseconds / 1000m;
}

/// <param name="At">When it was accepted.</param>
/// <param name="JumpSeconds">How far the clock had jumped.</param>
/// <param name="LeadSeconds">How far the time was ahead of the clock.</param>
/// <param name="By">Who accepted it.</param>
/// <param name="Reason">Why, where they said so.</param>
public sealed record AcceptedClockDocument(Instant At, decimal JumpSeconds, decimal LeadSeconds, string By, string? Reason);

/// <summary>Says that the clock is right. `reason` is kept with it.</summary>
public sealed record AcceptClockDocument
{
    /// <summary>Why the clock is right; kept with it.</summary>
    public string? Reason { get; init; }
}
