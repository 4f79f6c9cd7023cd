// The clock of a host, for operators: what it decides in, what it holds back, and what was accepted before.
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>
/// `now` is the time that this host decides in, `machine` the clock of its machine. `heldSeconds`: how far the clock has jumped, where that
/// is held back (later is positive), else 0. `leadSeconds`: how far `now` is ahead of the clock that it follows; a second in a thousand is
/// given back. `trouble`: why this host is not ready, or null. `accepted`: what operators accepted so far, newest first.
/// </summary>
public sealed record ClockDocument(
    Instant Now, Instant Machine, decimal HeldSeconds, decimal LeadSeconds, string? Trouble, IReadOnlyList<AcceptedClockDocument> Accepted)
{
    public static async Task<ClockDocument> OfAsync(LedgerClock clock) => new(
        clock.Now, clock.Now - clock.Offset, Seconds(clock.Held), Seconds(clock.Lead), clock.Trouble,
        [.. (await clock.AcceptedAsync()).Select(note => new AcceptedClockDocument(
            Instant.FromUnixTimeMilliseconds(note.AtMillis), note.JumpMillis / 1000m, note.LeadMillis / 1000m, note.By, note.Reason))]);

    static decimal Seconds(Duration duration) => (long)duration.TotalMilliseconds / 1000m;
}

public sealed record AcceptedClockDocument(Instant At, decimal JumpSeconds, decimal LeadSeconds, string By, string? Reason);

/// <summary>Says that the clock is right. `reason` is kept with it.</summary>
public sealed record AcceptClockDocument
{
    public string? Reason { get; init; }
}
