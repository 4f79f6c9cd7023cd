// The tables of rollups and of records in PostgreSQL, as their upkeep reads and changes them under the lock of their state.
using Npgsql;
using NpgsqlTypes;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Relational;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    /// <summary>Within a transaction that has the lock; records are folded up to the place that is <paramref name="settled"/>.</summary>
    sealed class RollupTables(PostgresLedger ledger, NpgsqlConnection connection, long settled = 0) : IRollupTables
    {
        public Task<(long Folded, RollupState State)> StateAsync() => RollupStateAsync(connection, default);

        public async Task<long> FoldRecordsAsync(Fold fold, long folded, int most)
        {
            await using var command = new NpgsqlCommand(
                $"select {RowReading.Folded} from usage where position > $1 and position <= $2 order by position limit $3", connection);
            command.Parameters.Add(new() { Value = folded });
            command.Parameters.Add(new() { Value = settled });
            command.Parameters.Add(new() { Value = most });
            await using var reader = await command.ExecuteReaderAsync();
            var (row, last) = (new UsageRow(reader), folded);
            while (!fold.IsFull && await reader.ReadAsync()) last = row.FoldInto(fold);
            return last;
        }

        public Task<HashSet<string>> UnfoldedAsync(string account, long folded) =>
            PostgresLedger.UnfoldedAsync(connection, account, folded);

        public async Task<long?> VersionAsync(string account)
        {
            await using var head = new NpgsqlCommand("select version from heads where account = $1", connection);
            head.Parameters.Add(new() { Value = account });
            return await head.ExecuteScalarAsync() as long?;
        }

        public async Task<Checkpoint?> CheckpointAsync(string account) =>
            await CheckpointOfAsync(connection, account) is { } checkpoint
                ? checkpoint with { Usage = await CompactedUsageAsync(connection, account) } : null;

        public async Task<IReadOnlyList<int>> KeysOfAsync(string account)
        {
            var found = new List<int>();
            await ReadKeysBetweenAsync(connection, RollupKeyBook.BeginningOf(account), (no, _) => found.Add(no), default);
            return found;
        }

        public async Task<long?> FirstAsync(RollupLevel level, MillisRange within)
        {
            await using var first = new NpgsqlCommand("select min(start) from rollups where level = $1 and start >= $2 and start < $3",
                connection);
            first.Parameters.Add(new() { Value = (short)level.No });
            first.Parameters.Add(new() { Value = within.From });
            first.Parameters.Add(new() { Value = within.To });
            return await first.ExecuteScalarAsync() as long?;
        }

        public async Task<long?> FirstOfAsync(IReadOnlyList<int> keys)
        {
            await using var first = new NpgsqlCommand("select min(start) from rollups where level = $1 and key = any($2)", connection);
            first.Parameters.Add(new() { Value = (short)new RollupLevel(RollupView.Account, RollupSpan.Hour).No });
            first.Parameters.Add(new() { Value = keys.ToArray() });
            return await first.ExecuteScalarAsync() as long?;
        }

        public async Task ReadAsync(RollupLevel level, MillisRange range, Action<IRow> take)
        {
            await using var command = new NpgsqlCommand(
                "select r.start, r.key, r.sums, r.sessions, k.key from rollups r join rollup_keys k on k.no = r.key "
                    + "where r.level = $1 and r.start >= $2 and r.start < $3", connection);
            command.Parameters.Add(new() { Value = (short)level.No });
            command.Parameters.Add(new() { Value = range.From });
            command.Parameters.Add(new() { Value = range.To });
            await using var reader = await command.ExecuteReaderAsync();
            var row = new UsageRow(reader);
            while (await reader.ReadAsync()) take(row);
        }

        public Task AddAsync(Fold fold, long? folded, RollupState? state) => RollAsync(connection, fold, folded, state);

        public async Task ReplaceAsync(IReadOnlyList<int> keys, Fold fold, long? first, RollupState state)
        {
            await using (var delete = new NpgsqlCommand("delete from rollups where key = any($1)", connection))
            {
                delete.Parameters.Add(new() { Value = keys.ToArray() });
                await delete.ExecuteNonQueryAsync();
            }
            if (first is not null)
            {
                RollupLevel[] ofAll = [.. RollupLevel.All.Where(level => level.View.IsOfAll)];
                await using var clear = new NpgsqlCommand(
                    "delete from rollups r using unnest($1, $2) as c(level, start) where r.level = c.level and r.start >= c.start",
                    connection);
                clear.Parameters.Add(new()
                {
                    Value = Array.ConvertAll(ofAll, level => (short)level.No), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint,
                });
                clear.Parameters.Add(new() { Value = Array.ConvertAll(ofAll, state.Before) });
                await clear.ExecuteNonQueryAsync();
            }
            await using (var forget = new NpgsqlCommand(
                "delete from rollup_keys k where not exists (select from rollups r where r.key = k.no)", connection))
                await forget.ExecuteNonQueryAsync();
            await RollAsync(connection, fold, null, state);
            ledger.keys.Forget();
        }

        public async Task ForgetAsync(string account, IReadOnlyList<CompactedUsage> erased, IReadOnlyList<CompactedUsage> left)
        {
            await using var delete = new NpgsqlCommand(
                "delete from compacted_usage c using unnest($2, $3) as e(start, key) where c.account = $1 and c.start = e.start "
                    + "and digest_of(c.key) = digest_of(e.key) and c.key = e.key", connection);
            delete.Parameters.Add(new() { Value = account });
            delete.Parameters.Add(new() { Value = erased.Select(usage => usage.Start).ToArray() });
            delete.Parameters.Add(new() { Value = erased.Select(usage => usage.Key.Text).ToArray() });
            await delete.ExecuteNonQueryAsync();
            if (left.Count > 0) await SaveAsync(connection, account, left);
        }
    }

    /// <summary>Each step is a short transaction of its own.</summary>
    sealed class RecordTable(NpgsqlDataSource source) : IRecordTable
    {
        public async Task<IReadOnlyList<(UsageCursor Place, UsageRecord Record)>> RecordsAsync(string account, UsageCursor? after, int most)
        {
            var place = after ?? new(long.MinValue, 0);
            await using var find = source.CreateCommand(
                "select at, position, record from usage where account = $1 and (at, position) > ($2, $3) and not erased "
                    + "order by at, position limit $4");
            find.Parameters.Add(new() { Value = account });
            find.Parameters.Add(new() { Value = place.AtMillis });
            find.Parameters.Add(new() { Value = place.Order });
            find.Parameters.Add(new() { Value = most });
            await using var row = await find.ExecuteReaderAsync();
            var page = new List<(UsageCursor, UsageRecord)>();
            while (await row.ReadAsync())
                page.Add((new(row.GetInt64(0), row.GetInt64(1)), LedgerJson.DecodeRecord(row.GetFieldValue<byte[]>(2))));
            return page;
        }

        public async Task LeaveAsync(IReadOnlyList<(long Position, byte[] Left)> records, bool anonymizes)
        {
            await using var erase = source.CreateCommand(
                anonymizes
                ? """
                update usage u set "user" = null, session = null, request_id = null, record = g.record
                from unnest($1, $2) as g(position, record) where u.position = g.position
                """
                : """
                update usage u set erased = true, orchestrator = null, "user" = null, tenant = null, session = null, provider = null,
                  model = null, tool = null, request_id = null, duration_ms = null, doubts = null, record = g.record
                from unnest($1, $2) as g(position, record) where u.position = g.position
                """);
            erase.Parameters.Add(new() { Value = records.Select(one => one.Position).ToArray() });
            erase.Parameters.Add(new()
            {
                Value = records.Select(one => one.Left).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea,
            });
            await erase.ExecuteNonQueryAsync();
        }

        public async Task<IReadOnlyList<(UsageCursor Place, long BookedAt)>> TimesAsync(long before, UsageCursor? after, int most)
        {
            var place = after ?? new(RollupPlan.Earliest, 0);
            await using var find = source.CreateCommand(
                "select at, position, booked_at from usage where at < $1 and (at, position) > ($2, $3) order by at, position limit $4");
            find.Parameters.Add(new() { Value = before });
            find.Parameters.Add(new() { Value = place.AtMillis });
            find.Parameters.Add(new() { Value = place.Order });
            find.Parameters.Add(new() { Value = most });
            await using var row = await find.ExecuteReaderAsync();
            var page = new List<(UsageCursor, long)>();
            while (await row.ReadAsync()) page.Add((new(row.GetInt64(0), row.GetInt64(1)), row.GetInt64(2)));
            return page;
        }

        public async Task DeleteAsync(IReadOnlyList<long> positions, long bookedBefore)
        {
            // First, so that nobody misses what is going before it is known that it may.
            await using var delete = source.CreateCommand(
                """
                with told as (update rollup_state set kept_since = greatest(kept_since, $2))
                delete from usage where position = any($1) and position <= (select folded from rollup_state)
                  and position < (select max(position) from usage)
                """);
            delete.Parameters.Add(new() { Value = positions.ToArray() });
            delete.Parameters.Add(new() { Value = bookedBefore });
            await delete.ExecuteNonQueryAsync();
        }
    }
}
