// The port behind which budgets are durable. Two rules carry everything: a batch is appended at an expected version per account, and
// what was acknowledged is never lost.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// A durable store of journals. Implementations are thread-safe. Any method may throw <see cref="LedgerUnavailableException"/>; after
/// an append threw, it is not known whether it was written.
/// </summary>
public interface ILedger : IAsyncDisposable
{
    /// <summary>
    /// Appends to many accounts in one durable step. Each account is judged alone: one that conflicts or fails drops out, the others are
    /// written. An append without events writes nothing and confirms that the version is still the expected one. Events, usage records,
    /// closed holds and the next deadline of an account are written together or not at all. One append per account in a batch.
    /// </summary>
    Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch);

    /// <summary>
    /// Waits for its turn at an account that several hosts write at once, until the result is disposed. Nothing relies on it but progress:
    /// a writer without the lock may still come in between, and is noticed by the version.
    /// </summary>
    Task<IAsyncDisposable> TakeTurnAsync(string account);

    /// <summary>The time of the ledger's own clock, which all hosts on it share; null where the clock is this machine's.</summary>
    Task<Instant?> TimeAsync();

    /// <summary>
    /// The newest snapshot (or the checkpoint, where that is newer) and the journal after it. An account that does not exist loads as
    /// version 0 with
    /// no events. Where an entry is missing in between it is an <see cref="InvalidDataException"/>, never a beginning.
    /// </summary>
    Task<StoredBudget> LoadAsync(string account);

    /// <summary>
    /// Journal entries of an account with versions above <paramref name="afterVersion"/>, oldest first, at most <paramref name="most"/>. A
    /// <see cref="CompactedJournalException"/> where some of them were compacted.
    /// </summary>
    Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most);

    /// <summary>What the journal of an account begins with in place of entries that were compacted; null where all are there.</summary>
    Task<Checkpoint?> LoadCheckpointAsync(string account);

    /// <summary>
    /// Makes an account that begins with a checkpoint and what it has of the audit trail: part of a restore, before anything else of the
    /// account and
    /// while no host is at work. Usage records from before it are gone.
    /// </summary>
    Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited);

    /// <summary>Closed holds and usage records by id, for those that exist.</summary>
    Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds);

    /// <summary>The usage records of an account whose <see cref="UsageRecord.At"/> is not before <paramref name="from"/>, in no
    /// order.</summary>
    IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from);

    /// <summary>Records that were booked before this are gone, or may go any moment; null where none ever went.</summary>
    Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default);

    /// <summary>
    /// Keeps a snapshot of an account at a version. Snapshots change cost, never meaning; an older one never replaces a newer one. Counters
    /// that are not in the snapshot are kept with it, both or neither. False where it was not kept.
    /// </summary>
    Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null);

    /// <summary>Counters kept beside the snapshot, by limit number and key, for those that exist.</summary>
    Task<IReadOnlyList<StoredCounter>> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names);

    /// <summary>Counters that still count at an instant, in the order of their limits and keys, after a given one.</summary>
    Task<IReadOnlyList<StoredCounter>> ReadCountersAsync(string account, CounterName after, Instant at, int most);

    /// <summary>
    /// Deletes all snapshots, of histories too. Changes no answer: whoever loads an account then has all its counters in memory. Those kept
    /// beside the snapshot
    /// stay, for hosts that count on them; so do checkpoints, which are the beginning of the journal.
    /// </summary>
    Task DeleteSnapshotsAsync();

    /// <summary>The newest kept history of an account's usage (or that of the checkpoint) and the version that it reaches; version 0 where
    /// there is none.</summary>
    Task<KeptHistory> LoadHistoryAsync(string account);

    /// <summary>Keeps the history of an account's usage up to a version, as <see cref="SaveSnapshotAsync"/> keeps a budget.</summary>
    Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history);

    /// <summary>Accounts of a shard whose next deadline is not after <paramref name="now"/>, the most overdue first.</summary>
    Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default);

    /// <summary>The newest version of the settings; version 0 with empty JSON where none was ever saved.</summary>
    Task<StoredSettings> LoadSettingsAsync();

    /// <summary>Saves settings as version <paramref name="expectedVersion"/> + 1; false where another version is the newest.</summary>
    Task<bool> SaveSettingsAsync(long expectedVersion, ReadOnlyMemory<byte> settings);

    /// <summary>The file of a catalogue that settings name, by its digest; null where none was kept under it.</summary>
    Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest);

    /// <summary>Keeps the file of a catalogue for good: older settings may name it. Durable when it returns; once more mends what was
    /// damaged.</summary>
    Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file);
}

