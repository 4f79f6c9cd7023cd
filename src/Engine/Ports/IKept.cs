// The facet of what is kept by name and version beside the journals: snapshots with their counters, histories, settings, catalogues.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>An older version never replaces a newer one. Thread-safe.</summary>
public interface IKept
{
    /// <summary>
    /// Keeps a snapshot of an account at a version. Snapshots change cost, never meaning; an older one never replaces a newer one. Counters
    /// that are not in the snapshot are kept with it, both or neither. False where it was not kept.
    /// </summary>
    Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null);

    /// <summary>Counters kept beside the snapshot, by limit number and key, for those that exist.</summary>
    Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names);

    /// <summary>Counters that still count at an instant, in the order of their limits and keys, after a given one.</summary>
    Task<StoredCounters> ReadCountersAsync(string account, CounterName after, Instant at, int most);

    /// <summary>
    /// Deletes all snapshots, of histories too. Changes no answer: whoever loads an account then has all its counters in memory. Those kept
    /// beside the snapshot stay, for hosts that count on them; so do checkpoints, which are the beginning of the journal.
    /// </summary>
    Task DeleteSnapshotsAsync();

    /// <summary>The newest kept history of an account's usage (or that of the checkpoint) and the version that it reaches; version 0 where
    /// there is none.</summary>
    Task<KeptHistory> LoadHistoryAsync(string account);

    /// <summary>Keeps the history of an account's usage up to a version, as <see cref="SaveSnapshotAsync"/> keeps a budget.</summary>
    Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history);

    /// <summary>The newest version of the settings; version 0 with empty JSON where none was ever saved.</summary>
    Task<StoredSettings> LoadSettingsAsync();

    /// <summary>The newest version's number alone; 0 where none was ever saved.</summary>
    Task<long> SettingsVersionAsync();

    /// <summary>Saves version <paramref name="expectedVersion"/> + 1 of the settings: what the one before it had, but for the update. False
    /// where another version is the newest. What was before goes, its notes stay.</summary>
    Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update);

    /// <summary>What versions after one changed, oldest first, without what is <see cref="SettingsUpdate.NotShown"/>.</summary>
    Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most);

    /// <summary>What was changed last of some subjects (see <see cref="SettingsNote.Folded"/>), oldest first.</summary>
    Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most);

    /// <summary>The file of a catalogue that settings name, by its digest; null where none was kept under it.</summary>
    Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest);

    /// <summary>Keeps the file of a catalogue for good: older settings may name it. Durable when it returns; once more mends what was
    /// damaged.</summary>
    Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file);
}

/// <summary>A counter outside of memory. After <see cref="Until"/> it counts for nothing and goes by itself, unless it is to be
/// kept.</summary>
public sealed record StoredCounter(CounterName Name, Instant Until, bool Keep, ReadOnlyMemory<byte> Json);

/// <summary>Counters of one moment, and the <see cref="StoredBudget.SnapshotVersion"/> that <see cref="IJournal.LoadAsync"/> would give in
/// the same: they have everything up to there. With another snapshot than that they make no state.</summary>
public sealed record StoredCounters(long SnapshotVersion, IReadOnlyList<StoredCounter> Counters)
{
    public static readonly StoredCounters None = new(0, []);
}

/// <summary>
/// What a snapshot changes in the counters beside it: some are kept, some are empty, and those of whole limits are gone. What ended before
/// <see cref="At"/> may be cleared away.
/// </summary>
public sealed record CounterChanges(IReadOnlyList<StoredCounter> Kept, IReadOnlyList<CounterName> Empty, IReadOnlyList<int> GoneLimits,
    Instant At)
{
    /// <summary>Clearing away is never the larger part of the work.</summary>
    public const int MostCleared = 10_000;
}

public sealed record KeptHistory(long Version, ReadOnlyMemory<byte> Bytes)
{
    public static readonly KeptHistory None = new(0, default);
}
