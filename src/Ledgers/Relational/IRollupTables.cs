// The tables of rollups as their upkeep reads and changes them, while nobody else changes them.
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

interface IRollupTables
{
    /// <summary>Up to which place in the order of booking records are folded, and up to when hours, days and weeks are made.</summary>
    Task<(long Folded, RollupState State)> StateAsync();

    /// <summary>Adds records behind <paramref name="folded"/> to a fold, in the order of booking and until it is full, and says how far
    /// they
    /// go.</summary>
    Task<long> FoldRecordsAsync(Fold fold, long folded, int most);

    /// <summary>The ids of an account's records that are not folded.</summary>
    Task<HashSet<string>> UnfoldedAsync(string account, long folded);

    /// <summary>Null for an account that is not there.</summary>
    Task<long?> VersionAsync(string account);

    /// <summary>With its usage; null where the journal of the account begins at its beginning.</summary>
    Task<Checkpoint?> CheckpointAsync(string account);

    /// <summary>The numbers of an account's keys, in all views.</summary>
    Task<IReadOnlyList<int>> KeysOfAsync(string account);

    /// <summary>Where the first row of a level begins within a range; null where there is none.</summary>
    Task<long?> FirstAsync(RollupLevel level, MillisRange within);

    /// <summary>Where the first hour of some keys begins; null where there is none.</summary>
    Task<long?> FirstOfAsync(IReadOnlyList<int> keys);

    /// <summary>All rows of a level within a range: start, number of the key, sums, sessions, text of the key.</summary>
    Task ReadAsync(RollupLevel level, MillisRange range, Action<IRow> take);

    /// <summary>Adds to rollups, and sets how far records are folded or hours, days and weeks are made.</summary>
    Task AddAsync(Fold fold, long? folded, RollupState? state);

    /// <summary>
    /// Puts rollups in the place of all those of some keys, and takes away from <paramref name="first"/> on what adds up over all accounts.
    /// Keys that are not used any more go: they may name somebody.
    /// </summary>
    Task ReplaceAsync(IReadOnlyList<int> keys, Fold fold, long? first, RollupState state);

    /// <summary>Takes usage away that was compacted into a checkpoint and was erased, and adds what was left of it.</summary>
    Task ForgetAsync(string account, IReadOnlyList<CompactedUsage> erased, IReadOnlyList<CompactedUsage> left);
}

/// <summary>The records of usage, as erasing and deleting by age read and change them.</summary>
interface IRecordTable
{
    /// <summary>Records of an account that are not erased, by their times, behind a place.</summary>
    Task<IReadOnlyList<(UsageCursor Place, UsageRecord Record)>> RecordsAsync(string account, UsageCursor? after, int most);

    /// <summary>Leaves of records, by their places in the order of booking, what is left of them: their identity, or all but the
    /// person.</summary>
    Task LeaveAsync(IReadOnlyList<(long Position, byte[] Left)> records, bool anonymizes);

    /// <summary>When records before an instant were booked, by their times, behind a place.</summary>
    Task<IReadOnlyList<(UsageCursor Place, long BookedAt)>> TimesAsync(long before, UsageCursor? after, int most);

    /// <summary>Deletes those of some records that are folded, but for the newest of all; none is missed from then on that was booked
    /// before an instant.</summary>
    Task DeleteAsync(IReadOnlyList<long> positions, long bookedBefore);
}
