// The time that decisions are made in: whole milliseconds of the ledger's clock.
using NodaTime;

namespace Purser.Engine;

public sealed class LedgerClock(TimeProvider time)
{
    public Instant Now => Instant.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
}
