// The usage histories of an embedded host. Each is fed with what its account's session has just made durable; one that is not in memory, or
// fell behind because another host wrote, is read from the ledger.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Engine;

public sealed class EmbeddedHistories(ILedger ledger, ILogger? log = null, TimeProvider? time = null) : IUsageHistories, IAsyncDisposable
{
    const int EntriesPerPage = 500;

    /// <summary>About what a rebuild reads in a fraction of a second: less is not worth keeping when an account goes to rest.</summary>
    const long WorthKeeping = 2_000;

    /// <summary>A busy account is kept at least this often, so that a killed host reads little again.</summary>
    const long MostUnkept = 20_000;

    /// <summary>Histories that are read in the background at once, so that an account with a long journal does not hold up all
    /// others.</summary>
    readonly SemaphoreSlim readers = new(2);
    readonly ConcurrentDictionary<string, Account> accounts = new(StringComparer.Ordinal);
    readonly ILogger log = log ?? NullLogger.Instance;
    readonly TimeProvider time = time ?? TimeProvider.System;
    volatile bool closing;

    sealed class Account
    {
        /// <summary>Guards the history; held for a batch or a page at a time.</summary>
        public readonly Lock Gate = new();

        /// <summary>The last of the readers that queue for this account.</summary>
        public Task LastReader = Task.CompletedTask;

        /// <summary>The last of those that save this account's history, one after the other.</summary>
        public Task LastKeeper = Task.CompletedTask;

        /// <summary>Null until it is known how far the kept one reaches.</summary>
        public UsageHistory? History;
        public long KeptPosition;
        public bool CatchingUp;
        public DateTimeOffset LastUsed;
    }

    /// <summary>What a session has just written. An entry that does not follow the last one is left for whoever catches up.</summary>
    public void Take(JournalEntry entry)
    {
        var account = accounts.GetOrAdd(entry.Account, static _ => new());
        lock (account.Gate)
        {
            account.LastUsed = time.GetUtcNow();
            // A new account has no past that would have to be read.
            if (entry.Version == 1) account.History ??= new();
            if (account.History is { } history && history.Position == entry.Version - 1)
            {
                if (TryAdvance(account, entry) && entry.Version - account.KeptPosition < MostUnkept) return;
            }
            else if (account.History is { } ahead && ahead.Position >= entry.Version) return;
            if (account.CatchingUp || closing) return;
            account.CatchingUp = true;
        }
        _ = Task.Run(() => CatchUpAsync(entry.Account, account));
    }

    bool TryAdvance(Account account, JournalEntry entry)
    {
        try
        {
            account.History!.Advance(entry);
            return true;
        }
#pragma warning disable CA1031 // What looks at usage must not stop it from being booked: the entry is durable, and its callers wait.
        catch (Exception e)
#pragma warning restore CA1031
        {
            log.LogError(e, "Account {Account}: its history could not take in entry {Version}", entry.Account, entry.Version);
            account.History = null;
            return false;
        }
    }

    async Task CatchUpAsync(string id, Account account)
    {
        await readers.WaitAsync();
        try
        {
            await AdvanceAsync(id, account);
            await KeepAsync(id, account, MostUnkept);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history is not up to date: {Why}", id, e.Message);
        }
        finally
        {
            readers.Release();
            lock (account.Gate) account.CatchingUp = false;
        }
    }

    public async Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default)
    {
        // An account that does not exist leaves nothing behind.
        if (!accounts.TryGetValue(account, out var found))
        {
            if ((await ledger.LoadHistoryAsync(account)).Version == 0 && (await ledger.ReadJournalAsync(account, 0, 1)).Count == 0)
                return new UsageHistory().View();
            found = accounts.GetOrAdd(account, static _ => new());
        }
        lock (found.Gate) found.LastUsed = time.GetUtcNow();
        await AdvanceAsync(account, found).WaitAsync(cancellation);
        await KeepAsync(account, found, MostUnkept);
        lock (found.Gate) return (found.History ?? new()).View();
    }

    /// <summary>Reads the journal to its end, after whoever is reading it now: what it had read may have been before the newest
    /// entry.</summary>
    Task AdvanceAsync(string id, Account account)
    {
        lock (account.Gate) return account.LastReader = AfterAsync(account.LastReader);

        async Task AfterAsync(Task before)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            await ReadToEndAsync(id, account);
        }
    }

    async Task ReadToEndAsync(string id, Account account)
    {
        UsageHistory? known;
        lock (account.Gate) known = account.History;
        known ??= await LoadAsync(id, account);
        while (true)
        {
            long position;
            lock (account.Gate) position = known.Position;
            IReadOnlyList<JournalEntry> entries;
            try
            {
                entries = await ledger.ReadJournalAsync(id, position, EntriesPerPage);
            }
            catch (CompactedJournalException)
            {
                // It lay so far behind that what it has not read is gone. The checkpoint has read it.
                if ((known = await LoadAsync(id, account)).Position <= position) throw;
                continue;
            }
            lock (account.Gate)
                foreach (var entry in entries) known.Advance(entry);
            if (entries.Count < EntriesPerPage) return;
        }
    }

    /// <summary>The kept history, where it reaches further than the one in memory.</summary>
    async Task<UsageHistory> LoadAsync(string id, Account account)
    {
        var kept = await ledger.LoadHistoryAsync(id);
        var loaded = kept.Version > 0 ? HistoryJson.Decode(kept.Bytes.Span) : new();
        lock (account.Gate)
        {
            account.KeptPosition = Math.Max(account.KeptPosition, loaded.Position);
            if (account.History is not { } known || known.Position < loaded.Position) account.History = known = loaded;
            return known;
        }
    }

    /// <summary>Saves the history where it has gone on so far. Whoever asks while it is being saved waits until it is, or until that
    /// failed: then the next one saves it.</summary>
    Task KeepAsync(string id, Account account, long atLeast)
    {
        lock (account.Gate)
        {
            if (account.LastKeeper.IsCompleted && !IsWorthKeeping()) return Task.CompletedTask;
            return account.LastKeeper = AfterAsync(account.LastKeeper);
        }

        bool IsWorthKeeping() => account.History is { } history && history.Position - account.KeptPosition >= atLeast;

        async Task AfterAsync(Task before)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            byte[] bytes;
            long position;
            lock (account.Gate)
            {
                if (!IsWorthKeeping()) return;
                (position, bytes) = (account.History!.Position, HistoryJson.Encode(account.History));
            }
            await ledger.SaveHistoryAsync(id, position, bytes);
            lock (account.Gate) account.KeptPosition = Math.Max(account.KeptPosition, position);
        }
    }

    /// <summary>Gives back the memory of accounts that nobody used for so long.</summary>
    public async Task EvictAsync(TimeSpan idle)
    {
        var before = time.GetUtcNow() - idle;
        foreach (var (id, account) in accounts)
        {
            lock (account.Gate)
                if (account.LastUsed > before || account.CatchingUp) continue;
            await KeepQuietlyAsync(id, account);
            accounts.TryRemove(new(id, account));
        }
    }

    async Task KeepQuietlyAsync(string id, Account account)
    {
        try
        {
            await KeepAsync(id, account, WorthKeeping);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history was not kept: {Why}", id, e.Message);
        }
    }

    /// <summary>Keeps what is worth it; the ledger stays its owner's to close.</summary>
    public async ValueTask DisposeAsync()
    {
        closing = true;
        foreach (var (id, account) in accounts) await KeepQuietlyAsync(id, account);
        accounts.Clear();
        readers.Dispose();
    }
}
