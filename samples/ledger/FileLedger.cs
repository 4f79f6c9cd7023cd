// A ledger of one's own: one file, to which every change is appended and flushed before it is answered. Reads come from memory, which is
// the file played back at start. Small enough to read in five minutes, and it keeps every promise of the port: the conformance kit says so.
// It never shortens its file, and reads all of it at start: for accounts by the million take a database.
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Samples;

public sealed class FileLedger : IStore
{
    const string head = "purser file ledger 1";

    static readonly JsonSerializerOptions json = new(CoreJson.Default.Options)
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(CoreJson.Default, new DefaultJsonTypeInfoResolver()),
    };

    readonly FileStream file;
    readonly IStore memory = new MemoryLedger();

    /// <summary>One change at a time: the file has them in the order in which memory took them.</summary>
    readonly SemaphoreSlim turn = new(1, 1);

    bool closed;

    FileLedger(FileStream file) => this.file = file;

    public static async Task<FileLedger> OpenAsync(string path)
    {
        FileStream file;
        try
        {
            // Nobody else may have it open: two hosts would not see each other's changes. Without a buffer, which would keep a line that
            // could not be written, and write it before the next one.
            file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new LedgerUnavailableException(
                $"The ledger {path} can not be opened: name a file that this process may write, and that no other host has open", refused);
        }
        var ledger = new FileLedger(file);
        try
        {
            await ledger.PlayBackAsync(path);
            return ledger;
        }
        catch
        {
            await ledger.DisposeAsync();
            throw;
        }
    }

    async Task PlayBackAsync(string path)
    {
        if (file.Length == 0) await AppendLineAsync(head);
        file.Position = 0;
        using var lines = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
        if (await lines.ReadLineAsync() != head)
            throw new LedgerUnavailableException($"{path} is no ledger: name another file, or restore it from a backup");
        var whole = Encoding.UTF8.GetByteCount(head) + 1L;
        while (await lines.ReadLineAsync() is { } line)
        {
            // What a crash cut off in the middle was never answered.
            if (whole + Encoding.UTF8.GetByteCount(line) >= file.Length) break;
            if (line.Length > 0) await JsonSerializer.Deserialize<Change>(line, json)!.ApplyAsync(memory);
            whole += Encoding.UTF8.GetByteCount(line) + 1;
        }
        file.SetLength(whole);
        file.Position = whole;
    }

    /// <summary>Durable first, then done. Changes that the ledger turns away are in the file too: played back, they are turned away
    /// again.</summary>
    async Task<T> WriteAsync<T>(Change change)
    {
        await turn.WaitAsync();
        try
        {
            await AppendLineAsync(JsonSerializer.Serialize(change, json));
            return (T)(await change.ApplyAsync(memory))!;
        }
        finally
        {
            turn.Release();
        }
    }

    async Task AppendLineAsync(string line)
    {
        if (closed) throw new LedgerUnavailableException("The ledger is closed: open it again");
        var before = file.Position;
        try
        {
            await file.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
            file.Flush(flushToDisk: true);
        }
        catch (Exception failed)
        {
            CutBackTo(before);
            throw new LedgerUnavailableException($"The ledger can not be written: {failed.Message}", failed);
        }
    }

    /// <summary>Takes away what is there of a line that failed. Where that fails too, nothing may be written behind it.</summary>
    void CutBackTo(long length)
    {
        try
        {
            file.SetLength(length);
            file.Position = length;
        }
        catch (Exception)
        {
            closed = true;
        }
    }

    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch)
    {
        // A batch without events only confirms versions.
        if (!closed && batch.All(append => append.Events.Count == 0)) return await memory.AppendAsync(batch);
        return await WriteAsync<IReadOnlyList<AppendResult>>(new Appended([.. batch.Select(Entry.Of)]));
    }

    public async Task ProbeAsync()
    {
        await turn.WaitAsync();
        try
        {
            await AppendLineAsync("");
        }
        finally
        {
            turn.Release();
        }
    }

    public Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited) =>
        WriteAsync<object>(new CheckpointRestored(account, checkpoint, [.. audited.Select(Audited.Of)]));

    public Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null) =>
        WriteAsync<bool>(new SnapshotSaved(account, version, snapshot, counters));

    public Task DeleteSnapshotsAsync() => WriteAsync<object>(new SnapshotsDeleted());

    public Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history) =>
        WriteAsync<object>(new HistorySaved(account, version, history));

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update) =>
        WriteAsync<bool>(new SettingsSaved(expectedVersion, update));

    public Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file) => WriteAsync<object>(new CatalogueSaved(digest, file));

    Task<bool> ISharedState.SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
        WriteAsync<bool>(new DocumentSaved(name, expectedVersion, body));

    Task<bool> ISharedState.DeleteAsync(string name, long expectedVersion) => WriteAsync<bool>(new DocumentDeleted(name, expectedVersion));

    public Task<bool> AnnounceAsync(Announcement announcement) => WriteAsync<bool>(new Announced(announcement));

    // Memory does both with the append, so they change nothing: a host that asks for them every second does not fill the file.
    public Task<bool> FoldAsync(Instant now, int most) => memory.FoldAsync(now, most);

    public Task<bool> EraseNextAsync() => memory.EraseNextAsync();

    public Task<bool> IsErasingAsync(string account) => memory.IsErasingAsync(account);

    public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most) =>
        WriteAsync<UsageCursor?>(new Purged(bookedBefore, after, most));

    public Task<bool> RebuildAsync(string account) => WriteAsync<bool>(new Rebuilt(account));

    public Task<int> CompactAsync(string account, Instant before, int most) => WriteAsync<int>(new Compacted(account, before, most));

    // Everything else only reads.
    public Task<Instant?> TimeAsync() => memory.TimeAsync();

    public Task<IAsyncDisposable> TakeTurnAsync(string account) => memory.TakeTurnAsync(account);

    public Task<StoredBudget> LoadAsync(string account) => ((IJournal)memory).LoadAsync(account);

    public Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most) =>
        memory.ReadJournalAsync(account, afterVersion, most);

    public Task<Checkpoint?> LoadCheckpointAsync(string account) => memory.LoadCheckpointAsync(account);

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null) => memory.RecallAsync(account, holdIds, usageIds, beside);

    public IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from) => memory.ReadUsageAsync(account, from);

    public Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default) => memory.DueAsync(now, most, shard);

    public Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names) =>
        memory.ReadCountersAsync(account, names);

    public Task<StoredCounters> ReadCountersAsync(string account, CounterName after, Instant at, int most) =>
        memory.ReadCountersAsync(account, after, at, most);

    public Task<KeptHistory> LoadHistoryAsync(string account) => memory.LoadHistoryAsync(account);

    public Task<StoredSettings> LoadSettingsAsync() => memory.LoadSettingsAsync();

    public Task<long> SettingsVersionAsync() => memory.SettingsVersionAsync();

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most) => memory.ReadNotesAsync(after, most);

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most) =>
        memory.ReadNotesAsync(subjects, most);

    public Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest) => memory.LoadCatalogueAsync(digest);

    Task<SharedDocument?> ISharedState.LoadAsync(string name, long known) => ((ISharedState)memory).LoadAsync(name, known);

    Task<IReadOnlyList<NamedDocument>> ISharedState.ListAsync(string prefix, string after, int most) =>
        memory.ListAsync(prefix, after, most);

    public Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default) =>
        memory.ReadAsync(after, most, cancellation);

    public Task<long> HeadAsync(CancellationToken cancellation = default) => memory.HeadAsync(cancellation);

    public Task<Page<AccountRecord>> FindAsync(
        UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default) =>
        memory.FindAsync(filter, cursor, limit, cancellation);

    public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) =>
        memory.AskAsync(questions, cancellation);

    public Task<Page<SessionUse>> SessionsAsync(
        string account, string? session, string? cursor, int limit, CancellationToken cancellation = default) =>
        memory.SessionsAsync(account, session, cursor, limit, cancellation);

    public Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default) =>
        memory.AuditAsync(account, cursor, limit, cancellation);

    public Task<Page<AuditEntry>> HoldsAsync(
        string account, Instant from, Instant to, string? cursor, int limit, CancellationToken cancellation = default) =>
        memory.HoldsAsync(account, from, to, cursor, limit, cancellation);

    public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
        memory.WaitingAsync(until, most, cancellation);

    public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default) => memory.KeptSinceAsync(cancellation);

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) =>
        memory.AccountsAsync(search, cursor, limit, cancellation);

    public Task<long> UnfoldedAsync() => memory.UnfoldedAsync();

    public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most) =>
        memory.CompactableAsync(before, atLeast, cursor, most);

    public async ValueTask DisposeAsync()
    {
        await turn.WaitAsync();
        closed = true;
        turn.Release();
        await file.DisposeAsync();
    }
}
