// The writer's part in heads: rows are written behind the journal, some with each transaction.
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

sealed partial class SqliteWriter
{
    /// <summary>So many wait before a pass over them begins; one begins after a while in any case, so that a start reads little.</summary>
    const int MostUnwritten = 4096;

    static readonly TimeSpan betweenPasses = TimeSpan.FromSeconds(1);

    /// <summary>Callers wait for a transaction, so it writes no more than this of them.</summary>
    const int MostHeadsAtOnce = 256;

    /// <summary>Heads that waited when the pass began, by their rows; its end says that all entries up to <paramref name="through"/> are in
    /// them.</summary>
    sealed class Pass(string[] accounts, long through)
    {
        public string[] Accounts => accounts;
        public long Through => through;
        public int Next { get; set; }
    }

    Pass? pass;
    long lastPass = Stopwatch.GetTimestamp();

    /// <summary>Of the open transaction: accounts whose heads moved, and what was written into rows.</summary>
    readonly HashSet<string> moved = new(StringComparer.Ordinal);
    readonly Dictionary<string, Head> written = new(StringComparer.Ordinal);

    /// <summary>A transaction failed, so what memory has is read from the file again.</summary>
    bool inDoubt;

    void WriteSomeHeads(bool all = false)
    {
        if (pass is null)
        {
            if (Unwritten.Count == 0
                || (!all && Unwritten.Count < MostUnwritten && Stopwatch.GetElapsedTime(lastPass) < betweenPasses)) return;
            pass = new([.. Unwritten.All.OrderBy(one => one.Value.No).Select(one => one.Key)], reach.Entry);
        }
        for (var count = 0; pass.Next < pass.Accounts.Length && (all || count < MostHeadsAtOnce); pass.Next++)
        {
            var account = pass.Accounts[pass.Next];
            if ((pending.GetValueOrDefault(account) ?? Unwritten.Find(account)) is not { } head) continue;
            WriteHead(account, head);
            count++;
        }
        if (pass.Next < pass.Accounts.Length) return;
        using var through = database.Prepare("UPDATE ledger SET heads_through = ?");
        through.Add(pass.Through).Run();
    }

    void WriteHead(string account, Head head)
    {
        if (head.RowWakeAt == head.WakeAt)
        {
            // Naming `wake_at` would rewrite its index, changed or not.
            using var next = database.Prepare("UPDATE heads SET version = ?, last_entry = ?, next_deadline = ? WHERE account = ?");
            next.Add(head.Version).Add(head.LastEntry).Add(head.NextDeadline).Add(head.No).Run();
        }
        else
        {
            using var next = database.Prepare(
                "UPDATE heads SET version = ?, last_entry = ?, next_deadline = ?, wake_at = ? WHERE account = ?");
            next.Add(head.Version).Add(head.LastEntry).Add(head.NextDeadline).Add(head.WakeAt).Add(head.No).Run();
            pending[account] = head = head with { RowWakeAt = head.WakeAt };
        }
        written[account] = head;
    }

    /// <summary>After a commit: what moved waits, and what was written waits no more, unless it moved on in the same
    /// transaction.</summary>
    void TakeHeads()
    {
        foreach (var account in moved) Unwritten.Set(account, pending[account]);
        foreach (var (account, row) in written)
            if (!moved.Contains(account) || pending[account] == row) Unwritten.Remove(account);
        if (pass is null || pass.Next < pass.Accounts.Length) return;
        pass = null;
        lastPass = Stopwatch.GetTimestamp();
    }

    /// <summary>At the end; where it fails, the next start reads the journal.</summary>
    void WriteAllHeads()
    {
        try
        {
            pass = null;
            if (inDoubt || Unwritten.Count > 0) Transact([], all: true);
        }
        catch (Exception fault) when (fault is SqliteException or LedgerUnavailableException)
        {
            inDoubt = true;
        }
    }
}
