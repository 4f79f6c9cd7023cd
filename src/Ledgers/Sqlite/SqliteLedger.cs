// The default ledger: one SQLite file in a folder, one host at a time. Appends go to the writer; reads run beside it on connections of
// their own and see everything that was acknowledged before.
using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger : IStore
{
    public const string FileName = "purser.db";
    public const string LockName = "purser.lock";
    public const string MarkName = SqliteMark.FileName;

    static readonly string[] pragmas =
    [
        // Other programs (backups, a curious sqlite3) may hold the file for a moment.
        "busy_timeout = 10000",
        "temp_store = MEMORY",
        "cache_size = -16384",
    ];

    static readonly string[] writerPragmas =
    [
        .. pragmas,
        "journal_mode = WAL",
        "synchronous = FULL",
        "cache_size = -65536",
        // 16 MB: pages that are written again and again reach the file once.
        "wal_autocheckpoint = 4000",
        "journal_size_limit = 67108864",
    ];

    static readonly string[] readerPragmas = [.. pragmas, "query_only = 1"];

    /// <summary>More idle connections than this are closed: each keeps its pages.</summary>
    const int MostIdleReaders = 4;

    /// <summary>So many rows are a short transaction; the next poll does more.</summary>
    const int MostRearmed = 1000;

    readonly string folder;
    readonly string path;
    readonly ConcurrentBag<Database> readers = [];
    volatile bool closed;

    SqliteLedger(string folder)
    {
        this.folder = folder;
        path = Path.Combine(folder, FileName);
    }

    /// <summary>
    /// Opens the ledger of a folder, or makes one. Whatever keeps it from opening is a <see cref="LedgerUnavailableException"/> whose
    /// message says what to do. A ledger that lacks something of what it acknowledged is refused, unless the loss is accepted: then it
    /// goes on from what there is, and announces that. One that can be read and not written is opened for reading, until it can.
    /// </summary>
    public static Task<SqliteLedger> OpenAsync(string folder, bool acceptLoss = false) => Task.Run(async () =>
    {
        var ledger = new SqliteLedger(folder);
        LedgerUnavailableException? loss = null;
        LedgerReach reach = default, lost = default;
        try
        {
            (ledger.writable, loss, reach, lost) = OpenForWriting(folder, acceptLoss);
        }
        catch (LedgerUnavailableException fault) when (!acceptLoss && IsWantOfWriting(fault) && ExistsIn(folder))
        {
            ledger.OpenForReading(fault);
        }
        if (loss is not null) await ledger.AnnounceLossAsync(loss.Message, reach, lost).ConfigureAwait(false);
        return ledger;
    });

    static MarkedLedger? MarkOf(string folder, bool acceptLoss)
    {
        try
        {
            return SqliteMark.Read(folder);
        }
        catch (InvalidDataException damaged)
        {
            return acceptLoss ? null : throw SqliteOpening.Mark(Path.Combine(folder, SqliteMark.FileName), damaged);
        }
    }

    /// <summary>Looked at before SQLite does: it would make a new file, and throw away a log that lies beside none.</summary>
    static void RefuseGone(string path, MarkedLedger? marked)
    {
        if (new FileInfo(path) is { Exists: true, Length: > 0 } || Directory.Exists(path)) return;
        if (marked?.Reach is { } reach && default(LedgerReach).MissingOf(reach) is { } missing) throw SqliteOpening.Gone(path, missing);
        if (new FileInfo(path + "-wal") is { Exists: true, Length: > 0 }) throw SqliteOpening.Gone(path, null);
    }

    static LedgerUnavailableException? LossOf(string path, (string? Id, LedgerReach Reach) found, MarkedLedger marked)
    {
        if (found.Id is { } id && id != marked.Id) return SqliteOpening.Another(path);
        return found.Reach.MissingOf(marked.Reach) is { } missing ? SqliteOpening.Loss(path, missing) : null;
    }

    /// <summary>How far a file goes, whichever schema it has. Marks are as old as the table that has the id.</summary>
    static (string? Id, LedgerReach Reach) ReachOf(Database database)
    {
        if (database.Scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ledger'") is null) return default;
        using var id = database.PrepareOnce("SELECT id FROM ledger");
        return (id.Read() ? id.Text(0) : null, new(
            database.Scalar("SELECT max(position) FROM journal") ?? 0, database.Scalar("SELECT max(position) FROM usage") ?? 0,
            database.Scalar("SELECT max(version) FROM settings") ?? 0));
    }

    Task<bool> AnnounceLossAsync(string what, LedgerReach from, LedgerReach to)
    {
        var at = Instant.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        var json = new System.Text.Json.Nodes.JsonObject
        {
            ["what"] = what, ["lastEntry"] = from.Entry, ["lastEntryAcknowledged"] = to.Entry, ["lastUsage"] = from.Usage,
            ["lastUsageAcknowledged"] = to.Usage,
        };
        return Writer.AnnounceAsync(new(
            $"ledger.loss-accepted:{to.Entry}:{at.ToUnixTimeMilliseconds()}", "ledger.loss-accepted", null, at, FileName, "critical",
            json.ToJsonString()));
    }

    /// <summary>Whether a folder has a ledger at all; opening makes one where there is none.</summary>
    public static bool ExistsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Whether a folder had a ledger once, even if its file is gone.</summary>
    public static bool HadOne(string folder) => ExistsIn(folder) || File.Exists(Path.Combine(folder, MarkName));

    /// <summary>Whether somebody (a host, a command) has the ledger of a folder just now.</summary>
    public static bool IsHeld(string folder)
    {
        var path = Path.Combine(folder, LockName);
        if (!File.Exists(path)) return false;
        try
        {
            // For reading: also where nobody may write.
            using var free = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>The lock is the operating system's, so it goes with the process, however that ends; the file stays.</summary>
    static FileStream Hold(string folder)
    {
        var path = Path.Combine(folder, LockName);
        try
        {
            Directory.CreateDirectory(folder);
            return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw SqliteOpening.Folder(folder, fault);
        }
    }

    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch)
    {
        ThrowIfLockIsLost();
        if (batch.All(append => append.Events.Count == 0)) return [.. batch.Select(Confirm)];
        // Here: the writer should do nothing but write.
        foreach (var append in batch) append.TryEncode();
        return await Writer.AppendAsync(batch).ConfigureAwait(false);
    }

    bool IJournal.TryTake(PendingAppend append)
    {
        ThrowIfLockIsLost();
        if (append.Append.Events.Count == 0) append.SetResult(Confirm(append.Append));
        else Writer.Take(append);
        return true;
    }

    /// <summary>What writes nothing asks only for a version: it waits for nobody.</summary>
    AppendResult Confirm(Append append)
    {
        var version = writable?.Writer.KnownVersion(append.Account);
        // Readers see a commit a moment before the writer's memory has it: the file has the last word.
        if (version != append.ExpectedVersion) version = ReadNow(database => HeadOf(database, append.Account)?.Version ?? 0);
        var settings = NewestSettings;
        var conflict = version != append.ExpectedVersion || append.SettingsVersion < settings;
        return new(conflict ? AppendStatus.Conflict : AppendStatus.Written, version.Value, settings);
    }

    /// <summary>One host per folder: it is always this one's turn.</summary>
    public Task<IAsyncDisposable> TakeTurnAsync(string account) => Task.FromResult<IAsyncDisposable>(Turn.Always);

    public Task<NodaTime.Instant?> TimeAsync() => Task.FromResult<NodaTime.Instant?>(null);

    public async Task ProbeAsync()
    {
        ThrowIfLockIsLost(asked: true);
        await Writer.ProbeAsync().ConfigureAwait(false);
    }

    long NewestSettings => writable?.Writer.SettingsVersion ?? ReadNow(database => database.Scalar("SELECT max(version) FROM settings")
        ?? 0);

    public Task<StoredBudget> LoadAsync(string account) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return StoredBudget.Nothing;
        var (version, state) = (0L, Array.Empty<byte>());
        using (var snapshot = database.Prepare("SELECT version, state FROM snapshots WHERE account = ?"))
            if (snapshot.Add(head.No).Read())
                (version, state) = (snapshot.Long(0), snapshot.Blob(1).ToArray());
        using (var checkpoint = database.Prepare("SELECT version, state FROM checkpoints WHERE account = ? AND version > ?"))
            if (checkpoint.Add(head.No).Add(version).Read())
                (version, state) = (checkpoint.Long(0), checkpoint.Blob(1).ToArray());
        return new StoredBudget(version, state, EntriesOf(Walk(database, account, head.LastEntry, head.Version, version, long.MaxValue)));
    });

    public Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most) =>
        Read<IReadOnlyList<JournalEntry>>(database => ReadJournal(database, account, afterVersion, most));

    JournalEntry[] ReadJournal(Database database, string account, long afterVersion, int most)
    {
        if (HeadOf(database, account) is not { } head) return [];
        afterVersion = Math.Max(0, afterVersion);
        CompactedJournalException.ThrowIf(account, afterVersion, CheckpointedOf(database, head.No));
        return EntriesOf(ReadJournal(database, account, head, afterVersion, most));
    }

    static JournalEntry[] EntriesOf(IEnumerable<(long Position, JournalEntry Entry)> read) => [.. read.Select(one => one.Entry)];

    /// <summary>The version up to which an account's journal was compacted.</summary>
    static long? CheckpointedOf(Database database, long account)
    {
        using var find = database.Prepare("SELECT version FROM checkpoints WHERE account = ?");
        return find.Add(account).Read() ? find.Long(0) : null;
    }

    static List<(long Position, JournalEntry Entry)> ReadJournal(Database database, string account,
        (long No, long Version, long LastEntry) head, long afterVersion, int most)
    {
        if (most <= 0) return [];
        var upTo = afterVersion > long.MaxValue - most ? long.MaxValue : afterVersion + most;
        var (from, newest) = (head.LastEntry, head.Version);
        using (var entrance = database.Prepare(
            "SELECT position, version FROM journal WHERE account = ? AND version >= ? AND version % 64 = 0 ORDER BY version LIMIT 1"))
            if (entrance.Add(head.No).Add(upTo).Read())
                (from, newest) = (entrance.Long(0), entrance.Long(1));
        return Walk(database, account, from, newest, afterVersion, upTo);
    }

    /// <summary>Follows the chain of an account backwards from the entry of a version at a position; what it gives is in order.</summary>
    static List<(long Position, JournalEntry Entry)> Walk(Database database, string account, long from, long fromVersion, long afterVersion,
        long upToVersion)
    {
        var entries = new List<(long, JournalEntry)>();
        using var read = database.Prepare("SELECT version, previous, at, events FROM journal WHERE position = ?");
        long? position = from;
        for (var expected = fromVersion; expected > afterVersion; expected--)
        {
            if (position is not { } at || !read.Add(at).Read() || (read.Long(0) != expected && at != from))
                throw new InvalidDataException(
                    $"the journal of {account} is damaged: the entry at {position}, version {expected}, is missing");
            var version = expected = read.Long(0);
            if (version <= afterVersion) break;
            if (version <= upToVersion)
                entries.Add(
                    (at, new(account, version, Instant.FromUnixTimeMilliseconds(read.Long(2)), LedgerJson.DecodeEvents(read.Blob(3)))));
            position = read.LongOrNull(1);
            read.Reset();
        }
        entries.Reverse();
        return entries;
    }

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return Recalled.Nothing;
        var holds = new Dictionary<string, Hold>(StringComparer.Ordinal);
        foreach (var id in holdIds)
        {
            using var find = database.Prepare("SELECT hold FROM closed_holds WHERE hold_id = ? AND account = ?");
            if (find.Add(id).Add(head.No).Read()) holds[id] = LedgerJson.DecodeHold(find.Blob(0));
        }
        var usage = new Dictionary<string, UsageRecord>(StringComparer.Ordinal);
        foreach (var id in usageIds)
        {
            using var find = database.Prepare("SELECT record FROM usage WHERE usage_id = ? AND account = ?");
            if (find.Add(id).Add(head.No).Read()) usage[id] = LedgerJson.DecodeRecord(find.Blob(0));
        }
        foreach (var id in beside ?? [])
        {
            // In the words of the index: an expression of an index is found by its text.
            using var find = database.Prepare(
                "SELECT record FROM usage INDEXED BY usage_beside WHERE account = ? AND json_extract(CAST(record AS TEXT), '$.corrects') = ? "
                    + "AND instr(record, X'22636f727265637473223a') > 0");
            find.Add(head.No).Add(id);
            while (find.Read())
                if (LedgerJson.DecodeRecord(find.Blob(0)) is var record) usage[record.Id] = record;
        }
        return new Recalled(holds, usage);
    });

    public async IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from)
    {
        var filter = new UsageFilter { Account = account, From = from };
        string? cursor = null;
        do
        {
            var page = await FindAsync(filter, cursor, 1000).ConfigureAwait(false);
            foreach (var item in page.Items) yield return item.Record;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    public Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null) =>
        Writer.SaveSnapshotAsync(account, version, snapshot, counters);

    public Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return StoredCounters.None;
        var found = new List<StoredCounter>(names.Count);
        foreach (var (no, key) in names)
        {
            using var find = database.Prepare(
                "SELECT no, key, until, keep, counter FROM counters WHERE account = ? AND no = ? AND key = ?");
            if (find.Add(head.No).Add(no).Add(key).Read()) found.Add(CounterOf(find));
        }
        return new(SnapshotVersionOf(database, head.No), found);
    });

    public Task<StoredCounters> ReadCountersAsync(string account, CounterName after, NodaTime.Instant at, int most) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return StoredCounters.None;
        var found = new List<StoredCounter>();
        using var find = database.Prepare(
            "SELECT no, key, until, keep, counter FROM counters WHERE account = ? AND (no, key) > (?, ?) AND until > ? ORDER BY no, key "
                + "LIMIT ?");
        find.Add(head.No).Add(after.No).Add(after.Key).Add(at.ToUnixTimeMilliseconds()).Add(most);
        while (find.Read()) found.Add(CounterOf(find));
        return new(SnapshotVersionOf(database, head.No), found);
    });

    /// <summary>The version of what <see cref="LoadAsync"/> begins with.</summary>
    static long SnapshotVersionOf(Database database, long account)
    {
        using var find = database.Prepare(
            "SELECT version FROM snapshots WHERE account = ? UNION ALL SELECT version FROM checkpoints WHERE account = ? "
                + "ORDER BY version DESC LIMIT 1");
        return find.Add(account).Add(account).Read() ? find.Long(0) : 0;
    }

    static StoredCounter CounterOf(Statement row) => new(
        new((int)row.Long(0), row.Text(1)), NodaTime.Instant.FromUnixTimeMilliseconds(row.Long(2)), row.Long(3) != 0, row.Blob(4)
            .ToArray());

    public Task DeleteSnapshotsAsync() => Writer.DeleteSnapshotsAsync();

    public Task<KeptHistory> LoadHistoryAsync(string account) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head) return KeptHistory.None;
        using var kept = database.Prepare(
            """
            SELECT version, history FROM (SELECT version, history FROM histories WHERE account = ?1 UNION ALL SELECT version, history FROM checkpoints WHERE account = ?1)
            ORDER BY version DESC LIMIT 1
            """);
        return kept.Add(head.No).Read() ? new(kept.Long(0), kept.Blob(1).ToArray()) : KeptHistory.None;
    });

    public Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history) =>
        Writer.SaveHistoryAsync(account, version, history);

    /// <summary>Lets the file grow to so many pages: for the test of a full disk.</summary>
    internal Task LimitPagesAsync(long most) => Writer.LimitPagesAsync(most);

    /// <summary>Called on the writer's thread after each commit, before memory has its heads: for the test of whoever reads
    /// between.</summary>
    internal void OnCommit(Action? committed) => Writer.Committed = committed;

    public async Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default)
    {
        var early = new List<string>();
        var due = await Read(database =>
        {
            using var awake = database.Prepare(
                """
                SELECT accounts.account, next_deadline FROM heads CROSS JOIN accounts ON no = heads.account
                WHERE wake_at IS NOT NULL AND wake_at <= ?
                """);
            awake.Add(now.ToUnixTimeMilliseconds());
            var due = new List<(long Deadline, string Account)>();
            while (awake.Read())
                if (Heads.Find(awake.Text(0)) is null) Take(awake.Text(0), awake.LongOrNull(1));
            foreach (var (account, head) in Heads.All)
                if (head.WakeAt <= now.ToUnixTimeMilliseconds()) Take(account, head.NextDeadline);
            return due;

            void Take(string account, long? deadline)
            {
                if (deadline <= now.ToUnixTimeMilliseconds()) due.Add((deadline.Value, account));
                else if (early.Count < MostRearmed) early.Add(account);
            }
        }).ConfigureAwait(false);
        // Otherwise idle accounts whose deadline went away would be looked at each time.
        if (early.Count > 0) await Writer.RearmAsync(early).ConfigureAwait(false);
        // One host has the whole folder, so nobody asks for a shard often: it is picked out here.
        return [.. due.Where(one => shard.Has(one.Account)).DistinctBy(one => one.Account).OrderBy(one => one.Deadline)
            .Take(Math.Max(0, most)).Select(one => one.Account)];
    }

    public Task<long> SettingsVersionAsync() => closed ? Task.FromException<long>(new LedgerUnavailableException("the ledger is closed"))
        : writable is { } open ? Task.FromResult(open.Writer.SettingsVersion) : Task.Run(() => NewestSettings);

    public Task<StoredSettings> LoadSettingsAsync() => Read(database =>
    {
        var (parts, notes) = (new List<SettingsPart>(), new List<ReadOnlyMemory<byte>>());
        using (var part = database.Prepare("SELECT name, body FROM settings_parts"))
            while (part.Read())
                parts.Add(new(part.Text(0), part.Blob(1).ToArray()));
        using (var note = database.Prepare("SELECT body FROM settings_notes WHERE subject <> ? ORDER BY version DESC LIMIT ?"))
        {
            note.Add(SettingsUpdate.NotShown).Add((long)StoredSettings.MostChanges);
            while (note.Read()) notes.Add(note.Blob(0).ToArray());
        }
        notes.Reverse();
        return StoredSettings.Of(database.Scalar("SELECT max(version) FROM settings") ?? 0, parts, notes);
    });

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update) => Writer.SaveSettingsAsync(expectedVersion, update);

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most) => Read(database =>
    {
        using var find = database.Prepare(
            "SELECT version, subject, body FROM settings_notes WHERE version > ? AND subject <> ? ORDER BY version LIMIT ?");
        return (IReadOnlyList<SettingsNote>)NotesOf(find.Add(after).Add(SettingsUpdate.NotShown).Add((long)most));
    });

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most) => Read(database =>
    {
        using var find = database.Prepare(
            $"SELECT version, subject, body FROM settings_notes WHERE subject COLLATE NOCASE IN ({string.Join(", ", subjects.Select(_ => "?"))}) "
                + "ORDER BY version DESC LIMIT ?");
        foreach (var subject in subjects) find.Add(subject);
        return (IReadOnlyList<SettingsNote>)[.. Enumerable.Reverse(NotesOf(find.Add((long)most)))];
    });

    static List<SettingsNote> NotesOf(Statement found)
    {
        var notes = new List<SettingsNote>();
        while (found.Read()) notes.Add(new(found.Long(0), found.Text(1), found.Blob(2).ToArray()));
        return notes;
    }

    public Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest) => Read(database =>
    {
        using var find = database.Prepare("SELECT file FROM catalogues WHERE digest = ?");
        return find.Add(digest).Read() ? find.Blob(0).ToArray() : (ReadOnlyMemory<byte>?)null;
    });

    public Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file) => Writer.SaveCatalogueAsync(digest, file);

    /// <summary>Writes what waits, then gives the folder back. Closing it twice is the same as once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref closing, 1) != 0) return;
        closed = true;
        var open = writable;
        if (open is not null) await Task.Run(open.Writer.Dispose).ConfigureAwait(false);
        while (readers.TryTake(out var reader)) reader.Dispose();
        open?.Dispose();
        if (heldForReading is not null) await heldForReading.DisposeAsync().ConfigureAwait(false);
    }

    int closing;

    /// <summary>Where an account stands. Asked before anything else is read: then what is read is as new as this, or newer. Readers see a
    /// commit a moment before memory has its heads, so what memory may lack is read from the end of the journal.</summary>
    (long No, long Version, long LastEntry)? HeadOf(Database database, string account)
    {
        var heads = Heads;
        // First of all: entries up to there are in the heads that are looked at after it.
        var knownTo = heads.KnownTo;
        if (KnownHeadOf(heads, database, account) is not { } known) return null;
        using var behind = database.Prepare(
            "SELECT version, position FROM journal WHERE position > ? AND account = ? ORDER BY position DESC LIMIT 1");
        return behind.Add(knownTo).Add(known.No).Read() ? (known.No, behind.Long(0), behind.Long(1)) : known;
    }

    static (long No, long Version, long LastEntry)? KnownHeadOf(SqliteHeads heads, Database database, string account)
    {
        if (heads.Find(account) is { } head) return (head.No, head.Version, head.LastEntry);
        using var find = database.Prepare(
            "SELECT no, version, last_entry FROM accounts JOIN heads ON heads.account = no WHERE accounts.account = ?");
        return find.Add(account).Read() ? (find.Long(0), find.Long(1), find.Long(2)) : null;
    }

    Task<T> Read<T>(Func<Database, T> read, CancellationToken cancellation = default) =>
        Task.Run(() => ReadNow(read, cancellation), cancellation);

    /// <summary>Everything that <paramref name="read"/> reads is of one moment.</summary>
    T ReadNow<T>(Func<Database, T> read, CancellationToken cancellation = default)
    {
        if (closed) throw new LedgerUnavailableException("the ledger is closed");
        Database? database = null;
        var reusable = false;
        try
        {
            // While nobody can write, readers may take the file for one that never changes: it is not opened for writing beside them.
            if (writable is null) changing.EnterReadLock();
            if (!readers.TryTake(out database)) database = NewReader();
            using var interrupt = cancellation.UnsafeRegister(static handle => SQLitePCL.raw.sqlite3_interrupt((SQLitePCL.sqlite3)handle!),
                database.Handle);
            cancellation.ThrowIfCancellationRequested();
            using (var begin = database.Prepare("BEGIN")) begin.Run();
            var result = read(database);
            using (var end = database.Prepare("COMMIT")) end.Run();
            reusable = true;
            return result;
        }
        catch (SqliteException fault) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(fault.Message, fault, cancellation);
        }
        catch (SqliteException fault)
        {
            throw new LedgerUnavailableException($"the ledger could not read: {fault.Message}", fault);
        }
        finally
        {
            if (database is not null)
            {
                if (reusable && !closed && readers.Count < MostIdleReaders) readers.Add(database);
                else database.Dispose();
            }
            if (changing.IsReadLockHeld) changing.ExitReadLock();
        }
    }

    sealed class Turn : IAsyncDisposable
    {
        public static readonly Turn Always = new();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
