// The HTTP facade of a cluster whose ledger's clock is set to the time that the suites speak of; from there it goes on.
using System.Diagnostics;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

/// <summary>The machine's own clock is months off that: what is decided and reported is in the ledger's time nevertheless.</summary>
public abstract class ClusterFacade : HttpFacade
{
    readonly Stopwatch since = new();

    public override TimeSpan Drift => since.Elapsed + TimeSpan.FromSeconds(1);

    protected async Task<string> NewDatabaseAsync()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        since.Start();
        await PostgresServer.SetClockAsync(database, Time);
        return database;
    }
}
