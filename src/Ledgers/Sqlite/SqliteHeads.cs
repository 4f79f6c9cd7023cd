// Where accounts stand, as far as their rows do not say it yet. Rewriting a row with each append would touch more pages than all that the
// append adds, so rows are written behind it, in the order of their pages. What no row says yet is in memory; after a host was killed it
// is read again from the journal, from the position on up to which the rows are whole (`heads_through`).
using System.Collections.Concurrent;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

/// <summary>Where an account stands. <see cref="LastEntry"/> is the journal position of its newest entry, <see cref="RowWakeAt"/> what its
/// row has for <see cref="WakeAt"/>.</summary>
sealed record Head(long No, long Version, long LastEntry, long? NextDeadline, long? WakeAt, long? RowWakeAt)
{
    /// <summary>A wake-up that is early enough stays as it is; one that has passed is set anew.</summary>
    public static long? Wake(long? wakeAt, long? deadline, long now) => deadline is null || (wakeAt > now && wakeAt <= deadline)
        ? wakeAt : deadline;
}

/// <summary>The heads that are committed and not in their rows. Changed by the writer alone, read by everybody.</summary>
sealed class SqliteHeads
{
    volatile ConcurrentDictionary<string, Head> unwritten = new(StringComparer.Ordinal);

    /// <summary>Every journal entry up to this position is in a head that is here or in its row. Set after the heads themselves: whoever
    /// reads it before them finds what they lack behind it in the journal.</summary>
    public long KnownTo
    {
        get => Volatile.Read(ref knownTo);
        set => Volatile.Write(ref knownTo, value);
    }

    long knownTo;

    /// <summary>For the writer: counting costs a look at every part of the dictionary.</summary>
    public int Count { get; private set; }

    public IEnumerable<KeyValuePair<string, Head>> All => unwritten;

    public Head? Find(string account) => unwritten.GetValueOrDefault(account);

    public void Set(string account, Head head)
    {
        if (unwritten.TryAdd(account, head)) Count++;
        else unwritten[account] = head;
    }

    public void Remove(string account)
    {
        if (unwritten.TryRemove(account, out _)) Count--;
    }

    /// <summary>Reads from the journal what the rows do not say; whoever reads meanwhile sees what was known before.</summary>
    public void Recover(Database database)
    {
        var found = new ConcurrentDictionary<string, Head>(StringComparer.Ordinal);
        var last = database.Scalar("SELECT heads_through FROM ledger") ?? 0;
        using var entries = database.Prepare(
            """
            SELECT accounts.account, no, version, position, next_deadline, at FROM journal JOIN accounts ON no = journal.account
            WHERE position > (SELECT heads_through FROM ledger) ORDER BY position
            """);
        while (entries.Read())
        {
            var (account, no, version) = (entries.Text(0), entries.Long(1), entries.Long(2));
            last = entries.Long(3);
            if ((found.GetValueOrDefault(account) ?? RowOf(database, no)) is not { } before)
                throw new LedgerUnavailableException($"the account '{account}' has journal entries and no head: restore the last backup");
            if (version <= before.Version) continue;
            found[account] = before with
            {
                Version = version, LastEntry = last, NextDeadline = entries.LongOrNull(4),
                WakeAt = Head.Wake(before.WakeAt, entries.LongOrNull(4), entries.Long(5)),
            };
        }
        unwritten = found;
        Count = found.Count;
        KnownTo = last;
    }

    static Head? RowOf(Database database, long no)
    {
        using var row = database.Prepare("SELECT version, last_entry, next_deadline, wake_at FROM heads WHERE account = ?");
        return row.Add(no).Read() ? new(no, row.Long(0), row.Long(1), row.LongOrNull(2), row.LongOrNull(3), row.LongOrNull(3)) : null;
    }
}