/// <summary>What one batch of one account writes. <see cref="Events"/> may be empty: then only the version is confirmed.</summary>
public sealed class Append(string account, long expectedVersion, IReadOnlyList<BudgetEvent> events)
{
    public string Account => account;
    public long ExpectedVersion => expectedVersion;
    public IReadOnlyList<BudgetEvent> Events => events;

    /// <summary>The settings it was decided under; an append under older settings than the ledger's newest conflicts. Null: any.</summary>
    public long? SettingsVersion { get; init; }

    /// <summary>When the batch was decided.</summary>
    public Instant At { get; init; }

    /// <summary>Holds that this batch closed or changed after their closing; they replace what was kept under their ids.</summary>
    public IReadOnlyList<Hold> ClosedHolds { get; init; } = [];

    /// <summary>When this account wants to be woken; null where nothing is due. Only written together with events.</summary>
    public Instant? NextDeadline { get; init; }

    /// <summary>
    /// Ids under which the batch was decided as if the ledger had no such closed hold and no such usage: where it has one, the append
    /// conflicts at the expected version. Looking while writing costs less than asking first. Only looked at together with events.
    /// </summary>
    public IReadOnlyCollection<string> NewHolds { get; init; } = [];

    public IReadOnlyCollection<string> NewUsage { get; init; } = [];

    /// <summary>The events as they are stored; encoded by whoever asks first, like the two below.</summary>
    public byte[] EncodedEvents => encoded ??= LedgerJson.EncodeEvents(events);
    byte[]? encoded;

    public IReadOnlyList<(UsageRecord Record, byte[] Bytes)> EncodedUsage =>
        encodedUsage ??= [.. UsageRecords.Select(record => (record, LedgerJson.EncodeRecord(record)))];
    (UsageRecord, byte[])[]? encodedUsage;

    public IReadOnlyList<(string Id, byte[] Bytes)> EncodedHolds =>
        encodedHolds ??= [.. ClosedHolds.Select(hold => (hold.Id, LedgerJson.EncodeHold(hold)))];
    (string, byte[])[]? encodedHolds;

    /// <summary>Encodes everything, on whatever thread asks.</summary>
    public void Encode() => _ = (EncodedEvents, EncodedUsage, EncodedHolds);

    /// <summary>Whether something of it belongs to the audit trail, and whether that is an erasure.</summary>
    public bool IsAudited => events.Any(AuditTrail.Has);

    public bool Erases => events.Any(happened => happened is UsageErased);

    /// <summary>The usage records among the events, in order.</summary>
    public IEnumerable<UsageRecord> UsageRecords => events.Select(RecordOf).OfType<UsageRecord>();

    /// <summary>The usage record that an event books, if it books one.</summary>
    public static UsageRecord? RecordOf(BudgetEvent happened) => happened switch
    {
        Settled settled => settled.Record,
        Recorded recorded => recorded.Record,
        Expired expired => expired.Charge,
        _ => null,
    };
}

public enum AppendStatus
{
    /// <summary>Durable (or, without events, confirmed).</summary>
    Written,

    /// <summary>Another writer was there, or newer settings are, or an id taken for new is known: read them and decide again.</summary>
    Conflict,

    /// <summary>Nothing of this account was written, and nothing will be.</summary>
    Failed,
}

/// <summary><see cref="Version"/> is the account's version after the append (on conflict: the version found, or -1 where it was not
/// read).</summary>
public readonly record struct AppendResult(AppendStatus Status, long Version, long SettingsVersion);

/// <summary>One batch in an account's journal. Versions count from 1 without gaps.</summary>
public sealed record JournalEntry(string Account, long Version, Instant At, IReadOnlyList<BudgetEvent> Events);

/// <summary>A counter outside of memory. After <see cref="Until"/> it counts for nothing and goes by itself, unless it is to be
/// kept.</summary>
public sealed record StoredCounter(CounterName Name, Instant Until, bool Keep, ReadOnlyMemory<byte> Json);

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

public sealed record StoredBudget(long SnapshotVersion, ReadOnlyMemory<byte> Snapshot, IReadOnlyList<JournalEntry> Tail)
{
    public static readonly StoredBudget Nothing = new(0, default, []);
}

public sealed record KeptHistory(long Version, ReadOnlyMemory<byte> Bytes)
{
    public static readonly KeptHistory None = new(0, default);
}

public sealed record StoredSettings(long Version, ReadOnlyMemory<byte> Json);

public sealed record Recalled(IReadOnlyDictionary<string, Hold> Holds, IReadOnlyDictionary<string, UsageRecord> Usage)
{
    public static readonly Recalled Nothing = new(new Dictionary<string, Hold>(), new Dictionary<string, UsageRecord>());
}

/// <summary>The store could not be reached or did not answer. After an append it is not known whether it was written.</summary>
public sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
