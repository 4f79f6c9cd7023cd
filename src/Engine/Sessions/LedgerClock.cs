// The time that decisions are made in: whole milliseconds of the ledger's clock. Where the ledger is another machine, its offset from
// this one's clock is measured every few seconds and corrected for.
using NodaTime;

namespace Purser.Engine;

public sealed class LedgerClock(TimeProvider time)
{
    /// <summary>A clock further off than this is reported.</summary>
    public static readonly Duration Reported = Duration.FromSeconds(5);

    /// <summary>With a clock further off than this a host does not call itself ready.</summary>
    public static readonly Duration Tolerated = Duration.FromMinutes(5);

    /// <summary>Milliseconds that this machine's clock is behind the ledger's.</summary>
    long offsetMillis;

    public Instant Now => Instant.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds() + Volatile.Read(ref offsetMillis));

    /// <summary>How far this machine's clock is behind the ledger's, as last measured.</summary>
    public Duration Offset => Duration.FromMilliseconds(Volatile.Read(ref offsetMillis));

    /// <summary>Asks the ledger for its time.</summary>
    public Task MeasureAsync(IStore ledger) => MeasureAsync(ledger.TimeAsync);

    /// <summary>Asks whoever knows the ledger's time. The answer is taken for the middle of the round trip.</summary>
    public async Task MeasureAsync(Func<Task<Instant?>> ask)
    {
        var before = time.GetUtcNow();
        if (await ask() is not { } there) return;
        var after = time.GetUtcNow();
        var here = before + ((after - before) / 2);
        Volatile.Write(ref offsetMillis, there.ToUnixTimeMilliseconds() - here.ToUnixTimeMilliseconds());
        Measures.ClockOffset(Offset.TotalSeconds);
    }
}
