// The one writer of a SQLite ledger: a thread of its own that drains what waits, appends of sessions and everything else, into one
// transaction and answers when it is durable.
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Purser.Engine;
using Purser.Ledgers.Relational;
using SQLitePCL;

namespace Purser.Ledgers.Sqlite;

sealed partial class SqliteWriter : IDisposable
{
    /// <summary>So many appends, and so much of everything else, are committed together: the first that waits waits for the last.</summary>
    const int MostAppends = Committer.MostAccounts, MostOthers = 64;

    /// <summary>Where so many appends wait, others are about to come: sessions that were told a moment ago are deciding. Once they had the
    /// processor, one more look makes one transaction of two. A few callers wait for nobody.</summary>
    const int Crowd = 8;

    /// <summary>About 20 MB of memory. A miss costs two reads by key, so dropping all of them now and then is cheaper than keeping their
    /// order.</summary>
    const int MostHeads = 100_000;

    readonly Database database;
    readonly BlockingCollection<Work> queue = [];
    readonly Thread thread;
    readonly SqliteMark mark;

    /// <summary>Heads as committed: set by the writer after each commit and before anyone is answered, read by everyone.</summary>
    readonly ConcurrentDictionary<string, Head> heads = new(StringComparer.Ordinal);

    /// <summary>Heads as they will be when the open transaction commits. Writer only, like everything below.</summary>
    readonly Dictionary<string, Head> pending = new(StringComparer.Ordinal);
    long? pendingSettings;
    long lastAccount;
    long lastEntry;
    long lastUsage;
    long settingsVersion;

    /// <summary>Heads that are committed, and those of them that no row says yet.</summary>
    public SqliteHeads Unwritten { get; } = new();

    /// <summary>Called when readers see a commit and memory does not know it yet: for the test of whoever reads between.</summary>
    public Action? Committed { get; set; }

    /// <summary>The transaction is being repeated with a savepoint around everything that can fail alone.</summary>
    bool careful;

    /// <summary>How far the file reaches as committed, and as it will when the open transaction commits.</summary>
    LedgerReach reach;
    LedgerReach pendingReach;

    /// <summary><paramref name="given"/>: no position up to there is given out.</summary>
    public SqliteWriter(Database database, SqliteMark mark, LedgerReach reach, LedgerReach given)
    {
        this.database = database;
        this.mark = mark;
        this.reach = pendingReach = reach;
        lastAccount = database.Scalar("SELECT max(no) FROM accounts") ?? 0;
        // Positions of the journal and of announcements are of one sequence.
        lastEntry = Math.Max(Math.Max(reach.Entry, given.Entry), database.Scalar("SELECT max(position) FROM announcements") ?? 0);
        lastUsage = Math.Max(reach.Usage, given.Usage);
        settingsVersion = reach.Settings;
        Unwritten.Recover(database);
        thread = new(Serve) { IsBackground = true, Name = "ledger writer" };
        // Without the context of whoever opens the ledger: the spans of this thread would be its children from then on.
        thread.UnsafeStart();
    }

    /// <summary>How many pieces of work wait for the next transaction.</summary>
    public int Waiting => queue.Count;

    /// <summary>The newest committed settings.</summary>
    public long SettingsVersion => Volatile.Read(ref settingsVersion);

    /// <summary>The committed version of an account, where it is known without a read.</summary>
    public long? KnownVersion(string account) => heads.TryGetValue(account, out var head) ? head.Version : null;

    public Task<AppendResult[]> AppendAsync(IReadOnlyList<Append> batch) => Send(() =>
    {
        var results = new AppendResult[batch.Count];
        for (var i = 0; i < results.Length; i++) results[i] = Append(batch[i]);
        return results;
    });

    /// <summary>Of two appends of an account that meet in one transaction the second conflicts: both were decided at one version.</summary>
    public void Take(PendingAppend append) => Add(new AppendWork(this, append));

