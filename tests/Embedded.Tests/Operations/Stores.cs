// The three kinds of ledger as stores that can be opened, tampered with and thrown away.
using Microsoft.Data.Sqlite;
using Npgsql;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Operations;

/// <summary>An empty ledger of one kind; <see cref="RunAsync"/> changes it behind its back.</summary>
abstract class Store : IAsyncDisposable
{
    IStore? ledger;

    public IStore Ledger => ledger ?? throw new InvalidOperationException("open it first");

    public IUsageQueries Queries => Ledger;

    public IUsageUpkeep Upkeep => Ledger;

    /// <summary><paramref name="script"/> makes what it holds before it is opened for the first time.</summary>
    public static async Task<Store> NewAsync(string kind, string? script = null)
    {
        Store store = kind switch
        {
            "sqlite" => new SqliteStore(),
            "postgres" => new PostgresStore(await (await PostgresServer.SharedAsync()).NewDatabaseAsync()),
            _ => new MemoryStore(),
        };
        if (script is not null) await store.ExecuteAsync(script);
        store.ledger = await store.OpenAsync();
        return store;
    }

    protected abstract Task<IStore> OpenAsync();

    /// <summary>Runs SQL while no ledger is open.</summary>
    public async Task RunAsync(string sql)
    {
        await Ledger.DisposeAsync();
        Assert.True(await ExecuteAsync(sql) > 0, $"changed nothing: {sql}");
        ledger = await OpenAsync();
    }

    protected abstract Task<int> ExecuteAsync(string sql);

    /// <summary>Bytes as the ledger's SQL writes them.</summary>
    public abstract string Literal(byte[] bytes);

    public virtual async ValueTask DisposeAsync()
    {
        if (ledger is not null) await ledger.DisposeAsync();
    }

    sealed class MemoryStore : Store
    {
        protected override Task<IStore> OpenAsync() => Task.FromResult<IStore>(new MemoryLedger());

        protected override Task<int> ExecuteAsync(string sql) => throw new NotSupportedException();

        public override string Literal(byte[] bytes) => throw new NotSupportedException();
    }

    sealed class SqliteStore : Store
    {
        readonly TemporaryFolder folder = new();

        // Whatever was done to the file: what is compared is what it says now.
        protected override async Task<IStore> OpenAsync() => await SqliteLedger.OpenAsync(folder.Path, acceptLoss: true);

        protected override Task<int> ExecuteAsync(string sql)
        {
            using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, SqliteLedger.FileName)};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return Task.FromResult(command.ExecuteNonQuery());
        }

        public override string Literal(byte[] bytes) => $"X'{Convert.ToHexString(bytes)}'";

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            folder.Dispose();
        }
    }

    sealed class PostgresStore(string database) : Store
    {
        protected override async Task<IStore> OpenAsync() => await PostgresLedger.OpenAsync(database);

        protected override async Task<int> ExecuteAsync(string sql)
        {
            // A connection of its own: what a script sets for its session ends with it.
            await using var connection = new NpgsqlConnection(database + ";Pooling=false");
            await connection.OpenAsync();
#pragma warning disable CA2100 // The statements are those of the tests.
            await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
            return await command.ExecuteNonQueryAsync();
        }

        public override string Literal(byte[] bytes) => $"'\\x{Convert.ToHexString(bytes)}'::bytea";
    }
}
