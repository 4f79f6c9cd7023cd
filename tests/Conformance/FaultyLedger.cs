// A ledger in front of another one that fails where a test says so: before the write, after it, or not until it is let go.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance;

public enum Fault
{
    None,

    /// <summary>Nothing is written and the caller is told that it failed.</summary>
    BeforeWrite,

    /// <summary>It is written, but the reply is lost.</summary>
    AfterWrite,
}

public sealed class FaultyLedger(IStore inner) : IStore
{
    /// <summary>Asked at each append.</summary>
    public Func<IReadOnlyList<Append>, Fault> OnAppend { get; set; } = _ => Fault.None;

    /// <summary>Awaited before each append goes on.</summary>
    public Func<IReadOnlyList<Append>, Task> BeforeAppend { get; set; } = _ => Task.CompletedTask;

    /// <summary>Awaited before an account or counters of it are read, and before a snapshot of it is saved.</summary>
    public Func<Task> BeforeState { get; set; } = () => Task.CompletedTask;

    /// <summary>Awaited before a page of a journal is read.</summary>
    public Func<Task> BeforeReadJournal { get; set; } = () => Task.CompletedTask;

    /// <summary>Awaited before a history is saved.</summary>
    public Func<Task> BeforeSaveHistory { get; set; } = () => Task.CompletedTask;

    /// <summary>Awaited before sums are asked for.</summary>
    public Func<Task> BeforeAsk { get; set; } = () => Task.CompletedTask;

    /// <summary>Awaited before a page of the names of accounts is read.</summary>
    public Func<Task> BeforeAccounts { get; set; } = () => Task.CompletedTask;

    /// <summary>Told after an erasure was carried out.</summary>
    public Action OnErased { get; set; } = () => { };

    /// <summary>Told after old records were looked for.</summary>
    public Action OnPurged { get; set; } = () => { };

    /// <summary>While set, every read fails.</summary>
    public bool Unreachable { get; set; }

    /// <summary>How often it was asked for what memory lacks.</summary>
    public int Recalls { get; private set; }

    /// <summary>How much of audit trails was read.</summary>
    public int AuditEntriesRead { get; private set; }

