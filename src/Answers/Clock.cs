// The end of periods that reach until now.
using NodaTime;
using Purser.Engine;

namespace Purser.Answers;

public static class Clock
{
    /// <summary>So far may the clocks of two hosts of a cluster be apart: both follow the ledger's, each as it measured it.</summary>
    static readonly Duration apart = Duration.FromMilliseconds(250);

    /// <summary>A full second that lies ahead for every host: an end, not included, that includes everything booked until now, whoever
    /// booked it.</summary>
    public static Instant Until(this LedgerClock clock) => Instant.FromUnixTimeSeconds((clock.Now + apart).ToUnixTimeSeconds() + 1);
}
