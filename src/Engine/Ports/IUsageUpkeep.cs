// The port for the upkeep of the journal and of what was derived from it: rollups, the age of records, erasure, compaction.
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// Upkeep in small steps, each a short transaction of its own, so that nobody who appends waits long. Several hosts may do it at once.
/// Whenever it happens or does not, every sum is the same. May throw <see cref="LedgerUnavailableException"/>.
/// </summary>
public interface IUsageUpkeep
{
    /// <summary>About how many records rollups do not include yet: those that reports read one by one.</summary>
    Task<long> UnfoldedAsync();

    /// <summary>
    /// Adds up to <paramref name="most"/> records to the rollups, in the order of booking, or makes an hour or a day of its parts that are
    /// over at <paramref name="now"/>. False where there was nothing to do, or another host is at it.
    /// </summary>
    Task<bool> FoldAsync(Instant now, int most);

    /// <summary>Carries out an erasure that the journal asks for and that was not carried out yet; false where there is none.</summary>
    Task<bool> EraseNextAsync();

    /// <summary>Whether the journal of an account asks for an erasure that was not carried out yet, or not to its end.</summary>
    Task<bool> IsErasingAsync(string account);

    /// <summary>
    /// Looks at up to <paramref name="most"/> records by age, from where an earlier call ended, and deletes those that rollups include and
    /// that were booked before <paramref name="bookedBefore"/>. The answer is where to go on; null at the end.
    /// </summary>
    Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most);

    /// <summary>
    /// Makes the rollups of an account again from its journal. Sums are right meanwhile and after. Usage before a checkpoint is taken from
    /// there:
    /// true where there is one.
    /// </summary>
    Task<bool> RebuildAsync(string account);

    /// <summary>
    /// Accounts in order with at least about <paramref name="atLeast"/> entries from before an instant in their journal. Some
    /// <paramref name="most"/> accounts are looked at; the page says where to go on.
    /// </summary>
    Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most);

    /// <summary>
    /// Replaces up to <paramref name="most"/> of an account's oldest entries by a checkpoint, those that were written before an instant,
    /// and says how many: fewer where the others have to stay, or another host is at it. The newest entry stays, and so do entries with
    /// usage that rollups do not include or with an erasure that was not carried out. Nothing that can be asked changes, but that records
    /// booked before the instant may go from now on.
    /// </summary>
    Task<int> CompactAsync(string account, Instant before, int most);
}
