// The ledger on PostgreSQL: for several hosts on one database, and for the cluster. One append is one round trip and one transaction.
using System.Data;
using System.Data.Common;
using Npgsql;
using NpgsqlTypes;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger : IStore
{
    static readonly short[] allShards = [.. Enumerable.Range(0, Shard.Count).Select(number => (short)number)];

    /// <summary>Appends come one after another; few connections of their own keep their plans and caches warm for them.</summary>
    const int MostAppending = 4;

    readonly NpgsqlDataSource source;
    readonly NpgsqlDataSource appending;

    /// <summary>Who waits for a turn keeps a connection; the other half is for those whose turn it is.</summary>
    readonly SemaphoreSlim turns;
    readonly TimeSpan patience;

    /// <summary>Its pool, for what else a host keeps in the same database.</summary>
    public NpgsqlDataSource Source => source;

    PostgresLedger(NpgsqlDataSource source, NpgsqlDataSource appending)
    {
        (this.source, this.appending) = (source, appending);
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        turns = new(Math.Max(1, settings.MaxPoolSize / 2));
        patience = settings.CommandTimeout == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(settings.CommandTimeout);
    }

    /// <summary>Connects, and brings the schema up to date. Whatever keeps it from opening is a
    /// <see cref="LedgerUnavailableException"/> whose message says what to do.</summary>
    public static async Task<PostgresLedger> OpenAsync(string connectionString)
    {
        NpgsqlDataSource source, appending;
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
            // A database that does not answer is a database that is not there: callers get a transient answer and retry.
            if (!IsGiven("Command Timeout")) settings.CommandTimeout = 10;
            if (!IsGiven("Timeout")) settings.Timeout = 5;
            // Functions are called with the same types each time; planning them again each time would be most of the work.
            if (!IsGiven("Max Auto Prepare")) settings.MaxAutoPrepare = 50;
            settings.AutoPrepareMinUsages = 2;
            // Nothing here leaves anything behind in a session but advisory locks, and those are given back; the reset would cost more than
            // the work.
            if (!IsGiven("No Reset On Close")) settings.NoResetOnClose = true;
            // In metrics a pool is called what it is for; else it would be called by its connection string.
            source = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = "ledger" }.Build();
            settings.MaxPoolSize = Math.Min(settings.MaxPoolSize, MostAppending);
            settings.MinPoolSize = Math.Min(settings.MinPoolSize, settings.MaxPoolSize);
            appending = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = "appends" }.Build();

            // The builder of the driver takes every keyword that it knows for one that is there.
            bool IsGiven(string keyword) => given.ContainsKey(keyword)
                || given.ContainsKey(keyword.Replace(" ", "", StringComparison.Ordinal));
        }
        catch (Exception e) when (
            e is ArgumentException or FormatException or InvalidOperationException or NotSupportedException or OverflowException)
        {
            throw PostgresOpening.Text(e);
        }
        try
        {
            await PostgresSchema.MigrateAsync(source);
            var ledger = new PostgresLedger(source, appending);
            await ledger.ReachAsync(async () =>
            {
                await ledger.LookAsync();
                return true;
            });
            return ledger;
        }
        catch
        {
            await source.DisposeAsync();
            await appending.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch)
    {
        try
        {
            return await ReachAsync(async () => await LookAtConflictsAsync(batch, await AppendOnceAsync(batch)), repeatable: false);
        }
        catch (PostgresException e) when (batch.Count > 1 && !IsTransient(e))
        {
            // Something in one of the accounts can not be written. Alone, each shows whether it is the one.
            var results = new AppendResult[batch.Count];
            for (var i = 0; i < batch.Count; i++) results[i] = (await AppendAsync([batch[i]]))[0];
            return results;
        }
        catch (PostgresException e) when (!IsTransient(e))
        {
            return [new(AppendStatus.Failed, -1, 0)];
        }
    }

    async Task<IReadOnlyList<AppendResult>> AppendOnceAsync(IReadOnlyList<Append> batch)
    {
        var order = Enumerable.Range(0, batch.Count).ToArray();
        Array.Sort(order, (a, b) => string.CompareOrdinal(batch[a].Account, batch[b].Account));
        if (!batch.Any(append => append.IsAudited))
        {
            await using var alone = appending.CreateCommand(appendText);
            return await AppendAsync(alone, batch, order);
        }
        // Rare enough for some more round trips: entries of the audit trail are found by a table of their own.
        await using var connection = await appending.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(appendText, connection);
        var results = await AppendAsync(command, batch, order);
        var audited = Enumerable.Range(0, batch.Count).Where(i => batch[i].IsAudited && results[i].Status == AppendStatus.Written)
            .ToArray();
        await using var audit = new NpgsqlCommand("insert into audit (account, version, erases) select * from unnest($1, $2, $3)",
            connection);
        audit.Parameters.Add(new() { Value = Array.ConvertAll(audited, i => batch[i].Account) });
        audit.Parameters.Add(new() { Value = Array.ConvertAll(audited, i => results[i].Version) });
        audit.Parameters.Add(new() { Value = Array.ConvertAll(audited, i => batch[i].Erases) });
        await audit.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        return results;
    }

    const string appendText =
        "select ord, status, version, settings_version from "
            + "append($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33,$34,$35,$36)";

    static async Task<AppendResult[]> AppendAsync(NpgsqlCommand command, IReadOnlyList<Append> batch, int[] order)
    {
        AppendColumns.Bind(command, batch, order);
        var results = new AppendResult[batch.Count];
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess);
        while (await reader.ReadAsync())
        {
            var ord = reader.GetInt32(0) - 1;
            var status = reader.GetInt32(1) == 0 ? AppendStatus.Written : AppendStatus.Conflict;
            results[order[ord]] = new(status, reader.GetInt64(2), reader.GetInt64(3));
        }
        return results;
    }

    public async Task<IAsyncDisposable> TakeTurnAsync(string account)
    {
        if (!await turns.WaitAsync(patience)) throw new LedgerUnavailableException("too many accounts wait for their turn");
        try
        {
            return await ReachAsync(() => LockAsync(account));
        }
        catch
        {
            turns.Release();
            throw;
        }
    }

    async Task<IAsyncDisposable> LockAsync(string account)
    {
        var connection = await source.OpenConnectionAsync();
        try
        {
            await using var command = new NpgsqlCommand("select pg_advisory_lock(hashtextextended($1, 0))", connection);
            command.Parameters.Add(new() { Value = account });
            await command.ExecuteNonQueryAsync();
            return new Turn(connection, turns);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    sealed class Turn(NpgsqlConnection connection, SemaphoreSlim turns) : IAsyncDisposable
    {
        /// <summary>Locks end with the connection, so that a failure here (the database is away) leaves none behind.</summary>
        public async ValueTask DisposeAsync()
        {
            try
            {
                await using var command = new NpgsqlCommand("select pg_advisory_unlock_all()", connection);
                await command.ExecuteNonQueryAsync();
            }
            catch (NpgsqlException)
            {
                NpgsqlConnection.ClearPool(connection);
            }
            await connection.DisposeAsync();
            turns.Release();
        }
    }

    public Task<NodaTime.Instant?> TimeAsync() => ReachAsync(async () =>
    {
        var time = await LookAsync();
        ThrowIfLost();
        return (NodaTime.Instant?)time;
    }, evenIfLost: true);

    public Task ProbeAsync() => ReachAsync(async () =>
    {
        await using var command = appending.CreateCommand("update ledger set probes = probes + 1");
        return await command.ExecuteNonQueryAsync();
    });

    public Task<StoredBudget> LoadAsync(string account) => ReachAsync(async () =>
    {
        await using var connection = await source.OpenConnectionAsync();
        // One statement, one snapshot of the database: the snapshot row and the tail belong together.
        await using var command = new NpgsqlCommand(
            """
            with s as (
              select version, state from (
                select version, state from snapshots where account = $1
                union all
                select c.version, c.state from checkpoints c where c.account = $1 and c.version > coalesce((select version from snapshots where account = $1), 0)
              ) as kept order by version desc limit 1
            )
            select 0 as kind, version, 0::bigint as at, state as data from s
            union all
            select 1, j.version, j.at, j.events from journal j where j.account = $1 and j.version > coalesce((select version from s), 0)
            order by 1, 2
            """, connection);
        command.Parameters.Add(new() { Value = account });
        await using var reader = await command.ExecuteReaderAsync();
        var (snapshotVersion, snapshot) = (0L, Array.Empty<byte>());
        var tail = new List<JournalEntry>();
        while (await reader.ReadAsync())
        {
            var data = reader.GetFieldValue<byte[]>(3);
            if (reader.GetInt32(0) == 0) (snapshotVersion, snapshot) = (reader.GetInt64(1), data);
            else tail.Add(Entry(account, reader.GetInt64(1), reader.GetInt64(2), data));
        }
        Follows(account, snapshotVersion, tail);
        return new StoredBudget(snapshotVersion, snapshot, tail);
    });

    /// <summary>Where the beginning is missing, nothing else may be taken for it.</summary>
    static void Follows(string account, long after, List<JournalEntry> entries)
    {
        if (entries.Count > 0 && entries[0].Version != after + 1)
            throw new InvalidDataException($"the journal of {account} is damaged: entry {after + 1} is missing");
    }

    public Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most) => ReachAsync(async () =>
    {
        afterVersion = Math.Max(0, afterVersion);
        await using var command = source.CreateCommand(
            "select version, at, events from journal where account = $1 and version > $2 order by version limit $3");
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = afterVersion });
        command.Parameters.Add(new() { Value = most });
        var entries = new List<JournalEntry>();
        // Let go before another command, and once: the driver gives a reader that is let go to whoever comes next, whose answer a second
        // time would take away.
        await using (var reader = await command.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                entries.Add(Entry(account, reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2)));
        // The newest entry always stays: whoever misses one gets another.
        if (entries.Count > 0 && entries[0].Version != afterVersion + 1)
            CompactedJournalException.ThrowIf(account, afterVersion, await CheckpointedAsync(account));
        Follows(account, afterVersion, entries);
        return (IReadOnlyList<JournalEntry>)entries;
    });

    async Task<long?> CheckpointedAsync(string account)
    {
        await using var command = source.CreateCommand("select version from checkpoints where account = $1");
        command.Parameters.Add(new() { Value = account });
        return await command.ExecuteScalarAsync() as long?;
    }

    static JournalEntry Entry(string account, long version, long at, byte[] events) =>
        new(account, version, NodaTime.Instant.FromUnixTimeMilliseconds(at), LedgerJson.DecodeEvents(events));

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            "select 0, hold_id, hold from closed_holds where account = $1 and hold_id = any($2) union all select 1, usage_id, record "
                + "from usage where account = $1 and usage_id = any($3)"
                // In the words of the index: an expression of an index is found by its text.
                + (beside is { Count: > 0 } ? " union all select 1, usage_id, record from usage where account = $1 and "
                    + "corrected_by(record) = any($4) and position('\\x22636f727265637473223a'::bytea in record) > 0" : ""));
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = holdIds.ToArray() });
        command.Parameters.Add(new() { Value = usageIds.ToArray() });
        if (beside is { Count: > 0 }) command.Parameters.Add(new() { Value = beside.ToArray() });
        await using var reader = await command.ExecuteReaderAsync();
        var holds = new Dictionary<string, Hold>(StringComparer.Ordinal);
        var usage = new Dictionary<string, UsageRecord>(StringComparer.Ordinal);
        while (await reader.ReadAsync())
            if (reader.GetInt32(0) == 0) holds[reader.GetString(1)] = LedgerJson.DecodeHold(reader.GetFieldValue<byte[]>(2));
            else usage[reader.GetString(1)] = LedgerJson.DecodeRecord(reader.GetFieldValue<byte[]>(2));
        return new Recalled(holds, usage);
    });

    /// <summary>Pages by key: records booked meanwhile may or may not be among them, as the fence of whoever asks makes
    /// irrelevant.</summary>
    public async IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, NodaTime.Instant from)
    {
        const int page = 5000;
        var (at, position) = (from.ToUnixTimeMilliseconds(), -1L);
        while (true)
        {
            var (lastAt, lastPosition) = (at, position);
            var records = await ReachAsync(async () =>
            {
                await using var command = source.CreateCommand(
                    "select at, position, record from usage where account = $1 and (at, position) > ($2, $3) and not erased order by "
                        + "at, position limit $4");
                command.Parameters.Add(new() { Value = account });
                command.Parameters.Add(new() { Value = lastAt });
                command.Parameters.Add(new() { Value = lastPosition });
                command.Parameters.Add(new() { Value = page });
                await using var reader = await command.ExecuteReaderAsync();
                var read = new List<(long At, long Position, UsageRecord Record)>();
                while (await reader.ReadAsync())
                    read.Add((reader.GetInt64(0), reader.GetInt64(1), LedgerJson.DecodeRecord(reader.GetFieldValue<byte[]>(2))));
                return read;
            });
            foreach (var one in records) yield return one.Record;
            if (records.Count < page) yield break;
            (at, position, _) = records[^1];
        }
    }

    public Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null) =>
        ReachAsync(async () =>
    {
        // One statement is one transaction: the counters go with the snapshot, or stay with it.
        await using var command = source.CreateCommand(
            """
            with saved as (
              insert into snapshots as s (account, version, state) values ($1, $2, $3)
              on conflict (account) do update set version = excluded.version, state = excluded.state where s.version <= excluded.version
              returning 1
            ), kept as (
              insert into counters (account, no, key, until, keep, counter)
              select $1, k.no, k.key, k.until, k.keep, k.counter from unnest($4::int[], $5::text[], $6::bigint[], $7::boolean[], $8::bytea[]) as k(no, key, until, keep, counter)
              where exists (select 1 from saved)
              on conflict (account, no, key) do update set until = excluded.until, keep = excluded.keep, counter = excluded.counter
            ), emptied as (
              delete from counters c using unnest($9::int[], $10::text[]) as e(no, key)
              where c.account = $1 and c.no = e.no and c.key = e.key and exists (select 1 from saved)
            ), gone as (
              delete from counters c where c.account = $1 and c.no = any($11) and exists (select 1 from saved)
            ), ended as (
              delete from counters c using (
                select no, key from counters where account = $1 and until <= $12 and not keep
                  and not exists (select 1 from unnest($4::int[], $5::text[]) as k(no, key) where k.no = counters.no and k.key = counters.key)
                limit $13
              ) as e where c.account = $1 and c.no = e.no and c.key = e.key and exists (select 1 from saved)
            )
            select count(*) from saved
            """);
        var (kept, empty) = (counters?.Kept ?? [], counters?.Empty ?? []);
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = version });
        command.Parameters.Add(new() { Value = snapshot, NpgsqlDbType = NpgsqlDbType.Bytea });
        command.Parameters.Add(new() { Value = kept.Select(one => one.Name.No).ToArray() });
        command.Parameters.Add(new() { Value = kept.Select(one => one.Name.Key).ToArray() });
        command.Parameters.Add(new() { Value = kept.Select(one => one.Until.ToUnixTimeMilliseconds()).ToArray() });
        command.Parameters.Add(new() { Value = kept.Select(one => one.Keep).ToArray() });
        command.Parameters.Add(new() { Value = kept.Select(one => one.Json.ToArray()).ToArray() });
        command.Parameters.Add(new() { Value = empty.Select(one => one.No).ToArray() });
        command.Parameters.Add(new() { Value = empty.Select(one => one.Key).ToArray() });
        command.Parameters.Add(new() { Value = (counters?.GoneLimits ?? []).ToArray() });
        command.Parameters.Add(new() { Value = counters?.At.ToUnixTimeMilliseconds() ?? 0 });
        command.Parameters.Add(new() { Value = counters is null ? 0 : CounterChanges.MostCleared });
        return (long)(await command.ExecuteScalarAsync())! > 0;
    });

    public Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(BesideSnapshot(
            "select c.* from unnest($2::int[], $3::text[]) as n(no, key) "
                + "join counters c on c.account = $1 and c.no = n.no and c.key = n.key"));
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = names.Select(name => name.No).ToArray() });
        command.Parameters.Add(new() { Value = names.Select(name => name.Key).ToArray() });
        return await CountersAsync(command);
    });

    public Task<StoredCounters> ReadCountersAsync(string account, CounterName after, NodaTime.Instant at, int most) =>
        ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(BesideSnapshot(
            "select * from counters where account = $1 and (no, key) > ($2, $3) and until > $4 order by no, key limit $5"));
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = after.No });
        command.Parameters.Add(new() { Value = after.Key });
        command.Parameters.Add(new() { Value = at.ToUnixTimeMilliseconds() });
        command.Parameters.Add(new() { Value = most });
        return await CountersAsync(command);
    });

    /// <summary>One statement, one snapshot of the database: counters and the version that they belong to, in a row of its own where there
    /// is none.</summary>
    static string BesideSnapshot(string counters) =>
        $"""
        select s.version, c.no, c.key, c.until, c.keep, c.counter
        from (
          select greatest(0, (select version from snapshots where account = $1),
            (select version from checkpoints where account = $1)) as version
        ) s left join lateral ({counters}) c on true order by c.no, c.key
        """;

    static async Task<StoredCounters> CountersAsync(NpgsqlCommand command)
    {
        await using var reader = await command.ExecuteReaderAsync();
        var (version, found) = (0L, new List<StoredCounter>());
        while (await reader.ReadAsync())
        {
            version = reader.GetInt64(0);
            if (reader.IsDBNull(1)) break;
            found.Add(new(
                new(reader.GetInt32(1), reader.GetString(2)), NodaTime.Instant.FromUnixTimeMilliseconds(reader.GetInt64(3)),
                    reader.GetBoolean(4), reader.GetFieldValue<byte[]>(5)));
        }
        return new(version, found);
    }

    public Task DeleteSnapshotsAsync() => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand("with h as (delete from histories) delete from snapshots");
        return await command.ExecuteNonQueryAsync();
    });

    public Task<KeptHistory> LoadHistoryAsync(string account) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            """
            select version, history from (
              select version, history from histories where account = $1 union all select version, history from checkpoints where account = $1
            ) as kept order by version desc limit 1
            """);
        command.Parameters.Add(new() { Value = account });
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync() ? new(reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)) : KeptHistory.None;
    });

    public Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            """
            insert into histories as h (account, version, history) select $1, $2, $3 where exists (select from heads where account = $1)
            on conflict (account) do update set version = excluded.version, history = excluded.history where h.version < excluded.version
            """);
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = version });
        command.Parameters.Add(new() { Value = history, NpgsqlDbType = NpgsqlDbType.Bytea });
        return await command.ExecuteNonQueryAsync();
    });

    public Task<IReadOnlyList<string>> DueAsync(NodaTime.Instant now, int most, Shard shard = default) => ReachAsync(async () =>
    {
        // Each shard by the index, so that a great many that are due at once are not all read for the few that are asked for.
        await using var command = source.CreateCommand(
            """
            select d.account from unnest($3) as s(shard) cross join lateral (
              select account, next_deadline from heads h where h.shard = s.shard and next_deadline <= $1 order by next_deadline limit $2) d
            order by d.next_deadline limit $2
            """);
        command.Parameters.Add(new() { Value = now.ToUnixTimeMilliseconds() });
        command.Parameters.Add(new() { Value = most });
        command.Parameters.Add(new() { Value = shard.Number is { } number ? [(short)number] : allShards });
        await using var reader = await command.ExecuteReaderAsync();
        var due = new List<string>();
        while (await reader.ReadAsync()) due.Add(reader.GetString(0));
        return (IReadOnlyList<string>)due;
    });

    public Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand("select file from catalogues where digest = $1");
        command.Parameters.Add(new() { Value = digest });
        return await command.ExecuteScalarAsync() is byte[] file ? file : (ReadOnlyMemory<byte>?)null;
    });

    public Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            "insert into catalogues as c (digest, file) values ($1, $2) on conflict (digest) do update set file = excluded.file where "
                + "c.file <> excluded.file");
        command.Parameters.Add(new() { Value = digest });
        command.Parameters.Add(new() { Value = file, NpgsqlDbType = NpgsqlDbType.Bytea });
        return await command.ExecuteNonQueryAsync();
    });

    /// <summary>
    /// Turns every way in which a database can be away into the one exception that callers know. Where a connection was cut while it lay
    /// idle, the others were as well: all are let go, and what may be done twice is tried once more.
    /// </summary>
    async Task<T> ReachAsync<T>(Func<Task<T>> work, bool repeatable = true, bool evenIfLost = false)
    {
        if (!evenIfLost) ThrowIfLost();
        try
        {
            return await work();
        }
        catch (NpgsqlException e) when (IsCut(e))
        {
            source.Clear();
            appending.Clear();
            if (repeatable) return await ReachAsync(work, repeatable: false, evenIfLost);
            throw new LedgerUnavailableException("PostgreSQL: " + e.Message, e);
        }
        catch (PostgresException e) when (IsTransient(e))
        {
            throw new LedgerUnavailableException($"PostgreSQL: {e.MessageText} ({e.SqlState})", e);
        }
        catch (Exception e) when (
            e is NpgsqlException and not PostgresException or TimeoutException or System.IO.IOException
                or System.Net.Sockets.SocketException)
        {
            throw new LedgerUnavailableException("PostgreSQL: " + e.Message, e);
        }
    }

    static bool IsCut(NpgsqlException e) => e.SqlState is SqlStates.AdminShutdown or SqlStates.CrashShutdown
        || e is { InnerException: IOException and not { InnerException: TimeoutException } };

    static bool IsTransient(PostgresException e) => e.IsTransient || SqlStates.Away.Contains(e.SqlState)
        || SqlStates.AwayClasses.Contains(e.SqlState[..2]);

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        await appending.DisposeAsync();
    }
}

/// <summary>The SQLSTATEs that mean "not now" rather than "never".</summary>
static class SqlStates
{
    public const string AdminShutdown = "57P01";
    public const string CrashShutdown = "57P02";
    const string CannotConnectNow = "57P03";
    const string QueryCanceled = "57014";
    const string DeadlockDetected = "40P01";
    const string SerializationFailure = "40001";
    const string ReadOnlyTransaction = "25006";

    public static readonly HashSet<string> Away =
        [AdminShutdown, CrashShutdown, CannotConnectNow, QueryCanceled, DeadlockDetected, SerializationFailure, ReadOnlyTransaction];

    /// <summary>08: connection; 53: out of disk, memory or connections; 58: system error of the server.</summary>
    public static readonly HashSet<string> AwayClasses = ["08", "53", "58"];
}
