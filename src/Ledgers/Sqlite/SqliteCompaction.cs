// Compaction in SQLite: planned here on what a reader sees, done by the writer in one transaction.
using NodaTime;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    public Task<Checkpoint?> LoadCheckpointAsync(string account) => Read(database =>
    {
        if (HeadOf(database, account) is not { } head || CheckpointOf(database, head.No) is not { } checkpoint) return null;
        var usage = new List<CompactedUsage>();
        using var row = database.Prepare("SELECT start, key, sums, sessions FROM compacted_usage WHERE account = ? ORDER BY start, key");
        row.Add(head.No);
        while (row.Read())
        {
            var gain = new RollupGain();
            gain.Add(row.Blob(2), row.Blob(3));
            usage.Add(new(row.Long(0), RollupKey.Parse(row.Text(1)), gain));
        }
        return checkpoint with { Usage = usage };
    });

    /// <summary>Without its usage.</summary>
    static Checkpoint? CheckpointOf(Database database, long account)
    {
        using var find = database.Prepare("SELECT version, at, state, history FROM checkpoints WHERE account = ?");
        return find.Add(account).Read()
            ? new(find.Long(0), Instant.FromUnixTimeMilliseconds(find.Long(1)), find.Blob(2).ToArray(), find.Blob(3).ToArray()) : null;
    }

    public async Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            var fold = new Fold(await Read(database => RollupStateOf(database).State).ConfigureAwait(false));
            foreach (var usage in checkpoint.Usage) fold.Add(usage);
            await Writer.RestoreAsync(account, checkpoint, audited, fold.Spread()).ConfigureAwait(false);
        }
        finally
        {
            upkeep.Release();
        }
    }

    public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most) => Read(database =>
    {
        using var accounts = database.Prepare(
            """
            SELECT accounts.account, no, heads.version, coalesce(checkpoints.version, 0)
            FROM accounts JOIN heads ON heads.account = no LEFT JOIN checkpoints ON checkpoints.account = no
            WHERE accounts.account > ? ORDER BY accounts.account LIMIT ?
            """);
        accounts.Add(cursor ?? "").Add(most);
        var (found, seen, last) = (new List<string>(), 0, "");
        for (; accounts.Read(); seen++)
        {
            last = accounts.Text(0);
            var version = Heads.Find(last)?.Version ?? accounts.Long(2);
            if (version - accounts.Long(3) <= atLeast) continue;
            // The index knows only some entries, so some more than asked for may be needed.
            using var entrance = database.Prepare(
                "SELECT at FROM journal WHERE account = ? AND version >= ? AND version % 64 = 0 ORDER BY version LIMIT 1");
            if (entrance.Add(accounts.Long(1)).Add(accounts.Long(3) + atLeast).Read() && entrance.Long(0) < before.ToUnixTimeMilliseconds())
                found.Add(last);
        }
        return new Page<string>(found, seen == most ? last : null);
    });

    public async Task<int> CompactAsync(string account, Instant before, int most)
    {
        await upkeep.WaitAsync().ConfigureAwait(false);
        try
        {
            var erasures = await AuditTrail.ErasuresAsync(this, account).ConfigureAwait(false);
            var (no, step, positions) = await Read(database =>
            {
                if (HeadOf(database, account) is not { } head) return default;
                var from = CheckpointOf(database, head.No);
                var read = ReadJournal(database, account, head, from?.Version ?? 0, most);
                var planned = Compaction.Plan(account, from, EntriesOf(read), before, LimitsOf(database, head, erasures));
                return (head.No, planned, read.Where(one => one.Entry.Version <= planned?.Checkpoint.Version).Select(one => one.Position)
                    .ToArray());
            }).ConfigureAwait(false);
            if (step is null) return 0;
            await Writer.CompactAsync(account, no, step, positions).ConfigureAwait(false);
            return positions.Length;
        }
        finally
        {
            upkeep.Release();
        }
    }

    static CompactionLimits LimitsOf(Database database, (long No, long Version, long LastEntry) head,
        IReadOnlyList<(long, Core.UsageErased)> erasures)
    {
        var end = head.Version;
        using (var pending = database.Prepare("SELECT min(version) FROM audit WHERE account = ? AND erases"))
            if (pending.Add(head.No).Read() && pending.LongOrNull(0) is { } first)
                end = Math.Min(end, first);
        return new(end, UnfoldedOf(database, head.No, RollupStateOf(database).Folded), erasures);
    }
}
