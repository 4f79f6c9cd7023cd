// What sessions of this silo have just made durable, for the histories that are kept in this silo: they need not read it from the ledger
// again.
using System.Collections.Concurrent;
using Purser.Engine;

namespace Purser.Grains;

/// <summary>It may lose anything: a history that finds a gap reads the ledger.</summary>
public sealed class HistoryFeed
{
    /// <summary>Bounds the memory of each history; one that does not come for them reads them.</summary>
    const int MostEvents = 10_000;

    readonly ConcurrentDictionary<string, Reader> readers = new(StringComparer.Ordinal);

    /// <summary>From now on entries of the account are kept for this reader.</summary>
    public Reader Open(string account) => readers[account] = new(account);

    public void Close(Reader reader) => readers.TryRemove(new(reader.Account, reader));

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

        /// <summary>What came since the last time, in its order.</summary>
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
