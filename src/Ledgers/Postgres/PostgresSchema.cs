// Numbered, forward-only migrations, applied at start under a lock, so that several hosts may start together.
using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Purser.Ledgers.Postgres;

public static class PostgresSchema
{
    /// <summary>Any number will do, as long as all versions of Purser use the same.</summary>
    const long MigrationLock = 7_073_757_265_721;

    /// <summary>The ledger's own tables.</summary>
    public static Task MigrateAsync(NpgsqlDataSource source) =>
        MigrateAsync(source, "schema_version", Scripts(Assembly.GetExecutingAssembly(), ".Schema.Postgres."));

    /// <summary>
    /// Brings one set of tables up to date by numbered scripts; <paramref name="versions"/> is the table that keeps how far they are.
    /// Whatever is migrated, it is under the one lock.
    /// </summary>
    public static async Task MigrateAsync(NpgsqlDataSource source, string versions, IReadOnlyList<string> scripts)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await ExecuteAsync(connection, $"select pg_advisory_xact_lock({MigrationLock.ToString(CultureInfo.InvariantCulture)})");
#pragma warning disable CA2100 // The name of the table is a constant of whoever calls.
            await using var missing = new NpgsqlCommand(
                $"select to_regclass(quote_ident(current_schema()) || '.{versions}') is null", connection);
            await using var current = new NpgsqlCommand($"select coalesce(max(version), 0) from {versions}", connection);
#pragma warning restore CA2100
            // `if not exists` asks for the right to make tables also where there is nothing to make.
            if ((bool)(await missing.ExecuteScalarAsync())!)
                await ExecuteAsync(connection, $"create table {versions} (version int not null)");
            var version = (int)(await current.ExecuteScalarAsync())!;
            if (version > scripts.Count) throw PostgresOpening.Newer(version, scripts.Count);
            for (var next = version + 1; next <= scripts.Count; next++)
            {
                await ExecuteAsync(connection, scripts[next - 1]);
                await ExecuteAsync(connection, $"insert into {versions} values ({next.ToString(CultureInfo.InvariantCulture)})");
            }
            await transaction.CommitAsync();
        }
        catch (Exception e) when (
            e is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException or ArgumentException)
        {
            throw PostgresOpening.Server(source.ConnectionString, e);
        }
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // The text comes from this assembly's own resources.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        // A script may rewrite a large table, and whoever starts beside it waits for that: neither ends with the time that calls have.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The scripts among an assembly's resources, in the order of their numbers.</summary>
    public static IReadOnlyList<string> Scripts(Assembly assembly, string folder)
    {
        return assembly.GetManifestResourceNames()
            .Where(name => name.Contains(folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return reader.ReadToEnd();
            }).ToList();
    }
}
