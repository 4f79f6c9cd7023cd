// One account's usage history in memory: takes in what was just written, reads the journal to its end, and is saved now and then. The
// embedded host and the history grain each own sessions, and differ only in where these are saved.
using Microsoft.Extensions.Logging;

namespace Purser.Engine;

/// <summary>Prepares to save a history as it is now: what it gives back writes it, while the history may go on.</summary>
public delegate Func<Task> PrepareSave(string account, UsageHistory history);

public sealed class HistorySession(string account, IStore ledger, PrepareSave prepareSave, ILogger log, UsageHistory? saved = null)
{
    /// <summary>About what a rebuild reads in a fraction of a second: less is not worth saving when an account goes to rest.</summary>
    public const long WorthSaving = 2_000;

    /// <summary>A busy account is saved at least this often, so that a killed host reads little again.</summary>
    public const long MostUnsaved = 20_000;

    const int EntriesPerPage = 500;

    /// <summary>Guards the history; held for a batch or a page at a time.</summary>
    readonly Lock gate = new();

    /// <summary>The last of the readers, and of the savers, which run one after the other.</summary>
    Task<bool> lastReader = Task.FromResult(true);
    Task lastSave = Task.CompletedTask;

    /// <summary>Null until the saved one was loaded.</summary>
    UsageHistory? history = saved;
    long savedPosition = saved?.Position ?? 0;

    /// <summary>Entries that were taken in and are not saved.</summary>
    public long Unsaved
    {
        get
        {
            lock (gate) return history is null ? 0 : history.Position - savedPosition;
        }
    }

    /// <summary>Takes in what was just written; false where the history lacks what came before it, and has to be read.</summary>
    public bool TryTake(JournalEntry entry)
    {
        lock (gate)
        {
            // A new account has no past that would have to be read.
            if (entry.Version == 1) history ??= new();
            if (history is null || history.Position < entry.Version - 1) return false;
            return history.Position >= entry.Version || TryAdvance(entry);
        }
    }

    bool TryAdvance(JournalEntry entry)
    {
        try
        {
            history!.Advance(entry);
            return true;
        }
#pragma warning disable CA1031 // What looks at usage must not stop it from being booked: the entry is durable, and its callers wait.
        catch (Exception e)
#pragma warning restore CA1031
        {
            log.LogError(e, "Account {Account}: its history could not take in entry {Version}", account, entry.Version);
            history = null;
            return false;
        }
    }

    public UsageHistoryView View()
    {
        lock (gate) return (history ?? new()).View();
    }

    public IReadOnlyList<Core.Statistics.Anomaly> Finds(NodaTime.Instant since)
    {
        lock (gate) return (history ?? new()).Finds(since);
    }

    /// <summary>
    /// Reads so many pages of the journal, after whoever is reading it now: what that one had read may have been before the newest entry.
    /// True when the end was reached.
    /// </summary>
    public Task<bool> AdvanceAsync(int pages = int.MaxValue)
    {
        lock (gate) return lastReader = AfterAsync(lastReader);

        async Task<bool> AfterAsync(Task before)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding
                | ConfigureAwaitOptions.ContinueOnCapturedContext);
            return await ReadAsync(pages);
        }
    }

    async Task<bool> ReadAsync(int pages)
    {
        UsageHistory? known;
        lock (gate) known = history;
        known ??= await LoadAsync();
        for (var page = 0; page < pages; page++)
        {
            long position;
            lock (gate) position = known.Position;
            IReadOnlyList<JournalEntry> entries;
            try
            {
                entries = await ledger.ReadJournalAsync(account, position, EntriesPerPage);
            }
            catch (CompactedJournalException)
            {
                // The history lay so far behind that what it has not read is gone from the journal. The checkpoint has read it.
                if ((known = await LoadAsync()).Position <= position)
                    throw new InvalidDataException(
                        $"the journal of {account} has no beginning: the checkpoint for its compacted entries is missing");
                continue;
            }
            lock (gate)
                foreach (var entry in entries) known.Advance(entry);
            if (entries.Count < EntriesPerPage) return true;
        }
        return false;
    }

    /// <summary>The history that the ledger keeps, where it reaches further than the one in memory.</summary>
    async Task<UsageHistory> LoadAsync()
    {
        var kept = await ledger.LoadHistoryAsync(account);
        var loaded = kept.Version > 0 ? HistoryJson.Decode(kept.Bytes.Span) : new();
        lock (gate)
        {
            savedPosition = Math.Max(savedPosition, loaded.Position);
            if (history is not { } known || known.Position < loaded.Position) history = known = loaded;
            return known;
        }
    }

    /// <summary>
    /// Saves the history where so many entries are unsaved. Whoever asks while it is being saved waits until it is, or until that failed:
    /// then the next one saves it.
    /// </summary>
    public Task SaveAsync(long atLeast)
    {
        lock (gate)
        {
            if (lastSave.IsCompleted && !IsWorthSaving()) return Task.CompletedTask;
            return lastSave = AfterAsync(lastSave);
        }

        bool IsWorthSaving() => history is not null && history.Position - savedPosition >= atLeast;

        async Task AfterAsync(Task before)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding
                | ConfigureAwaitOptions.ContinueOnCapturedContext);
            Func<Task> save;
            long position;
            lock (gate)
            {
                if (!IsWorthSaving()) return;
                (position, save) = (history!.Position, prepareSave(account, history));
            }
            await save();
            lock (gate) savedPosition = Math.Max(savedPosition, position);
        }
    }
}
