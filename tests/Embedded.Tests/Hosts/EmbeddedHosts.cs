// The embedded host under the suites that every host has to pass.
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Hosts;

/// <summary>One embedded host on a ledger; a restart drops all that is in memory, without a farewell.</summary>
public sealed class EmbeddedHost(Func<Task<IStore>> open) : IAuthorityHost
{
    IStore ledger = null!;
    EmbeddedAuthority authority = null!;

    public IBudgetAuthority Authority => authority;

    public IUsageQueries Queries => ledger;

    public static async Task<IAuthorityHost> StartAsync(Func<Task<IStore>> open)
    {
        var host = new EmbeddedHost(open);
        await host.OpenAsync();
        return host;
    }

    async Task OpenAsync()
    {
        ledger = await open();
        authority = new(ledger);
    }

    public async Task RestartAsync()
    {
        await DisposeAsync();
        await OpenAsync();
    }

    public Task DeleteSnapshotsAsync() => ledger.DeleteSnapshotsAsync();

    public async ValueTask DisposeAsync()
    {
        await authority.DisposeAsync();
        await ledger.DisposeAsync();
    }
}

public sealed class MemoryHostTests : AuthorityConformance
{
    protected override Task<IAuthorityHost> StartAsync()
    {
        var ledger = new MemoryLedger();
        return EmbeddedHost.StartAsync(() => Task.FromResult<IStore>(ledger));
    }
}

public sealed class SqliteHostTests : AuthorityConformance, IDisposable
{
    readonly TemporaryFolder folder = new();

    protected override Task<IAuthorityHost> StartAsync() => EmbeddedHost.StartAsync(async () => await SqliteLedger.OpenAsync(folder.Path));

    // After DisposeAsync, which closes the ledger.
    public void Dispose() => folder.Dispose();
}

[Trait("needs", "postgres")]
public sealed class PostgresHostTests : AuthorityConformance
{
    protected override async Task<IAuthorityHost> StartAsync()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        return await EmbeddedHost.StartAsync(async () => await PostgresLedger.OpenAsync(database));
    }
}
