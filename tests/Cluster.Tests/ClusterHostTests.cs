// The cluster under the suite that every host has to pass: from inside a silo, and from outside over TCP.
using Purser.Conformance;

namespace Purser.Cluster.Tests;

public sealed class InSiloTests(SharedCluster shared) : AuthorityConformance, IClassFixture<SharedCluster>
{
    protected override Task<IAuthorityHost> StartAsync() =>
        Task.FromResult<IAuthorityHost>(new ClusterHost(shared.Cluster, cluster => cluster.InSilo));
}

public sealed class OverTcpTests(SharedCluster shared) : AuthorityConformance, IClassFixture<SharedCluster>
{
    protected override Task<IAuthorityHost> StartAsync() =>
        Task.FromResult<IAuthorityHost>(new ClusterHost(shared.Cluster, cluster => cluster.OverTcp));
}
