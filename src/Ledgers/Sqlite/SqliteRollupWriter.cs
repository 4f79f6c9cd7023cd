// The writer's part in rollups: rows that gained something are read, added to and written again, all in the transaction that says how far
// they are.
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

sealed partial class SqliteWriter
{
    /// <summary>Adds to rollups, and sets how far records are folded or hours, days and weeks are made.</summary>
    public Task RollAsync(Fold fold, long? folded, RollupState? state) => Send(() => Alone(() =>
    {
        Add(fold);
        Set(folded, state);
        return true;
    }));

    void Set(long? folded, RollupState? state)
    {
        using var set = database.Prepare(
            """
            UPDATE rollup_state SET folded = coalesce(?, folded), hours_before = coalesce(?, hours_before), days_before = coalesce(?, days_before),
              all_hours_before = coalesce(?, all_hours_before), all_days_before = coalesce(?, all_days_before),
              weeks_before = coalesce(?, weeks_before)
            """);
        set.Add(folded).Add(state?.HoursBefore).Add(state?.DaysBefore).Add(state?.AllHoursBefore).Add(state?.AllDaysBefore)
            .Add(state?.WeeksBefore).Run();
    }

    /// <summary>
    /// Puts rollups in the place of all those of some keys, and takes away from <paramref name="first"/> on what adds up over all accounts.
    /// Keys that are not used any more go: they may name somebody.
    /// </summary>
    public Task RollAgainAsync(IReadOnlyList<int> before, Fold fold, long? first, RollupState state) => Send(() => Alone(() =>
    {
        database.Run("CREATE TEMP TABLE IF NOT EXISTS gone (key INTEGER PRIMARY KEY)");
        database.Run("DELETE FROM gone");
        foreach (var key in before)
        {
            using var remember = database.Prepare("INSERT INTO gone VALUES (?)");
            remember.Add(key).Run();
        }
        database.Run("DELETE FROM rollups WHERE key IN (SELECT key FROM gone)");
        if (first is not null)
            foreach (var level in RollupLevel.All.Where(level => level.View.IsOfAll))
            {
                using var clear = database.Prepare("DELETE FROM rollups WHERE level = ? AND start >= ?");
                clear.Add((long)level.No).Add(state.Before(level)).Run();
            }
        database.Run("DELETE FROM rollup_keys WHERE no NOT IN (SELECT key FROM rollups)");
        Set(null, state);
        Add(fold);
        return true;
    }));

    /// <summary>Leaves of records what is left of them.</summary>
    public Task EraseAsync(IReadOnlyList<(long No, byte[] Left)> records, bool anonymizes) => Send(() => Alone(() =>
    {
        foreach (var (no, left) in records)
        {
            using var erase = database.Prepare(
                anonymizes ? "UPDATE usage SET user = NULL, session = NULL, request_id = NULL, record = ? WHERE position = ?" :
                """
                UPDATE usage SET erased = 1, orchestrator = NULL, user = NULL, tenant = NULL, session = NULL, provider = NULL, model = NULL, tool = NULL,
                  request_id = NULL, duration_ms = NULL, doubts = NULL, record = ?
                WHERE position = ?
                """);
            erase.Add(left).Add(no).Run();
        }
        return true;
    }));

    public Task ErasedAsync(long account, long version) => Send(() => Alone(() =>
    {
        using var done = database.Prepare("UPDATE audit SET erases = 0 WHERE account = ? AND version = ?");
        done.Add(account).Add(version).Run();
        return true;
    }));

    /// <summary>Deletes records that were booked before an instant, where rollups include them.</summary>
    public Task PurgeAsync(IReadOnlyList<long> records, long before) => Send(() => Alone(() =>
    {
        foreach (var no in records)
        {
            // The highest number stays: the next one after a restart follows it, and rollups know by it what is folded.
            using var delete = database.Prepare(
                "DELETE FROM usage WHERE position = ? AND position <= (SELECT folded FROM rollup_state) AND position < (SELECT "
                    + "max(position) FROM usage)");
            delete.Add(no).Run();
        }
        MayGo(before);
        return true;
    }));

    void MayGo(long bookedBefore)
    {
        using var set = database.Prepare("UPDATE rollup_state SET kept_since = max(coalesce(kept_since, ?1), ?1)");
        set.Add(bookedBefore).Run();
    }

    void Add(Fold fold)
    {
        var numbers = new Dictionary<RollupKey, long>();
        foreach (var (place, gain) in fold.Gains)
        {
            if (!numbers.TryGetValue(place.Key, out var key)) numbers[place.Key] = key = NumberOf(place.Key);
            Add(place, key, gain);
        }
    }

    void Add(RollupPlace place, long key, RollupGain gain)
    {
        // A new one: the transaction may be repeated.
        var sum = new RollupGain();
        using (var read = database.Prepare("SELECT sums, sessions FROM rollups WHERE level = ? AND start = ? AND key = ?"))
            if (read.Add((long)place.Level.No).Add(place.Start).Add(key).Read())
                sum.Add(read.Blob(0), read.Blob(1));
        sum.Add(gain);
        using var write = database.Prepare(
            """
            INSERT INTO rollups (level, start, key, sums, sessions) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (level, start, key) DO UPDATE SET sums = excluded.sums, sessions = excluded.sessions
            """);
        write.Add((long)place.Level.No).Add(place.Start).Add(key).Add(sum.Sums.Encode()).Add(sum.Sessions.Encode()).Run();
    }

    long NumberOf(RollupKey key)
    {
        var text = key.Text;
        using (var find = database.Prepare("SELECT no FROM rollup_keys WHERE key = ?"))
            if (find.Add(text).Read())
                return find.Long(0);
        using (var next = database.Prepare("UPDATE rollup_state SET last_key = last_key + 1")) next.Run();
        using var insert = database.Prepare("INSERT INTO rollup_keys (no, key) SELECT last_key, ? FROM rollup_state RETURNING no");
        insert.Add(text).Read();
        return insert.Long(0);
    }
}
