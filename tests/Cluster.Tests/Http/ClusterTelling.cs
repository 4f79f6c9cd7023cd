// An api in front of two silos whose ledger's time a test moves, all in this process, over real sockets, a real Redis and a real
// PostgreSQL.
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;

namespace Purser.Cluster.Tests.Http;

[CollectionDefinition(Name)]
public sealed class ClusterTellingTests : ICollectionFixture<ClusterTelling>
{
    public const string Name = "telling of a cluster";
}

public sealed class ClusterTelling : TellingFacade
{
    string database = "";
    LocalCluster cluster = null!;

    public override IStore Ledger => cluster.InSilo.GetRequiredService<IStore>();

    /// <summary>An api has no ledger: the command line takes the backup beside the silos.</summary>
    public override async Task BackupAsync()
    {
        var counted = await Backup.WriteAsync(Ledger, Stream.Null, cluster.InSilo.GetRequiredService<LedgerClock>().Now);
        Assert.True(counted.Accounts >= 0);
    }

    protected override async Task<Uri> StartHostAsync()
    {
        database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await PostgresServer.SetClockAsync(database, Clock.GetUtcNow());
        cluster = Add(await LocalCluster.StartAsync(2, database, ofApi: KeepLog, settings: Settings, time: Clock));
        return new(cluster.ApiAddress);
    }

    public override async Task PassAsync(TimeSpan by)
    {
        await PostgresServer.SetClockAsync(database, Clock.GetUtcNow() + by);
        await base.PassAsync(by);
    }
}
