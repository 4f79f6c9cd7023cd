// Settings in PostgreSQL: parts that are replaced one by one, and what was changed beside them.
using Npgsql;
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    public Task<long> SettingsVersionAsync() => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand("select coalesce(max(version), 0) from settings");
        return (long)(await command.ExecuteScalarAsync())!;
    });

    public Task<StoredSettings> LoadSettingsAsync() => ReachAsync(async () =>
    {
        // One statement, so that version, parts and notes are of one moment.
        await using var command = source.CreateCommand(
            """
            select 0 as kind, null::text as name, null::bytea as body, coalesce(max(version), 0) as version from settings
            union all select 1, name, body, 0 from settings_parts
            union all select 2, null, body, version from (
              select version, body from settings_notes where subject <> $1 order by version desc limit $2) n
            order by 1, 4
            """);
        command.Parameters.Add(new() { Value = SettingsUpdate.NotShown });
        command.Parameters.Add(new() { Value = StoredSettings.MostChanges });
        var (version, parts, notes) = (0L, new List<SettingsPart>(), new List<ReadOnlyMemory<byte>>());
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
            switch (row.GetInt32(0))
            {
                case 0:
                    version = row.GetInt64(3);
                    break;
                case 1:
                    parts.Add(new(row.GetString(1), row.GetFieldValue<byte[]>(2)));
                    break;
                default:
                    notes.Add(row.GetFieldValue<byte[]>(2));
                    break;
            }
        return StoredSettings.Of(version, parts, notes);
    });

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most) => ReadNotesAsync(
        "select version, subject, body from settings_notes where version > $1 and subject <> $2 order by version limit $3",
        after, SettingsUpdate.NotShown, most);

    public async Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most) =>
        [.. (await ReadNotesAsync(
            """select version, subject, body from settings_notes where lower(subject collate "C") = any($1) order by version desc limit $2""",
            subjects.Select(SettingsNote.Folded).ToArray(), most)).Reverse()];

    Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(string sql, params object[] values) => ReachAsync(async () =>
    {
        await using var find = source.CreateCommand(sql);
        foreach (var value in values) find.Parameters.Add(new() { Value = value });
        var notes = new List<SettingsNote>();
        await using var row = await find.ExecuteReaderAsync();
        while (await row.ReadAsync()) notes.Add(new(row.GetInt64(0), row.GetString(1), row.GetFieldValue<byte[]>(2)));
        return (IReadOnlyList<SettingsNote>)notes;
    });

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update) => ReachAsync(async () =>
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // One writer at a time: the newest version's row replaces the one before it, so that no unique row is left to collide on.
        await using (var turn = new NpgsqlCommand("lock table settings in share row exclusive mode", connection))
            await turn.ExecuteNonQueryAsync();
        await using (var next = new NpgsqlCommand(
            "insert into settings (version) select $1 where coalesce((select max(version) from settings), 0) = $1 - 1", connection))
        {
            next.Parameters.Add(new() { Value = expectedVersion + 1 });
            if (await next.ExecuteNonQueryAsync() == 0) return false;
        }
        await using (var change = new NpgsqlCommand(
            """
            with older as (delete from settings where version < $1), gone as (delete from settings_parts where name = any($2)),
            put as (
              insert into settings_parts (name, body) select * from unnest($3, $4) on conflict (name) do update set body = excluded.body
            )
            insert into settings_notes (version, subject, body) select * from unnest($5, $6, $7)
              on conflict (version) do update set subject = excluded.subject, body = excluded.body
            """, connection))
        {
            var put = update.Parts.Where(part => part.Body is not null).ToArray();
            change.Parameters.Add(new() { Value = expectedVersion + 1 });
            change.Parameters.Add(new() { Value = update.Parts.Where(part => part.Body is null).Select(part => part.Name).ToArray() });
            change.Parameters.Add(new() { Value = Array.ConvertAll(put, part => part.Name) });
            change.Parameters.Add(Bytes(put.Select(part => part.Body!.Value)));
            change.Parameters.Add(new() { Value = update.Notes.Select(note => note.Version).ToArray() });
            change.Parameters.Add(new() { Value = update.Notes.Select(note => note.Subject).ToArray() });
            change.Parameters.Add(Bytes(update.Notes.Select(note => note.Body)));
            await change.ExecuteNonQueryAsync();
        }
        await transaction.CommitAsync();
        return true;
    }, repeatable: false);

    static NpgsqlParameter Bytes(IEnumerable<ReadOnlyMemory<byte>> values) =>
        new() { Value = values.Select(value => value.ToArray()).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
}
