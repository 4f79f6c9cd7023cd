// The journal of one account, entry by entry, and the state that its entries come to: what loading, verifying, restoring and compacting
// have in common.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed class JournalFold
{
    const int PerRead = 500;

    /// <summary><paramref name="from"/>: the state that the entries follow, where they do not follow nothing.</summary>
    public JournalFold(string account, BudgetState? from = null)
    {
        State = from ?? new(account);
        State.Index();
    }

    public static JournalFold After(string account, Checkpoint? checkpoint) =>
        new(account, checkpoint is null ? null : LedgerJson.DecodeState(checkpoint.State.Span));

    public static JournalFold After(string account, StoredBudget stored) =>
        new(account, stored.SnapshotVersion > 0 ? LedgerJson.DecodeState(stored.Snapshot.Span) : null);

    public BudgetState State { get; }

    /// <summary>Takes the next entry, and gives the holds that it closed. A gap is an <see cref="InvalidDataException"/>: what follows it
    /// means something else. <paramref name="before"/> sees each event before it is applied.</summary>
    public IReadOnlyList<Hold> Take(JournalEntry entry, Action<BudgetEvent>? before = null)
    {
        if (entry.Version != State.Version + 1)
            throw new InvalidDataException(
                $"the entries of {entry.Account} do not follow each other: entry {entry.Version} comes after what ends at {State.Version}");
        foreach (var happened in entry.Events)
        {
            before?.Invoke(happened);
            Budget.Apply(State, happened);
        }
        State.Version = entry.Version;
        return State.TakeClosed();
    }

    /// <summary>The entries of an account after a version, page by page, each once.</summary>
    public static async IAsyncEnumerable<JournalEntry> EntriesAsync(IJournal journal, string account, long after,
        long upTo = long.MaxValue)
    {
        while (after < upTo)
        {
            var entries = await journal.ReadJournalAsync(account, after, (int)Math.Min(PerRead, upTo - after));
            foreach (var entry in entries) yield return entry;
            if (entries.Count == 0) yield break;
            after = entries[^1].Version;
        }
    }

    /// <summary>Drops from memory what was closed before an instant; it lies in the ledger.</summary>
    public void Forget(Instant before) => State.Forget(before);
}
