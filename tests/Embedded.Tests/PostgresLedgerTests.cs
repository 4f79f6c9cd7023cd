// The PostgreSQL ledger against the suites of the port, on a real server.
using Npgsql;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Postgres;

namespace Purser.Embedded.Tests;

[Trait("needs", "postgres")]
public sealed class PostgresLedgerTests : LedgerConformance
{
    string? database;

    protected override async Task<IStore> OpenAsync() =>
        await PostgresLedger.OpenAsync(database ??= await (await PostgresServer.SharedAsync()).NewDatabaseAsync());

    protected override async Task<IStore> OpenAnotherHostAsync(IStore first) => await OpenAsync();

    protected override async IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync()
    {
        const string remedy = "PURSER_POSTGRES";
        var server = await PostgresServer.SharedAsync();
        var given = new NpgsqlConnectionStringBuilder(database) { Password = UnopenableStore.Secret };
        yield return Opening("no connection string", "nonsense", "is not a connection string", remedy);
        yield return Opening("an unknown keyword", "Host=127.0.0.1;Prot=5", "is not a connection string", remedy);
        yield return Opening("a number that is none", "Host=127.0.0.1;Port=many", "is not a connection string", remedy);
        yield return Opening("no server", With(to => to.Port = ServerProcess.FreePort()), "can not be reached", "start it");
        yield return Opening("no such machine", With(to => to.Host = "nowhere.invalid"), "can not be reached", "correct Host");
        yield return Opening("no such database", With(to => to.Database = "nothing"), "no database 'nothing'", "create it");
        yield return Opening("no such user", With(to => to.Username = "nobody"), "does not let the user 'nobody' in", remedy);

        var user = "guest" + Guid.NewGuid().ToString("N")[..8];
        await ExecuteAsync($"create role {user} login password 'right'; revoke create on schema public from public");
        yield return Opening("no right to make tables", With(to => to.Username = user, to => to.Database = "postgres"),
            $"the user '{user}' may not make tables", "owner of the database");
        if (server.IsPrivate)
        {
            await server.RequirePasswordAsync(user);
            yield return Opening("a wrong password", With(to => to.Username = user), $"does not let the user '{user}' in", "Password");
            yield return Opening("no password", With(to => to.Username = user, to => to.Password = null), "asks", "Password");
        }

        await ExecuteAsync("insert into schema_version values (9999)");
        yield return Opening("a newer schema", database!, "schema 9999", "run the newer version");
        await ExecuteAsync("delete from schema_version where version = 9999");

        static UnopenableStore Opening(string what, string connection, string wrong, string remedy) =>
            new(what, () => PostgresLedger.OpenAsync(connection), wrong, remedy);

        string With(params Action<NpgsqlConnectionStringBuilder>[] changes)
        {
            var changed = new NpgsqlConnectionStringBuilder(given.ConnectionString);
            foreach (var change in changes) change(changed);
            return changed.ConnectionString;
        }
    }

    async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(database!);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

[Trait("needs", "postgres")]
public class PostgresUsageTests : UsageQueryConformance
{
    protected override async Task<IStore> OpenAsync() =>
        await PostgresLedger.OpenAsync(await (await PostgresServer.SharedAsync()).NewDatabaseAsync());
}

[Trait("needs", "postgres")]
public sealed class PostgresRollupTests : PostgresUsageTests
{
    protected override bool KeepsUp => true;
}
