// Hands journal entries from the sessions of this silo to the usage histories of this silo, which need not read them from the ledger.
using System.Collections.Concurrent;
using Purser.Engine;

namespace Purser.Grains;

/// <summary>It may lose entries: a history that finds a gap reads the ledger.</summary>
public sealed class HistoryFeed
{
    /// <summary>At most so many events wait for one history. Beyond that they are dropped, and the history reads them from the
    /// ledger.</summary>
    const int MostEvents = 10_000;

    readonly ConcurrentDictionary<string, Reader> readers = new(StringComparer.Ordinal);

    /// <summary>From now on entries of the account are kept for this reader.</summary>
    public Reader Open(string account) => readers[account] = new(account);

    public void Close(Reader reader) => readers.TryRemove(new(reader.Account, reader));

    /// <summary>Whether the account's history is active here.</summary>
    public bool IsRead(string account) => readers.ContainsKey(account);

    /// <summary>Whether the account has a reader here.</summary>
    public bool Offer(JournalEntry entry)
    {
        if (!readers.TryGetValue(entry.Account, out var reader)) return false;
        reader.Add(entry);
        return true;
    }

    public sealed class Reader(string account)
    {
        readonly Lock gate = new();
        List<JournalEntry> entries = [];
        int events;

        public string Account => account;

        internal void Add(JournalEntry entry)
        {
            lock (gate)
            {
                if (events >= MostEvents)
                {
                    entries.Clear();
                    events = 0;
                }
                entries.Add(entry);
                events += entry.Events.Count;
            }
        }

        /// <summary>The entries since the last call, in the order of the journal.</summary>
        public IReadOnlyList<JournalEntry> Take()
        {
            lock (gate)
            {
                var taken = entries;
                (entries, events) = ([], 0);
                return taken;
            }
        }
    }
}
