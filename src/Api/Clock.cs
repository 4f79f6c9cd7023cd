// The time that answers are for, where the ledger does not say it.
using NodaTime;

namespace Purser.Api;

static class Clock
{
    /// <summary>The next full second: an end, not included, that includes everything booked until now.</summary>
    public static Instant Until(this TimeProvider clock) => Instant.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds() + 1);
}
