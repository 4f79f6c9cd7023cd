// The port for the upkeep of what was derived from the journal: rollups, the age of records, erasure.
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// Upkeep in small steps, each a short transaction of its own, so that nobody who appends waits long. Several hosts may do it at once.
/// Whenever it happens or does not, every sum is the same. May throw <see cref="LedgerUnavailableException"/>.
/// </summary>
public interface IUsageStore
{
    /// <summary>About how many records rollups do not include yet: those that reports read one by one.</summary>
    Task<long> UnfoldedAsync();

    /// <summary>
    /// Adds up to <paramref name="most"/> records to the rollups, in the order of booking, or makes an hour or a day of its parts that are over
    /// at <paramref name="now"/>. False where there was nothing to do, or another host is at it.
    /// </summary>
    Task<bool> FoldAsync(Instant now, int most);

    /// <summary>Carries out an erasure that the journal asks for and that was not carried out yet; false where there is none.</summary>
    Task<bool> EraseNextAsync();

    /// <summary>
    /// Looks at up to <paramref name="most"/> records by age, from where an earlier call ended, and deletes those that rollups include and that were booked
    /// before <paramref name="bookedBefore"/>. The answer is where to go on; null at the end.
    /// </summary>
    Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most);

    /// <summary>Makes the rollups of an account again from its journal. Sums are right meanwhile and after.</summary>
    Task RebuildAsync(string account);
}
