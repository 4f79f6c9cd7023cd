// The writer's part in compaction: entries go in the transaction that writes the checkpoint which stands for them.
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

sealed partial class SqliteWriter
{
    public Task CompactAsync(string name, long account, CompactionStep step, IReadOnlyList<long> positions) => Send(() =>
    {
        // Its head is not to be read from entries that go.
        if (Find(name) is { } head) WriteHead(name, head);
        return Compact(account, step, positions);
    });

    bool Compact(long account, CompactionStep step, IReadOnlyList<long> positions) => Alone(() =>
    {
        Save(account, step.Checkpoint);
        foreach (var (place, gain) in step.Usage.Gains) Save(account, new CompactedUsage(place.Start, place.Key, gain));
        foreach (var entry in step.Audited)
        {
            using var keep = database.Prepare("UPDATE audit SET at = ?, events = ? WHERE account = ? AND version = ?");
            keep.Add(entry.At.ToUnixTimeMilliseconds()).Add(LedgerJson.EncodeEvents(entry.Events)).Add(account).Add(entry.Version).Run();
        }
        if (positions.Count > 0)
        {
            using var gone = database.Prepare("UPDATE feed_state SET gone_to = max(gone_to, ?)");
            gone.Add(positions.Max()).Run();
        }
        foreach (var position in positions)
        {
            using var delete = database.Prepare("DELETE FROM journal WHERE position = ?");
            delete.Add(position).Run();
        }
        return true;
    });

    public Task RestoreAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited, Fold usage) =>
        Send(() => Alone(() =>
    {
        var deadline = Compaction.NextDeadlineOf(checkpoint) is { } due ? UsageCursor.CeilingMillis(due) : (long?)null;
        // No entry is before the first one that comes.
        var head = new Head(++lastAccount, checkpoint.Version, 0, deadline, deadline, deadline);
        using (var insert = database.Prepare("INSERT INTO accounts (no, account) VALUES (?, ?)")) insert.Add(head.No).Add(account).Run();
        using (var insert = database.Prepare(
            "INSERT INTO heads (account, version, last_entry, next_deadline, wake_at) VALUES (?, ?, ?, ?, ?)"))
            insert.Add(head.No).Add(head.Version).Add(head.LastEntry).Add(head.NextDeadline).Add(head.WakeAt).Run();
        pending[account] = head;
        Save(head.No, checkpoint);
        foreach (var compacted in checkpoint.Usage) Save(head.No, compacted);
        foreach (var entry in audited)
        {
            using var keep = database.Prepare("INSERT INTO audit (account, version, erases, at, events) VALUES (?, ?, 0, ?, ?)");
            keep.Add(head.No).Add(entry.Version).Add(entry.At.ToUnixTimeMilliseconds()).Add(LedgerJson.EncodeEvents(entry.Events)).Run();
        }
        Add(usage);
        MayGo(Compaction.GoneBefore(checkpoint).ToUnixTimeMilliseconds());
        return true;
    }));

    /// <summary>Usage of compacted entries that was erased, and what was left of it.</summary>
    public Task ForgetUsageAsync(long account, IReadOnlyList<CompactedUsage> erased, IReadOnlyList<CompactedUsage> left) =>
        Send(() => Alone(() =>
    {
        foreach (var usage in erased)
        {
            using var delete = database.Prepare("DELETE FROM compacted_usage WHERE account = ? AND start = ? AND key = ?");
            delete.Add(account).Add(usage.Start).Add(usage.Key.Text).Run();
        }
        foreach (var usage in left) Save(account, usage);
        return true;
    }));

    void Save(long account, Checkpoint checkpoint)
    {
        using var save = database.Prepare(
            "INSERT OR REPLACE INTO checkpoints (account, version, at, state, history) VALUES (?, ?, ?, ?, ?)");
        save.Add(account).Add(checkpoint.Version).Add(checkpoint.At.ToUnixTimeMilliseconds()).Add(checkpoint.State.Span)
            .Add(checkpoint.History.Span).Run();
    }

    void Save(long account, CompactedUsage usage)
    {
        var key = usage.Key.Text;
        // A new one: the transaction may be repeated.
        var sum = new RollupGain();
        using (var read = database.Prepare("SELECT sums, sessions FROM compacted_usage WHERE account = ? AND start = ? AND key = ?"))
            if (read.Add(account).Add(usage.Start).Add(key).Read())
                sum.Add(read.Blob(0), read.Blob(1));
        sum.Add(usage.Gain);
        using var save = database.Prepare(
            "INSERT OR REPLACE INTO compacted_usage (account, start, key, sums, sessions) VALUES (?, ?, ?, ?, ?)");
        save.Add(account).Add(usage.Start).Add(key).Add(sum.Sums.Encode()).Add(sum.Sessions.Encode()).Run();
    }
}
