// The facet behind which budgets are durable. Two rules carry everything: a batch is appended at an expected version per account, and
// what was acknowledged is never lost.
using System.Text.Json;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// The journals of all accounts, and what is written together with their entries: usage records, closed holds, deadlines. Thread-safe. Any
/// method may throw <see cref="LedgerUnavailableException"/>; after an append threw, it is not known whether it was written.
/// </summary>
public interface IJournal
{
    /// <summary>
    /// Appends to many accounts in one durable step. Each account is judged alone: one that conflicts or fails drops out, the others are
    /// written. An append without events writes nothing and confirms that the version is still the expected one. Events, usage records,
    /// closed holds and the next deadline of an account are written together or not at all. One append per account in a batch.
    /// </summary>
    Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch);

    /// <summary>
    /// A store with a writer of its own, which gathers what waits, takes one append here and ends its <see cref="DurableStep"/>. False, as
    /// it is where nothing else is said: the <see cref="Committer"/> gathers, and calls <see cref="AppendAsync"/>.
    /// </summary>
    bool TryTake(PendingAppend append) => false;

    /// <summary>
    /// Waits for its turn at an account that several hosts write at once, until the result is disposed. Nothing relies on it but progress:
    /// a writer without the lock may still come in between, and is noticed by the version.
    /// </summary>
    Task<IAsyncDisposable> TakeTurnAsync(string account);

    /// <summary>
    /// The newest snapshot (or the checkpoint, where that is newer) and the journal after it. An account that does not exist loads as
    /// version 0 with no events. Where an entry is missing in between it is an <see cref="InvalidDataException"/>, never a beginning.
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
    /// account and while no host is at work. Usage records from before it are gone.
    /// </summary>
    Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited);

    /// <summary>Closed holds and usage records by id, for those that exist, and every record that corrects one of <paramref
    /// name="beside"/> (see <see cref="UsageRecord.Corrects"/>).</summary>
    Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null);

    /// <summary>The usage records of an account whose <see cref="UsageRecord.At"/> is not before <paramref name="from"/>, in no
    /// order.</summary>
    IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from);

    /// <summary>Accounts of a shard whose next deadline is not after <paramref name="now"/>, the most overdue first.</summary>
    Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default);
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

    /// <summary>The same in milliseconds since 1970, never too early.</summary>
    public long? NextDeadlineMillis => NextDeadline is { } deadline ? UsageCursor.CeilingMillis(deadline) : null;

    /// <summary>
    /// Ids under which the batch was decided as if the ledger had no such closed hold and no such usage: where it has one, the append
    /// conflicts at the expected version. Looking while writing costs less than asking first. Only looked at together with events.
    /// </summary>
    public IReadOnlyCollection<string> NewHolds { get; init; } = [];

    public IReadOnlyCollection<string> NewUsage { get; init; } = [];

    /// <summary>The events as they are stored; encoded by whoever asks first, like the two below.</summary>
    public byte[] EncodedEvents
    {
        get
        {
            if (encoded is null) EncodeEvents();
            return encoded!;
        }
    }

    byte[]? encoded;

    /// <summary>The usage records among the events, in order; most of them as parts of <see cref="EncodedEvents"/>.</summary>
    public IReadOnlyList<(UsageRecord Record, ReadOnlyMemory<byte> Bytes)> EncodedUsage
    {
        get
        {
            if (encodedUsage is null) EncodeEvents();
            return encodedUsage!;
        }
    }

    (UsageRecord, ReadOnlyMemory<byte>)[]? encodedUsage;

    public IReadOnlyList<(string Id, byte[] Bytes)> EncodedHolds
    {
        get
        {
            if (encodedHolds is not null) return encodedHolds;
            var holds = ClosedHolds.Count == 0 ? [] : new (string, byte[])[ClosedHolds.Count];
            for (var i = 0; i < holds.Length; i++) holds[i] = (ClosedHolds[i].Id, LedgerJson.EncodeHold(ClosedHolds[i]));
            return encodedHolds = holds;
        }
    }

    (string, byte[])[]? encodedHolds;

    /// <summary>Encodes everything, on whatever thread asks first.</summary>
    public void Encode() => _ = (EncodedEvents, EncodedUsage, EncodedHolds);

    /// <summary>The same; false where something of it has no stored form.</summary>
    public bool TryEncode()
    {
        try
        {
            Encode();
            return true;
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException or NotSupportedException)
        {
            return false;
        }
    }

    void EncodeEvents()
    {
        var count = CountRecords();
        if (count == 0)
        {
            encoded = LedgerJson.EncodeEvents(events);
            encodedUsage = [];
            return;
        }
        var places = new List<(UsageRecord Record, Range Place)>(count);
        encoded = LedgerJson.EncodeEvents(events, places);
        var (usage, next, found) = (new (UsageRecord, ReadOnlyMemory<byte>)[count], 0, 0);
        for (var i = 0; i < events.Count; i++)
        {
            if (RecordOf(events[i]) is not { } record) continue;
            usage[next++] = found < places.Count && ReferenceEquals(places[found].Record, record)
                ? (record, encoded.AsMemory(places[found++].Place)) : (record, LedgerJson.EncodeRecord(record));
        }
        encodedUsage = usage;
    }

    int CountRecords()
    {
        var count = 0;
        for (var i = 0; i < events.Count; i++)
            if (RecordOf(events[i]) is not null) count++;
        return count;
    }

    /// <summary>Whether something of it belongs to the audit trail, and whether that is an erasure.</summary>
    public bool IsAudited
    {
        get
        {
            for (var i = 0; i < events.Count; i++)
                if (AuditTrail.Has(events[i])) return true;
            return false;
        }
    }

    public bool Erases => events.Any(happened => happened is UsageErased);

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

public sealed record StoredBudget(long SnapshotVersion, ReadOnlyMemory<byte> Snapshot, IReadOnlyList<JournalEntry> Tail)
{
    public static readonly StoredBudget Nothing = new(0, default, []);
}

public sealed record Recalled(IReadOnlyDictionary<string, Hold> Holds, IReadOnlyDictionary<string, UsageRecord> Usage)
{
    public static readonly Recalled Nothing = new(new Dictionary<string, Hold>(), new Dictionary<string, UsageRecord>());
}

/// <summary>The store could not be reached or did not answer. After an append it is not known whether it was written.</summary>
public sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>It is there, and something of what was acknowledged is not in it: no trying again helps.</summary>
    public bool IsLoss { get; init; }

    /// <summary>What is wrong in words that anybody may read: no names of machines, folders or people. Null: the log says it.</summary>
    public string? Reason { get; init; }
}