    public Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters) =>
        Send(() => Alone(() =>
    {
        if (Find(account) is not { } head) return false;
        using (var newer = database.Prepare("SELECT 1 FROM snapshots WHERE account = ? AND version > ?"))
            if (newer.Add(head.No).Add(version).Read())
                return false;
        using var save = database.Prepare("INSERT OR REPLACE INTO snapshots (account, version, state) VALUES (?, ?, ?)");
        save.Add(head.No).Add(version).Add(snapshot.Span).Run();
        if (counters is not null) Keep(head.No, counters);
        return true;
    }));

    void Keep(long account, CounterChanges counters)
    {
        foreach (var kept in counters.Kept)
        {
            using var keep = database.Prepare(
                "INSERT OR REPLACE INTO counters (account, no, key, until, keep, counter) VALUES (?, ?, ?, ?, ?, ?)");
            keep.Add(account).Add(kept.Name.No).Add(kept.Name.Key).Add(kept.Until.ToUnixTimeMilliseconds()).Add(kept.Keep)
                .Add(kept.Json.Span).Run();
        }
        foreach (var (no, key) in counters.Empty)
        {
            using var empty = database.Prepare("DELETE FROM counters WHERE account = ? AND no = ? AND key = ?");
            empty.Add(account).Add(no).Add(key).Run();
        }
        foreach (var no in counters.GoneLimits)
        {
            using var gone = database.Prepare("DELETE FROM counters WHERE account = ? AND no = ?");
            gone.Add(account).Add(no).Run();
        }
        using var ended = database.Prepare(
            """
            DELETE FROM counters WHERE (account, no, key) IN
              (SELECT account, no, key FROM counters WHERE account = ? AND until <= ? AND keep = 0 LIMIT ?)
            """);
        ended.Add(account).Add(counters.At.ToUnixTimeMilliseconds()).Add(CounterChanges.MostCleared).Run();
    }

    public Task DeleteSnapshotsAsync() => Send(() =>
    {
        database.Run("DELETE FROM snapshots");
        database.Run("DELETE FROM histories");
        return true;
    });

    public Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history) => Send(() => Alone(() =>
    {
        if (Find(account) is not { } head) return false;
        using var save = database.Prepare(
            """
            INSERT INTO histories (account, version, history) VALUES (?, ?, ?)
            ON CONFLICT (account) DO UPDATE SET version = excluded.version, history = excluded.history WHERE excluded.version >= version
            """);
        save.Add(head.No).Add(version).Add(history.Span).Run();
        return true;
    }));

    public Task<bool> SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file) => Send(() => Alone(() =>
    {
        using var save = database.Prepare(
            "INSERT INTO catalogues (digest, file) VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET file = excluded.file WHERE file <> "
                + "excluded.file");
        save.Add(digest).Add(file.Span).Run();
        return true;
    }));

    public Task<bool> DeleteSharedAsync(string name, long expectedVersion) => Send(() => Alone(() =>
    {
        using var delete = database.Prepare("DELETE FROM shared WHERE name = ? AND version = ? RETURNING version");
        return delete.Add(name).Add(expectedVersion).Read();
    }));

    public Task<bool> AnnounceAsync(Announcement announcement) => Send(() => Alone(() =>
    {
        using (var known = database.Prepare("SELECT 1 FROM announcements WHERE id = ?"))
            if (known.Add(announcement.Id).Read())
                return false;
        using var add = database.Prepare(
            "INSERT INTO announcements (position, id, type, account, at, subject, severity, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        add.Add(++lastEntry).Add(announcement.Id).Add(announcement.Type).Add(announcement.Account)
            .Add(announcement.At.ToUnixTimeMilliseconds()).Add(announcement.Subject).Add(announcement.Severity).Add(announcement.Json)
                .Run();
        return true;
    }));

    public Task<bool> SaveSharedAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) => Send(() => Alone(() =>
    {
        using var save = database.Prepare(expectedVersion == 0
            ? "INSERT INTO shared (name, version, body) VALUES (?1, ?2 + 1, ?3) ON CONFLICT DO NOTHING RETURNING version"
            : "UPDATE shared SET version = ?2 + 1, body = ?3 WHERE name = ?1 AND version = ?2 RETURNING version");
        return save.Add(name).Add(expectedVersion).Add(body.Span).Read();
    }));

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update) => Send(() => Alone(() =>
    {
        if ((pendingSettings ?? settingsVersion) != expectedVersion) return false;
        using (var next = database.Prepare("INSERT INTO settings (version) VALUES (?)")) next.Add(expectedVersion + 1).Run();
        using (var gone = database.Prepare("DELETE FROM settings WHERE version <= ?")) gone.Add(expectedVersion).Run();
        foreach (var (name, body) in update.Parts)
        {
            using var change = database.Prepare(body is null ? "DELETE FROM settings_parts WHERE name = ?"
                : "INSERT OR REPLACE INTO settings_parts (name, body) VALUES (?, ?)");
            change.Add(name);
            if (body is { } given) change.Add(given.Span);
            change.Run();
        }
        foreach (var (version, subject, body) in update.Notes)
        {
            using var note = database.Prepare("INSERT OR REPLACE INTO settings_notes (version, subject, body) VALUES (?, ?, ?)");
            note.Add(version).Add(subject).Add(body.Span).Run();
        }
        pendingSettings = expectedVersion + 1;
        return true;
    }));

    /// <summary>Sets wake-ups that came too early to the deadlines.</summary>
    public Task RearmAsync(IReadOnlyList<string> accounts) => Send(() =>
    {
        foreach (var account in accounts)
        {
            if (Find(account) is not { } head) continue;
            pending[account] = head with { WakeAt = head.NextDeadline };
            moved.Add(account);
        }
        return true;
    });

    /// <summary>As much as an append may need; where there was no room for one, more, and kept until there is.</summary>
    const int RoomOfProbe = 16 * 1024, RoomAfterFault = 256 * 1024;

    /// <summary>The last transaction failed for want of room, or the disk did.</summary>
    bool wantsRoom;

    public Task ProbeAsync() => Send(() =>
    {
        using (var take = database.Prepare("UPDATE ledger SET probes = probes + 1, room = zeroblob(?)"))
            take.Add((long)(wantsRoom ? RoomAfterFault : RoomOfProbe)).Run();
        if (wantsRoom) return true;
        using var give = database.Prepare("UPDATE ledger SET room = NULL");
        give.Run();
        return true;
    });

    public Task LimitPagesAsync(long most) => Send(() => database.Scalar($"PRAGMA max_page_count = {most}"));

    /// <summary>Writes everything that waits, then stops.</summary>
    public void Dispose()
    {
        queue.CompleteAdding();
        thread.Join();
        queue.Dispose();
        database.Dispose();
    }

    Task<T> Send<T>(Func<T> write)
    {
        var work = new Work<T>(write);
        Add(work);
        return work.Answer;
    }

    void Add(Work work)
    {
        try
        {
            queue.Add(work);
        }
        catch (InvalidOperationException)
        {
            throw new LedgerUnavailableException("the ledger is closed");
        }
    }

    void Serve()
    {
        var (group, appends) = (new List<Work>(), new List<PendingAppend>());
        foreach (var first in queue.GetConsumingEnumerable())
        {
            group.Clear();
            appends.Clear();
            var (next, looked) = (first, false);
            do
            {
                group.Add(next);
                if (next is AppendWork { Pending: var pending }) appends.Add(pending);
            }
            while (appends.Count < MostAppends && group.Count - appends.Count < MostOthers
                && TryTakeNext(appends.Count >= Crowd, ref looked, out next));
            Commit(group, appends);
        }
        WriteAllHeads();
    }

    bool TryTakeNext(bool isCrowd, ref bool looked, [NotNullWhen(true)] out Work? next)
    {
        if (queue.TryTake(out next)) return true;
        if (!isCrowd || looked) return false;
        looked = true;
        Thread.Yield();
        return queue.TryTake(out next);
    }

    void Commit(List<Work> group, List<PendingAppend> appends)
    {
        using var step = appends.Count > 0 ? DurableStep.Begin(appends) : null;
        LedgerUnavailableException? unavailable = null;
        try
        {
            try
            {
                Transact(group);
            }
            catch (SqliteException fault) when (FailsAlone(fault))
            {
                // Savepoints cost on every account, so only a transaction in which something failed alone is repeated with them.
                careful = true;
                Transact(group);
            }
            mark.Write(reach);
            wantsRoom = false;
        }
        catch (Exception fault)
        {
            wantsRoom |= fault is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_IOERR };
            unavailable = Unavailable(fault);
        }
        careful = false;
        step?.End(unavailable);
        foreach (var work in group) work.Done(unavailable);
    }

    void Transact(List<Work> group, bool all = false)
    {
        var (account, entry, usage) = (lastAccount, lastEntry, lastUsage);
        moved.Clear();
        written.Clear();
        try
        {
            using (var begin = database.Prepare("BEGIN IMMEDIATE")) begin.Run();
            if (inDoubt) Unwritten.Recover(database);
            inDoubt = false;
            foreach (var work in group)
                try
                {
                    work.Write();
                }
                catch (SqliteException fault) when (careful && FailsAlone(fault))
                {
                    work.Fault = Unavailable(fault);
                }
            WriteSomeHeads(all);
            using (var commit = database.Prepare("COMMIT")) commit.Run();
            Committed?.Invoke();
        }
        catch (Exception fault)
        {
            pending.Clear();
            pendingSettings = null;
            pendingReach = reach;
            // Where a commit failed the file says what holds, not memory.
            heads.Clear();
            inDoubt |= fault is not SqliteException sqlite || !FailsAlone(sqlite);
            pass = null;
            (lastAccount, lastEntry, lastUsage) = (account, entry, usage);
            if (database.InTransaction) database.Run("ROLLBACK");
            throw;
        }
        if (heads.Count + pending.Count > MostHeads) heads.Clear();
        foreach (var (name, head) in pending) heads[name] = head;
        TakeHeads();
        pending.Clear();
        if (pendingSettings is { } saved) Volatile.Write(ref settingsVersion, saved);
        reach = pendingReach = pendingReach with { Settings = settingsVersion };
        pendingSettings = null;
        Unwritten.KnownTo = reach.Entry;
    }

    AppendResult Append(Append append)
    {
        var found = Find(append.Account);
        var version = found?.Version ?? 0;
        var newestSettings = pendingSettings ?? settingsVersion;
        var status = AppendStatus.Written;
        if (version != append.ExpectedVersion || append.SettingsVersion < newestSettings) status = AppendStatus.Conflict;
        else if (found is { } known && KnowsOneOf(known.No, append)) status = AppendStatus.Conflict;
        else if (!append.TryEncode()) status = AppendStatus.Failed;
        else if (append.Events.Count > 0)
            try
            {
                var head = careful ? WriteAlone(append, found) : Write(append, found);
                pending[append.Account] = head;
                if (found is not null) moved.Add(append.Account);
                version = head.Version;
                pendingReach = pendingReach with { Entry = head.LastEntry, Usage = append.EncodedUsage.Count > 0
                    ? lastUsage : pendingReach.Usage };
            }
            catch (SqliteException fault) when (careful && FailsAlone(fault))
            {
                status = AppendStatus.Failed;
            }
        return new(status, version, newestSettings);
    }

    /// <summary>Whether an id that was taken for new is in the file. The pages looked at are those that the inserts need next.</summary>
    bool KnowsOneOf(long account, Append append)
    {
        foreach (var id in append.NewHolds)
        {
            using var find = database.Prepare("SELECT 1 FROM closed_holds WHERE hold_id = ? AND account = ?");
            if (find.Add(id).Add(account).Read()) return true;
        }
        foreach (var id in append.NewUsage)
        {
            using var find = database.Prepare("SELECT 1 FROM usage WHERE usage_id = ? AND account = ?");
            if (find.Add(id).Add(account).Read()) return true;
        }
        return false;
    }

    Head WriteAlone(Append append, Head? found) => Alone(() => Write(append, found));

    Head Write(Append append, Head? found)
    {
        var (at, deadline) = (append.At.ToUnixTimeMilliseconds(), append.NextDeadlineMillis);
        var head = new Head(found?.No ?? ++lastAccount, append.ExpectedVersion + 1, ++lastEntry, deadline,
            Head.Wake(found?.WakeAt, deadline, at), found?.RowWakeAt);
        if (found is null)
        {
            head = head with { RowWakeAt = head.WakeAt };
            using (var account = database.Prepare("INSERT INTO accounts (no, account) VALUES (?, ?)"))
                account.Add(head.No).Add(append.Account).Run();
            using var first = database.Prepare(
                "INSERT INTO heads (account, version, last_entry, next_deadline, wake_at) VALUES (?, ?, ?, ?, ?)");
            first.Add(head.No).Add(head.Version).Add(head.LastEntry).Add(head.NextDeadline).Add(head.WakeAt).Run();
        }

        using (var entry = database.Prepare(
            "INSERT INTO journal (position, account, version, previous, at, events, next_deadline) VALUES (?, ?, ?, ?, ?, ?, ?)"))
            entry.Add(head.LastEntry).Add(head.No).Add(head.Version).Add(found?.LastEntry).Add(at).Add(append.EncodedEvents)
                .Add(head.NextDeadline).Run();
        if (append.IsAudited)
        {
            using var audit = database.Prepare("INSERT INTO audit (account, version, erases) VALUES (?, ?, ?)");
            audit.Add(head.No).Add(head.Version).Add(append.Erases).Run();
        }
        foreach (var (id, bytes) in append.EncodedHolds) Write(head.No, id, bytes);
        foreach (var (record, bytes) in append.EncodedUsage) Write(head.No, record, bytes.Span);
        return head;
    }

    void Write(long account, string holdId, byte[] hold)
    {
        using var insert = database.Prepare(
            """
            INSERT INTO closed_holds (account, hold_id, hold) VALUES (?, ?, ?)
            ON CONFLICT (hold_id, account) DO UPDATE SET hold = excluded.hold
            """);
        insert.Add(account).Add(holdId).Add(hold).Run();
    }

    void Write(long account, Core.UsageRecord record, ReadOnlySpan<byte> bytes)
    {
        using var insert = database.Prepare(
            """
            INSERT INTO usage (
              position, account, usage_id, at, booked_at, reservation_id, orchestrator, user, tenant, session, provider, model, tool, request_id,
              success, tokens, input, output, requests, cost_nanos, currency, duration_ms, unpriced, record, doubts)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """);
        var (usage, dimensions, amounts) = (record.Usage, record.Usage.Dimensions, record.Amounts);
        insert.Add(++lastUsage).Add(account).Add(record.Id).Add(record.At.ToUnixTimeMilliseconds())
            .Add(record.BookedAt.ToUnixTimeMilliseconds())
            .Add(record.ReservationId).Add(dimensions.Orchestrator).Add(dimensions.User).Add(dimensions.Tenant).Add(dimensions.Session)
            .Add(record.Provider).Add(record.Model).Add(RollupKey.ToolsOf(usage)).Add(usage.RequestId)
            .Add(usage.Success).Add(amounts.Tokens).Add(record.Told.Input).Add(record.Told.Output).Add(amounts.Requests)
                .Add(amounts.CostNanos)
            .Add(record.Currency).Add(usage.DurationMs).Add(record.Unpriced || record.GivesPrice).Add(bytes)
            .Add(Doubts.Of(record)).Run();
        if (Doubts.SettledBy(record.Id) is not { } settled) return;
        using var settle = database.Prepare(
            "UPDATE usage SET doubts = nullif(doubts & ?, 0) WHERE usage_id = ? AND account = ? AND doubts IS NOT NULL");
        settle.Add((long)settled.Stays).Add(settled.Id).Add(account).Run();
    }

    Head? Find(string account)
    {
        if (pending.TryGetValue(account, out var head) || heads.TryGetValue(account, out head)) return head;
        if (Unwritten.Find(account) is { } unwritten) return unwritten;
        using var find = database.Prepare(
            "SELECT no, version, last_entry, next_deadline, wake_at FROM accounts JOIN heads ON heads.account = no WHERE "
                + "accounts.account = ?");
        return find.Add(account).Read() ? new(
            find.Long(0), find.Long(1), find.Long(2), find.LongOrNull(3), find.LongOrNull(4), find.LongOrNull(4)) : null;
    }

    /// <summary>In a careful transaction: what fails inside leaves nothing behind.</summary>
    T Alone<T>(Func<T> write)
    {
        if (!careful) return write();
        database.Run("SAVEPOINT alone");
        try
        {
            return write();
        }
        catch when (database.InTransaction)
        {
            database.Run("ROLLBACK TO alone");
            throw;
        }
        finally
        {
            if (database.InTransaction) database.Run("RELEASE alone");
        }
    }

    /// <summary>The fault lies in what was to be written, not in the file or the disk: the rest of the transaction can do without
    /// it.</summary>
    static bool FailsAlone(SqliteException fault) =>
        fault.SqliteErrorCode is raw.SQLITE_CONSTRAINT or raw.SQLITE_TOOBIG or raw.SQLITE_MISMATCH;

    static LedgerUnavailableException Unavailable(Exception fault) => fault as LedgerUnavailableException
        ?? new($"the ledger could not write: {fault.Message}", fault) { Reason = SqliteOpening.ReasonOf(fault) };

    /// <summary>What a transaction does for one caller. May be repeated, so it changes nothing but the database and what the writer takes
    /// back.</summary>
    abstract class Work
    {
        /// <summary>Why nothing of this one was written, where the transaction did without it.</summary>
        public virtual LedgerUnavailableException? Fault { get; set; }
        public abstract void Write();
        public abstract void Done(LedgerUnavailableException? unavailable);
    }

    sealed class Work<T>(Func<T> write) : Work
    {
        readonly TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        T? result;

        public Task<T> Answer => answer.Task;

        public override void Write() => result = write();

        public override void Done(LedgerUnavailableException? unavailable)
        {
            if ((unavailable ?? Fault) is { } fault) answer.SetException(fault);
            else answer.SetResult(result!);
        }
    }

    sealed class AppendWork(SqliteWriter writer, PendingAppend pending) : Work
    {
        public PendingAppend Pending => pending;

        public override LedgerUnavailableException? Fault { get => pending.Fault; set => pending.Fault = value; }

        public override void Write() => pending.Result = writer.Append(pending.Append);

        public override void Done(LedgerUnavailableException? unavailable)
        {
            // Its step tells it.
        }
    }
}
