// The usage histories of an embedded host. Each is fed with what its account's session has just made durable; one that is not in memory, or
// fell behind because another host wrote, is read from the ledger.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Engine;

public sealed class EmbeddedHistories(IStore ledger, ILogger? log = null, TimeProvider? time = null) : IUsageHistories, IAsyncDisposable
{
    /// <summary>Histories that are read in the background at once, so that an account with a long journal does not hold up all
    /// others.</summary>
    readonly SemaphoreSlim readers = new(2);

    /// <summary>So many pages of a journal are read before it is looked whether the host is closing.</summary>
    const int PagesPerTurn = 20;

    readonly ConcurrentDictionary<string, Account> accounts = new(StringComparer.Ordinal);
    readonly ILogger log = log ?? NullLogger.Instance;
    readonly TimeProvider time = time ?? TimeProvider.System;
    volatile bool closing;

    sealed class Account(HistorySession session)
    {
        int catchingUp;

        public readonly HistorySession Session = session;
        public DateTimeOffset LastUsed;

        /// <summary>The newest reading in the background.</summary>
        public Task CatchUp = Task.CompletedTask;

        public bool IsCatchingUp => Volatile.Read(ref catchingUp) != 0;

        /// <summary>False where somebody is catching up already.</summary>
        public bool TryBeginCatchingUp() => Interlocked.Exchange(ref catchingUp, 1) == 0;

        public void EndCatchingUp() => Volatile.Write(ref catchingUp, 0);
    }

    Account Open(string id) =>
        accounts.TryGetValue(id, out var known) ? known : accounts.GetOrAdd(id, new Account(new(id, ledger, Prepare, log)));

    Func<Task> Prepare(string id, UsageHistory history)
    {
        var (position, bytes) = (history.Position, HistoryJson.Encode(history));
        return () => ledger.SaveHistoryAsync(id, position, bytes);
    }

    /// <summary>What a session has just written. An entry that does not follow the last one is left for whoever catches up.</summary>
    public void Take(JournalEntry entry)
    {
        var account = Open(entry.Account);
        account.LastUsed = time.GetUtcNow();
        if (account.Session.TryTake(entry) && account.Session.Unsaved < HistorySession.MostUnsaved) return;
        if (!closing && account.TryBeginCatchingUp()) account.CatchUp = Task.Run(() => CatchUpAsync(entry.Account, account));
    }

    async Task CatchUpAsync(string id, Account account)
    {
        await readers.WaitAsync();
        try
        {
            // What is not read when the host closes is read by the next one.
            while (!await account.Session.AdvanceAsync(PagesPerTurn) && !closing)
            {
            }
            await account.Session.SaveAsync(HistorySession.MostUnsaved);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history is not up to date: {Why}", id, e.Message);
        }
#pragma warning disable CA1031 // Nobody waits for it, so nobody else would tell.
        catch (Exception e) when (!closing)
#pragma warning restore CA1031
        {
            log.LogError(e, "Account {Account}: its history can not be brought up to date; `./run verify` says more", id);
        }
        finally
        {
            readers.Release();
            account.EndCatchingUp();
        }
    }

    public async Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default) =>
        await CurrentAsync(account, cancellation) is { } session ? session.View() : new UsageHistory().View();

    public async Task<IReadOnlyList<Core.Statistics.Anomaly>> FindsAsync(
        string account, NodaTime.Instant since, CancellationToken cancellation = default) =>
        await CurrentAsync(account, cancellation) is { } session ? session.Finds(since) : [];

    /// <summary>The history with everything acknowledged before; null for an account that does not exist, which leaves nothing
    /// behind.</summary>
    async Task<HistorySession?> CurrentAsync(string account, CancellationToken cancellation)
    {
        if (!accounts.TryGetValue(account, out var found))
        {
            if ((await ledger.LoadHistoryAsync(account)).Version == 0 && (await ledger.ReadJournalAsync(account, 0, 1)).Count == 0)
                return null;
            found = Open(account);
        }
        found.LastUsed = time.GetUtcNow();
        await found.Session.AdvanceAsync().WaitAsync(cancellation);
        await found.Session.SaveAsync(HistorySession.MostUnsaved);
        return found.Session;
    }

    /// <summary>Gives back the memory of accounts that nobody used for so long.</summary>
    public async Task EvictAsync(TimeSpan idle)
    {
        var before = time.GetUtcNow() - idle;
        foreach (var (id, account) in accounts)
            if (account.LastUsed <= before && !account.IsCatchingUp) await EndAsync(id, account);
    }

    /// <summary>Gives back the memory of the accounts that were used longest ago, where there are more than may be in it.</summary>
    public async Task ShedAsync(int most)
    {
        foreach (var some in ColdAccounts.Of(accounts, most, account => account.Value.LastUsed)
            .Where(account => !account.Value.IsCatchingUp).Chunk(ColdAccounts.AtOnce))
            await Task.WhenAll(some.Select(account => EndAsync(account.Key, account.Value)));
    }

    async Task EndAsync(string id, Account account)
    {
        await SaveQuietlyAsync(id, account);
        accounts.TryRemove(new(id, account));
    }

    async Task SaveQuietlyAsync(string id, Account account)
    {
        try
        {
            await account.Session.SaveAsync(HistorySession.WorthSaving);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history was not kept: {Why}", id, e.Message);
        }
    }

    /// <summary>Saves the histories that are worth it. The ledger stays its owner's to close: when this has ended, nothing of here reads it
    /// any more.</summary>
    public async ValueTask DisposeAsync()
    {
        closing = true;
        await Task.WhenAll(accounts.Values.Select(account => account.CatchUp)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var (id, account) in accounts) await SaveQuietlyAsync(id, account);
        accounts.Clear();
        readers.Dispose();
    }
}
