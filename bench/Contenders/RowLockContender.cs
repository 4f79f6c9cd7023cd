// The usual way with PostgreSQL: each operation is a transaction of its own around an UPDATE that locks the account's row.
using Npgsql;
using NpgsqlTypes;
using Purser.Conformance.Servers;

namespace Purser.Bench;

sealed class RowLockContender : IContender
{
    public const int MostConnections = 64;

    public const string Schema =
        """
        create table budgets (
          account text primary key, tokens_limit bigint not null,
          hour_settled bigint not null, hour_held bigint not null, month_settled bigint not null, month_held bigint not null);
        create table holds (
          account text not null, id text not null, tokens bigint not null, call jsonb not null, created_at timestamptz not null, settled_by text,
          primary key (account, id));
        create table usage (
          account text not null, id text not null, at timestamptz not null, provider text, model text, username text,
          input bigint not null, output bigint not null, duration bigint, primary key (account, id));
        create index usage_at on usage (account, at);
        """;

    // One statement for each operation: one round trip, one transaction. What ends and expires is left out, as in the baseline on Redis.
    public const string Reserve =
        """
        with taken as (
          update budgets set hour_held = hour_held + $3, month_held = month_held + $3
          where account = $1 and hour_settled + hour_held + $3 <= tokens_limit and month_settled + month_held + $3 <= tokens_limit
          returning account)
        insert into holds (account, id, tokens, call, created_at) select account, $2, $3, $4, now() from taken
        """;

    public const string Settle =
        """
        with closed as (
          update holds set settled_by = $2 where account = $1 and id = $2 and settled_by is null returning account, tokens
        ), booked as (
          update budgets b set
            hour_held = hour_held - c.tokens, month_held = month_held - c.tokens, hour_settled = hour_settled + $3, month_settled = month_settled + $3
          from closed c where b.account = c.account
          returning b.account)
        insert into usage (account, id, at, provider, model, username, input, output, duration) select account, $2, now(), $4, $5, $6, $7, $8, $9 from booked
        """;

    static readonly string call = $$"""{"provider":"{{Call.Provider}}","model":"{{Call.Model}}","user":"{{Call.User}}"}""";

    readonly PostgresServer server;
    readonly NpgsqlDataSource source;

    RowLockContender(PostgresServer server, NpgsqlDataSource source) => (this.server, this.source) = (server, source);

    public string Name => "PostgreSQL, row-locking UPDATEs";

    public IEnumerable<int> Servers => server.IsPrivate ? Processor.WithChildren(server.ProcessId) : [];

    public static async Task<RowLockContender> StartAsync(PostgresServer server)
    {
        var settings = new NpgsqlConnectionStringBuilder(await server.NewDatabaseAsync())
        {
            MaxPoolSize = MostConnections,
            MaxAutoPrepare = 10,
            AutoPrepareMinUsages = 1,
            Timeout = 60,
        };
        var source = NpgsqlDataSource.Create(settings);
        await using var schema = source.CreateCommand(Schema);
        await schema.ExecuteNonQueryAsync();
        return new(server, source);
    }

    public async Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens)
    {
        await using var command = source.CreateCommand("insert into budgets select unnest($1), $2, 0, 0, 0, 0");
        command.Parameters.Add(new() { Value = accounts.ToArray() });
        command.Parameters.Add(new() { Value = limitTokens });
        await command.ExecuteNonQueryAsync();
    }

    public async Task<bool> ReserveAsync(int caller, string account, string id)
    {
        await using var command = source.CreateCommand(Reserve);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Call.Estimate });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = call, NpgsqlDbType = NpgsqlDbType.Jsonb });
        return await command.ExecuteNonQueryAsync() == 1;
    }

    public async Task SettleAsync(int caller, string account, string id)
    {
        await using var command = source.CreateCommand(Settle);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Call.Actual });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Call.Provider });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Call.Model });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Call.User });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Call.Input });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Call.Output });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Call.DurationMs });
        if (await command.ExecuteNonQueryAsync() != 1) throw new InvalidOperationException("a settlement was not booked");
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
