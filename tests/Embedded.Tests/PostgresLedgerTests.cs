// The PostgreSQL ledger against the suites of the port, on a real server.
using Npgsql;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Postgres;
using static Purser.Conformance.Samples;

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

    [Fact]
    public async Task A_database_that_takes_no_writes_is_not_ready()
    {
        await Ledger.ProbeAsync();
        var name = new NpgsqlConnectionStringBuilder(database).Database;
        await ExecuteAsync($"alter database {name} set default_transaction_read_only = on");
        await ReopenedAsync();

        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(Ledger.ProbeAsync);
        Assert.Contains("read-only", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await Ledger.VersionAsync("a"));

        await ExecuteAsync($"alter database {name} reset default_transaction_read_only", "Options=-c default_transaction_read_only=off");
        await ReopenedAsync();
        await Ledger.ProbeAsync();

        // Settings of a database hold for the connections that come after.
        async Task ReopenedAsync() => await ExecuteAsync(
            $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()");
    }

    [Fact]
    public async Task A_database_that_was_put_back_under_a_running_host_is_not_worked_on_until_everything_is_there_again()
    {
        for (var version = 0; version < 5; version++) await Ledger.WriteAsync(Appending("a", version, Mark($"{version}")));
        await Ledger.TimeAsync();
        await ExecuteAsync(
            """
            create table aside as select * from journal where version > 3;
            delete from journal where version > 3;
            update heads set version = 3
            """);

        // Noticed by who writes at a version that was acknowledged, before the next look at the database is due.
        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AppendAsync([Appending("a", 5, Mark("lost"))]));

        Assert.True(refused.IsLoss);
        Assert.Contains("2 acknowledged entries are missing", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AppendAsync([Appending("a", 3, Mark("lost"))]));
        await Assert.ThrowsAsync<LedgerUnavailableException>(Ledger.LoadSettingsAsync);
        await Assert.ThrowsAsync<LedgerUnavailableException>(Ledger.TimeAsync);
        await ExecuteAsync("insert into journal select * from aside; update heads set version = 5");
        await Ledger.TimeAsync();
        await Ledger.WriteAsync(Appending("a", 5, Mark("5")));
        await ExecuteAsync("update ledger set id = 'another'");
        await Assert.ThrowsAsync<LedgerUnavailableException>(Ledger.TimeAsync);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AppendAsync([Appending("a", 6, Mark("lost"))]));
        // Started again, a host takes what is there.
        await using var restarted = await OpenAsync();
        Assert.Equal(6, await restarted.VersionAsync("a"));
    }

    [Fact]
    public async Task Whoever_may_only_read_and_write_works_on_a_schema_that_is_current()
    {
        await Ledger.WriteAsync(Appending("before", 0, Mark("1")));
        var user = "clerk" + Guid.NewGuid().ToString("N")[..8];
        await ExecuteAsync(
            $"""
            create role {user} login password 'right';
            revoke create on schema public from public;
            grant usage on schema public to {user};
            grant select, insert, update, delete on all tables in schema public to {user};
            grant usage, select on all sequences in schema public to {user}
            """);
        var connection = new NpgsqlConnectionStringBuilder(database) { Username = user, Password = "right" }.ConnectionString;
        await using (var clerk = await PostgresLedger.OpenAsync(connection))
        {
            await clerk.ProbeAsync();
            await using var host = new EmbeddedAuthority(clerk);
            await host.PutDefaultPolicyAsync(Calls.Policy(Calls.Tokens("all", "day", 100)));
            await host.ExpectAsync("a", Calls.Reserve("r", 10));
            await host.ExpectAsync("a", Calls.Settle("r", "u", 7));
            Assert.Equal("7", (await host.OnlyLimitAsync("a")).Settled.ToString());
            Assert.True(await ((IEventFeed)clerk).HeadAsync() > 1);
        }
        // What it may not do is said where something is to be done.
        await ExecuteAsync("delete from schema_version where version = (select max(version) from schema_version)");
        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(() => PostgresLedger.OpenAsync(connection));
        Assert.Contains("purser-silo migrate", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_without_a_price_are_looked_up_one_by_one_however_many_their_account_has()
    {
        const int many = 2_000;
        // Accounts have few records as a rule, and an index alone would do: that is what the planner goes by.
        await Ledger.WriteAsync([.. Enumerable.Range(0, 400).Select(no => Appending($"few-{no}", 0, Booked(NewRecord("u"))))]);
        await Ledger.WriteAsync(
            Appending("many", 0, [.. Enumerable.Range(0, many).Select(no => Booked(NewRecord($"u{no}") with { Unpriced = true }))]));
        await ExecuteAsync("vacuum analyze usage");
        var before = await ReadAsync();

        const int shown = 1_000;
        Assert.Equal(shown, (await Ledger.FindAsync(new() { Unpriced = true }, null, shown)).Items.Count);

        // The server writes down in its own time what it read.
        var after = before;
        await ServerProcess.UntilAsync(async () => (after = await ReadAsync()).Lookups - before.Lookups >= shown, () =>
            $"{after.Lookups - before.Lookups} lookups");
        Assert.InRange(after.Rows - before.Rows, 0, 10 * shown);

        async Task<(long Lookups, long Rows)> ReadAsync()
        {
            await using var source = NpgsqlDataSource.Create(database!);
            await using var read = source.CreateCommand(
                "select idx_scan, idx_tup_read from pg_stat_user_indexes where indexrelname = 'usage_account_usage_id_key'");
            await using var row = await read.ExecuteReaderAsync();
            await row.ReadAsync();
            return (row.GetInt64(0), row.GetInt64(1));
        }
    }

    [Fact]
    public async Task Whoever_starts_beside_a_migration_waits_for_its_end_longer_than_calls_have()
    {
        var fresh = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var other = NpgsqlDataSource.Create(fresh);
        await using var connection = await other.OpenConnectionAsync();
        await AskAsync("select pg_advisory_lock(7073757265721)");
        var opening = PostgresLedger.OpenAsync(fresh + ";Command Timeout=1");
        await ServerProcess.UntilAsync(async () => opening.IsCompleted || await AskAsync(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' "
                + "and query like '%pg_advisory_xact_lock%' and query_start < clock_timestamp() - interval '2 s'") is > 0L, () =>
            "nobody waits for the lock");
        Assert.False(opening.IsCompleted);
        await AskAsync("select pg_advisory_unlock(7073757265721)");
        await using var ledger = await opening;
        Assert.Equal(0, await ledger.VersionAsync("a"));

        async Task<object?> AskAsync(string sql)
        {
#pragma warning disable CA2100 // The text stands right here.
            await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
            return await command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task The_end_of_the_feed_never_goes_back_while_somebody_writes_to_the_journal_for_long()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")), Appending("b", 0, Mark("1")));
        var head = await Ledger.HeadAsync();
        await using var another = await PostgresLedger.OpenAsync(database + ";Command Timeout=1");
        await using var other = NpgsqlDataSource.Create(database!);
        await using var connection = await other.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var join = new NpgsqlCommand("lock table journal in row exclusive mode", connection))
            await join.ExecuteNonQueryAsync();
        await Ledger.WriteAsync(Appending("a", 1, Mark("2")));

        // What this host has seen it knows, and one that has seen nothing does not take the beginning for the end.
        Assert.Equal(2, head);
        Assert.Equal(head, await Ledger.HeadAsync());
        Assert.Equal(head, (await Ledger.ReadAsync(0, 10)).ReachedTo);
        var unknown = await Assert.ThrowsAsync<LedgerUnavailableException>(() => ((IEventFeed)another).HeadAsync());
        Assert.Contains("pg_stat_activity", unknown.Message, StringComparison.Ordinal);
        Assert.Equal(Noon, await ((IEventFeed)another).NewestAtAsync());

        await transaction.RollbackAsync();
        Assert.Equal((3, 3), (await Ledger.HeadAsync(), await ((IEventFeed)another).HeadAsync()));
    }

    async Task ExecuteAsync(string sql, string settings = "")
    {
        await using var source = NpgsqlDataSource.Create($"{database};{settings}");
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
