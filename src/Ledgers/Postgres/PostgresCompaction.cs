// Compaction in PostgreSQL: planned and done in one transaction under the lock of the rollups, so that hosts do not compact an account
// twice.
using NodaTime;
using Npgsql;
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    public Task<Checkpoint?> LoadCheckpointAsync(string account) => AtOneMomentAsync(
        async connection =>
        {
            if (await CheckpointOfAsync(connection, account) is not { } checkpoint) return null;
            return checkpoint with { Usage = await CompactedUsageAsync(connection, account) };
        }, default);

    /// <summary>Without its usage.</summary>
    static async Task<Checkpoint?> CheckpointOfAsync(NpgsqlConnection connection, string account)
    {
        await using var command = new NpgsqlCommand("select version, at, state, history from checkpoints where account = $1", connection);
        command.Parameters.Add(new() { Value = account });
        await using var row = await command.ExecuteReaderAsync();
        return await row.ReadAsync()
            ? new(row.GetInt64(0), Instant.FromUnixTimeMilliseconds(row.GetInt64(1)), row.GetFieldValue<byte[]>(2),
                row.GetFieldValue<byte[]>(3)) : null;
    }

    static async Task<List<CompactedUsage>> CompactedUsageAsync(NpgsqlConnection connection, string account)
    {
        await using var command = new NpgsqlCommand(
            "select start, key, sums, sessions from compacted_usage where account = $1 order by start, key", connection);
        command.Parameters.Add(new() { Value = account });
        await using var row = await command.ExecuteReaderAsync();
        var usage = new List<CompactedUsage>();
        while (await row.ReadAsync())
        {
            var gain = new RollupGain();
            gain.Add(row.GetFieldValue<byte[]>(2), row.GetFieldValue<byte[]>(3));
            usage.Add(new(row.GetInt64(0), RollupKey.Parse(row.GetString(1)), gain));
        }
        return usage;
    }

    public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            """
            select h.account, h.version - coalesce(c.version, 0) > $4 and exists (
              select from journal j where j.account = h.account and j.version = coalesce(c.version, 0) + $4 and j.at < $1)
            from (select account, version from heads where account > $2 order by account limit $3) h left join checkpoints c on c.account = h.account
            order by h.account
            """);
        command.Parameters.Add(new() { Value = before.ToUnixTimeMilliseconds() });
        command.Parameters.Add(new() { Value = cursor ?? "" });
        command.Parameters.Add(new() { Value = most });
        command.Parameters.Add(new() { Value = atLeast });
        await using var row = await command.ExecuteReaderAsync();
        var (found, seen, last) = (new List<string>(), 0, "");
        for (; await row.ReadAsync(); seen++)
        {
            last = row.GetString(0);
            if (row.GetBoolean(1)) found.Add(last);
        }
        return new Page<string>(found, seen == most ? last : null);
    });

    public Task<int> CompactAsync(string account, Instant before, int most) => ReachAsync(async () =>
    {
        var gone = 0;
        await WithRollupsAsync(async connection =>
        {
            var from = await CheckpointOfAsync(connection, account);
            if (await LimitsAsync(connection, account) is not { } limits) return false;
            var entries = await ReadJournalAsync(account, from?.Version ?? 0, most);
            if (Compaction.Plan(account, from, entries, before, limits) is not { } step) return false;
            await SaveAsync(connection, account, step.Checkpoint);
            await SaveAsync(
                connection, account, [.. step.Usage.Gains.Select(gain => new CompactedUsage(gain.Key.Start, gain.Key.Key, gain.Value))]);
            await using (var audit = new NpgsqlCommand(
                "update audit a set at = e.at, events = e.events from unnest($2, $3, $4) as e(version, at, events) where a.account = $1 "
                    + "and a.version = e.version", connection))
            {
                Bind(audit, account, step.Audited);
                await audit.ExecuteNonQueryAsync();
            }
            await using (var delete = new NpgsqlCommand(
                """
                with gone as (delete from journal where account = $1 and version <= $2 returning position),
                     told as (update feed_state set gone_to = greatest(gone_to, (select max(position) from gone)))
                select count(*) from gone
                """, connection))
            {
                delete.Parameters.Add(new() { Value = account });
                delete.Parameters.Add(new() { Value = step.Checkpoint.Version });
                gone = (int)(long)(await delete.ExecuteScalarAsync())!;
            }
            return true;
        });
        return gone;
    });

    /// <summary>Null for an account that is not there.</summary>
    async Task<CompactionLimits?> LimitsAsync(NpgsqlConnection connection, string account)
    {
        var (folded, _) = await RollupStateAsync(connection, default);
        await using var command = new NpgsqlCommand(
            "select least(h.version, (select min(version) from audit a where a.account = h.account and a.erases)) from heads h where "
                + "h.account = $1", connection);
        command.Parameters.Add(new() { Value = account });
        if (await command.ExecuteScalarAsync() is not long end) return null;
        return new(end, await UnfoldedAsync(connection, account, folded), await AuditTrail.ErasuresAsync(this, account));
    }

    public Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited) => ReachAsync(async () =>
    {
        if (!await WithRollupsAsync(async connection =>
        {
            await using (var head = new NpgsqlCommand("insert into heads (account, shard, version, next_deadline) values ($1, $2, $3, $4)",
                connection))
            {
                head.Parameters.Add(new() { Value = account });
                head.Parameters.Add(new() { Value = (short)Shard.NumberOf(account) });
                head.Parameters.Add(new() { Value = checkpoint.Version });
                head.Parameters.Add(new()
                {
                    Value = Compaction.NextDeadlineOf(checkpoint) is { } due ? UsageCursor.CeilingMillis(due) : DBNull.Value,
                        NpgsqlDbType = NpgsqlDbType.Bigint,
                });
                await head.ExecuteNonQueryAsync();
            }
            await SaveAsync(connection, account, checkpoint);
            await SaveAsync(connection, account, checkpoint.Usage);
            await using (var audit = new NpgsqlCommand(
                "insert into audit (account, version, erases, at, events) select $1, e.version, false, e.at, e.events from unnest($2, "
                    + "$3, $4) as e(version, at, events)", connection))
            {
                Bind(audit, account, audited);
                await audit.ExecuteNonQueryAsync();
            }
            var (_, state) = await RollupStateAsync(connection, default);
            var fold = new Fold(state);
            foreach (var usage in checkpoint.Usage) fold.Add(usage);
            await RollAsync(connection, fold.Spread(), null, null);
            await MayGoAsync(connection, Compaction.GoneBefore(checkpoint));
            return true;
        }))
            throw new LedgerUnavailableException("a host is at work on this database; restore into one that nobody uses");
        return true;
    }, repeatable: false);

    static void Bind(NpgsqlCommand command, string account, IReadOnlyList<JournalEntry> audited)
    {
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = audited.Select(entry => entry.Version).ToArray() });
        command.Parameters.Add(new() { Value = audited.Select(entry => entry.At.ToUnixTimeMilliseconds()).ToArray() });
        command.Parameters.Add(new() { Value = audited.Select(entry => LedgerJson.EncodeEvents(entry.Events)).ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
    }

    static async Task SaveAsync(NpgsqlConnection connection, string account, Checkpoint checkpoint)
    {
        await using var save = new NpgsqlCommand(
            """
            insert into checkpoints (account, version, at, state, history) values ($1, $2, $3, $4, $5)
            on conflict (account) do update set version = excluded.version, at = excluded.at, state = excluded.state, history = excluded.history
            """, connection);
        save.Parameters.Add(new() { Value = account });
        save.Parameters.Add(new() { Value = checkpoint.Version });
        save.Parameters.Add(new() { Value = checkpoint.At.ToUnixTimeMilliseconds() });
        save.Parameters.Add(new() { Value = checkpoint.State, NpgsqlDbType = NpgsqlDbType.Bytea });
        save.Parameters.Add(new() { Value = checkpoint.History, NpgsqlDbType = NpgsqlDbType.Bytea });
        await save.ExecuteNonQueryAsync();
    }

    /// <summary>Adds usage to what there is.</summary>
    static async Task SaveAsync(NpgsqlConnection connection, string account, IReadOnlyList<CompactedUsage> usage)
    {
        var (starts, keys) = (usage.Select(one => one.Start).ToArray(), usage.Select(one => one.Key.Text).ToArray());
        await using (var read = new NpgsqlCommand(
            """
            select g.no, c.sums, c.sessions from unnest($2, $3) with ordinality as g(start, key, no)
            join compacted_usage c on c.account = $1 and c.start = g.start and digest_of(c.key) = digest_of(g.key) and c.key = g.key
            """, connection))
        {
            Bind(read);
            await using var row = await read.ExecuteReaderAsync();
            while (await row.ReadAsync())
                usage[(int)row.GetInt64(0) - 1].Gain.Add(row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2));
        }
        await using var write = new NpgsqlCommand(
            """
            insert into compacted_usage (account, start, key, sums, sessions) select $1, g.start, g.key, g.sums, g.sessions from unnest($2, $3, $4, $5) as g(start, key, sums, sessions)
            on conflict (account, start, digest_of(key)) do update set sums = excluded.sums, sessions = excluded.sessions
            """, connection);
        Bind(write);
        write.Parameters.Add(
            new() { Value = usage.Select(one => one.Gain.Sums.Encode()).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        write.Parameters.Add(
            new() { Value = usage.Select(one => one.Gain.Sessions.Encode()).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        await write.ExecuteNonQueryAsync();

        void Bind(NpgsqlCommand command)
        {
            command.Parameters.Add(new() { Value = account });
            command.Parameters.Add(new() { Value = starts });
            command.Parameters.Add(new() { Value = keys });
        }
    }

    static async Task MayGoAsync(NpgsqlConnection connection, Instant bookedBefore)
    {
        await using var told = new NpgsqlCommand("update rollup_state set kept_since = greatest(kept_since, $1)", connection);
        told.Parameters.Add(new() { Value = bookedBefore.ToUnixTimeMilliseconds() });
        await told.ExecuteNonQueryAsync();
    }
}
