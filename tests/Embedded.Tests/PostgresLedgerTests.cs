// The PostgreSQL ledger against the suites of the port, on a real server.
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Postgres;

namespace Purser.Embedded.Tests;

[Trait("needs", "postgres")]
public sealed class PostgresLedgerTests : LedgerConformance
{
    string? database;

    protected override async Task<ILedger> OpenAsync() =>
        await PostgresLedger.OpenAsync(database ??= await (await PostgresServer.SharedAsync()).NewDatabaseAsync());

    protected override async Task<ILedger> OpenAnotherHostAsync(ILedger first) => await OpenAsync();
}

[Trait("needs", "postgres")]
public class PostgresUsageTests : UsageQueryConformance
{
    protected override async Task<ILedger> OpenAsync() =>
        await PostgresLedger.OpenAsync(await (await PostgresServer.SharedAsync()).NewDatabaseAsync());
}

[Trait("needs", "postgres")]
public sealed class PostgresRollupTests : PostgresUsageTests
{
    protected override bool KeepsUp => true;
}
