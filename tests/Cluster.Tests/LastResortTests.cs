// Nodes that are told to stop when there is nobody left to whom they could say goodbye.
using System.Diagnostics;
using System.Globalization;
using Purser.Conformance.Servers;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class LastResortTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nodes_that_are_told_to_stop_end_though_redis_and_postgres_are_gone()
    {
        await using var ownRedis = await RedisServer.StartAsync();
        await using var ownPostgres = await PostgresServer.StartAsync();
        var (database, clusterId) = (await ownPostgres.NewDatabaseAsync(), "gone-" + Guid.NewGuid().ToString("N"));
        SiloProcess[] nodes =
        [
            SiloProcess.Start(database, ownRedis.ConnectionString, clusterId, SiloProcess.Patient),
                SiloProcess.Start(database, ownRedis.ConnectionString, clusterId, SiloProcess.Patient),
            SiloProcess.StartApi(ownRedis.ConnectionString, clusterId),
        ];
        try
        {
            await Task.WhenAll(nodes.Select(node => node.ReadyAsync()));
            await ownRedis.KillAsync();
            await ownPostgres.CrashAsync();
            // Within how many seconds, and that these are fewer than deploy gives them, is for the tests of the manifests.
            var told = Stopwatch.StartNew();
            var ended = await Task.WhenAll(nodes.Select(async node => (Code: await node.EndAsync(), Took: told.Elapsed)));
            Assert.All(ended, one => Assert.True(one.Code is Api.ExitCodes.Done or Api.ExitCodes.CutShort, $"a node ended with {one.Code}"));
            output.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                    $"both gone: the nodes ended "
                        + $"{string.Join(", ", ended.Select(one => $"after {one.Took.TotalSeconds:0} s with {one.Code}"))}"));
            await ownRedis.StartAgainAsync();
            await ownPostgres.StartAgainAsync();
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }
}
