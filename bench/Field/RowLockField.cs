// The baseline on PostgreSQL: each step one transaction around an UPDATE that locks the account's row.
using Npgsql;
using NpgsqlTypes;
using Purser.Conformance.Servers;

namespace Purser.Bench;

sealed class RowLockField(PostgresServer server, NpgsqlDataSource source) : IFieldContender
{
    public static async Task<RowLockField> StartAsync(PostgresServer server)
    {
        var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await server.NewDatabaseAsync())
        {
            MaxPoolSize = RowLockContender.MostConnections, Timeout = 60,
        });
        await using var schema = source.CreateCommand(RowLockContender.Schema);
        await schema.ExecuteNonQueryAsync();
        return new(server, source);
    }

    public async Task LimitAsync(string account, long tokens)
    {
        await using var command = source.CreateCommand("insert into budgets values ($1, $2, 0, 0, 0, 0)");
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = tokens });
        await command.ExecuteNonQueryAsync();
    }

    public async Task<bool> AdmitAsync(int caller, string account, string id, long tokens)
    {
        await using var command = source.CreateCommand(RowLockContender.Reserve);
        command.Parameters.Add(new() { Value = account });
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = tokens });
        command.Parameters.Add(new() { Value = "{}", NpgsqlDbType = NpgsqlDbType.Jsonb });
        try
        {
            return await command.ExecuteNonQueryAsync() == 1;
        }
        catch (PostgresException known) when (known.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // The hold is there: it was taken when nobody answered.
            return true;
        }
    }

    /// <summary>A hold is settled once: its second settlement changes no row.</summary>
    public async Task BookAsync(int caller, string account, string id, long tokens)
    {
        await using var command = source.CreateCommand(RowLockContender.Settle);
        foreach (var value in (object[])[account, id, tokens, Call.Provider, Call.Model, Call.User, tokens, 0L, 0L])
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync();
    }

    public async Task<long> CountedAsync(string account)
    {
        await using var command = source.CreateCommand("select month_settled + month_held from budgets where account = $1");
        command.Parameters.Add(new() { Value = account });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public Task KillAsync() => server.CrashAsync();

    public async Task StartAgainAsync()
    {
        await server.StartAgainAsync();
        source.Clear();
        NpgsqlConnection.ClearAllPools();
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
