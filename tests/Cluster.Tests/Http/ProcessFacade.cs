// An api in front of three silos, each a process of its own, with a real Redis and a real PostgreSQL.
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

[CollectionDefinition(Name)]
public sealed class ProcessHttpTests : ICollectionFixture<ProcessFacade>
{
    public const string Name = "http of silos as processes";
}

public sealed class ProcessFacade : ClusterFacade
{
    readonly string clusterId = "http-" + Guid.NewGuid().ToString("N");
    string redis = "";

    protected override async Task StartAsync()
    {
        redis = (await RedisServer.SharedAsync()).ConnectionString;
        var database = await NewDatabaseAsync();
        var nodes = new List<SiloProcess>();
        for (var i = 0; i < 3; i++) nodes.Add(Add(SiloProcess.Start(database, redis, clusterId, SiloProcess.Patient)));
        nodes.Add(Add(SiloProcess.StartApi(redis, clusterId)));
        await Task.WhenAll(nodes.Select(node => node.ReadyButForTheClockAsync()));
        Client = Add(AnswerCheck.ClientOf(nodes[^1].Address));
    }

    public override async Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings)
    {
        var api = SiloProcess.StartApi(redis, clusterId, key, settings);
        try
        {
            await api.ReadyButForTheClockAsync();
            return new(AnswerCheck.ClientOf(api.Address), api);
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }
}
