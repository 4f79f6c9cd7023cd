// The end of periods that reach until now.
using NodaTime;
using Purser.Engine;

namespace Purser.Answers;

public static class Clock
{
    /// <summary>The next full second: an end, not included, that includes everything booked until now.</summary>
    public static Instant Until(this LedgerClock clock) => Instant.FromUnixTimeSeconds(clock.Now.ToUnixTimeSeconds() + 1);
}
