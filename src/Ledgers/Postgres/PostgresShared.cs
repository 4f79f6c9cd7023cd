// Shared documents in PostgreSQL.
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    Task<SharedDocument?> ISharedState.LoadAsync(string name, long known) => ReachAsync(async () =>
    {
        // The body travels only where it is not known yet.
        await using var command = source.CreateCommand(
            "select version, case when version <> $2 then body end from shared where name = $1");
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = known });
        await using var reader = await command.ExecuteReaderAsync();
        if (!await reader.ReadAsync()) return known == 0 ? null : SharedDocument.Missing;
        return await reader.IsDBNullAsync(1) ? null : new SharedDocument(reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
    });

    Task<IReadOnlyList<NamedDocument>> ISharedState.ListAsync(string prefix, string after, int most) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            "select name, version, body from shared where name > $1 and name >= $2 and starts_with(name, $2) order by name limit $3");
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = prefix });
        command.Parameters.Add(new() { Value = most });
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<NamedDocument>();
        while (await reader.ReadAsync())
            found.Add(new(reader.GetString(0), new(reader.GetInt64(1), reader.GetFieldValue<byte[]>(2))));
        return (IReadOnlyList<NamedDocument>)found;
    });

    Task<bool> ISharedState.DeleteAsync(string name, long expectedVersion) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand("delete from shared where name = $1 and version = $2");
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = expectedVersion });
        return await command.ExecuteNonQueryAsync() == 1;
    }, repeatable: false);

    Task<bool> ISharedState.SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(expectedVersion == 0
            ? "insert into shared (name, version, body) values ($1, $2 + 1, $3) on conflict do nothing"
            : "update shared set version = $2 + 1, body = $3 where name = $1 and version = $2");
        command.Parameters.Add(new() { Value = name });
        command.Parameters.Add(new() { Value = expectedVersion });
        command.Parameters.Add(new() { Value = body, NpgsqlDbType = NpgsqlDbType.Bytea });
        return await command.ExecuteNonQueryAsync() == 1;
    }, repeatable: false);
}