    /// <summary>The ledger's clock, where a test has one of its own.</summary>
    public Func<Instant>? Time { get; set; }

    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch)
    {
        Reach();
        await BeforeAppend(batch);
        var fault = OnAppend(batch);
        if (fault == Fault.BeforeWrite) throw new LedgerUnavailableException("connection refused (staged)");
        var results = await inner.AppendAsync(batch);
        return fault == Fault.AfterWrite ? throw new LedgerUnavailableException("connection lost before the reply (staged)") : results;
    }

    void Reach()
    {
        if (Unreachable) throw new LedgerUnavailableException("unreachable (staged)");
    }

    public Task<IAsyncDisposable> TakeTurnAsync(string account)
    {
        Reach();
        return inner.TakeTurnAsync(account);
    }

    public Task<Instant?> TimeAsync()
    {
        Reach();
        return Time is { } time ? Task.FromResult<Instant?>(time()) : inner.TimeAsync();
    }

    public Task ProbeAsync()
    {
        Reach();
        return inner.ProbeAsync();
    }

    public async Task<StoredBudget> LoadAsync(string account)
    {
        Reach();
        await BeforeState();
        return await inner.LoadAsync(account);
    }

    public async Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most)
    {
        Reach();
        await BeforeReadJournal();
        return await inner.ReadJournalAsync(account, afterVersion, most);
    }

    public Task<Checkpoint?> LoadCheckpointAsync(string account)
    {
        Reach();
        return inner.LoadCheckpointAsync(account);
    }

    public Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited)
    {
        Reach();
        return inner.RestoreCheckpointAsync(account, checkpoint, audited);
    }

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null)
    {
        Reach();
        Recalls++;
        return inner.RecallAsync(account, holdIds, usageIds, beside);
    }

    public IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from)
    {
        Reach();
        return inner.ReadUsageAsync(account, from);
    }

    public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default)
    {
        Reach();
        return inner.KeptSinceAsync(cancellation);
    }

    public async Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null)
    {
        Reach();
        await BeforeState();
        return await inner.SaveSnapshotAsync(account, version, snapshot, counters);
    }

    public async Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names)
    {
        Reach();
        await BeforeState();
        return await inner.ReadCountersAsync(account, names);
    }

    public async Task<StoredCounters> ReadCountersAsync(string account, CounterName after, Instant at, int most)
    {
        Reach();
        await BeforeState();
        return await inner.ReadCountersAsync(account, after, at, most);
    }

    public Task DeleteSnapshotsAsync() => inner.DeleteSnapshotsAsync();

    public Task<KeptHistory> LoadHistoryAsync(string account) => inner.LoadHistoryAsync(account);

    public async Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history)
    {
        await BeforeSaveHistory();
        await inner.SaveHistoryAsync(account, version, history);
    }

    public Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default)
    {
        Reach();
        return inner.DueAsync(now, most, shard);
    }

    public Task<StoredSettings> LoadSettingsAsync()
    {
        Reach();
        return inner.LoadSettingsAsync();
    }

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most)
    {
        Reach();
        return inner.ReadNotesAsync(after, most);
    }

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most)
    {
        Reach();
        return inner.ReadNotesAsync(subjects, most);
    }

    public Task<long> SettingsVersionAsync()
    {
        Reach();
        return inner.SettingsVersionAsync();
    }

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update)
    {
        Reach();
        return inner.SaveSettingsAsync(expectedVersion, update);
    }

    public Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest)
    {
        Reach();
        return inner.LoadCatalogueAsync(digest);
    }

    public Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file)
    {
        Reach();
        return inner.SaveCatalogueAsync(digest, file);
    }

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default) =>
        inner.FindAsync(filter, cursor, limit, cancellation);

    public async Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default)
    {
        await BeforeAsk();
        return await inner.AskAsync(questions, cancellation);
    }

    public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default) => inner.SessionsAsync(account, session, cursor, limit, cancellation);

    public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
        inner.WaitingAsync(until, most, cancellation);

    public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
        CancellationToken cancellation = default) => inner.HoldsAsync(account, from, to, cursor, limit, cancellation);

    public async Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var page = await inner.AuditAsync(account, cursor, limit, cancellation);
        AuditEntriesRead += page.Items.Count;
        return page;
    }

    public async Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default)
    {
        await BeforeAccounts();
        return await inner.AccountsAsync(search, cursor, limit, cancellation);
    }

    public Task<long> UnfoldedAsync() => inner.UnfoldedAsync();

    public Task<bool> FoldAsync(Instant now, int most) => inner.FoldAsync(now, most);

    public async Task<bool> EraseNextAsync()
    {
        var erased = await inner.EraseNextAsync();
        if (erased) OnErased();
        return erased;
    }

    public Task<bool> IsErasingAsync(string account) => inner.IsErasingAsync(account);

    public async Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most)
    {
        var next = await inner.PurgeAsync(bookedBefore, after, most);
        OnPurged();
        return next;
    }

    public Task<bool> RebuildAsync(string account) => inner.RebuildAsync(account);

    public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most) =>
        inner.CompactableAsync(before, atLeast, cursor, most);

    public Task<int> CompactAsync(string account, Instant before, int most) => inner.CompactAsync(account, before, most);

    public Task<SharedDocument?> LoadAsync(string name, long known) => inner.LoadAsync(name, known);

    public Task<bool> SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
        inner.SaveAsync(name, expectedVersion, body);

    public Task<bool> DeleteAsync(string name, long expectedVersion) => inner.DeleteAsync(name, expectedVersion);

    public Task<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int most) => inner.ListAsync(prefix, after, most);

    public Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default) =>
        inner.ReadAsync(after, most, cancellation);

    public Task<long> HeadAsync(CancellationToken cancellation = default) => inner.HeadAsync(cancellation);

    public Task<bool> AnnounceAsync(Announcement announcement) => inner.AnnounceAsync(announcement);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
