// A service of one's own beside the silos: the sample, as a process, against three silos of which one is killed.
using System.Diagnostics;
using Purser.Conformance.Servers;
using Purser.Conformance;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class CohostedTests(ITestOutputHelper output) : Lifetime
{
    readonly List<SiloProcess> silos = [];
    string redis = "";

    protected override async Task StartAsync() => redis = (await RedisServer.SharedAsync()).ConnectionString;

    async Task StartSilosAsync(string clusterId)
    {
        var postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        for (var i = 0; i < 3; i++) silos.Add(Add(SiloProcess.Start(postgres, redis, clusterId)));
        await Task.WhenAll(silos.Select(silo => silo.ReadyAsync()));
        await ServerProcess.UntilAsync(async () => await silos[0].SilosAsync() == 3, () => "the silos do not find each other");
    }

    [Fact]
    public async Task A_service_beside_the_silos_gets_every_answer_though_one_of_them_is_killed()
    {
        var clusterId = "cohosted-" + Guid.NewGuid().ToString("N");
        await StartSilosAsync(clusterId);
        using var service = Start(clusterId, "1500");
        Assert.Equal("500 calls so far", await service.StandardOutput.ReadLineAsync());
        await silos[0].KillAsync();
        var (said, errors) = (service.StandardOutput.ReadToEndAsync(), service.StandardError.ReadToEndAsync());
        await service.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        output.WriteLine(await said);
        Assert.True(service.ExitCode == 0, await said + await errors);
        Assert.Contains("1500 calls, 0 unanswered", await said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_cluster_id_is_named()
    {
        // Redis knows no silo of that name, whatever else runs.
        using var service = Start("mistyped", "1");
        var errors = service.StandardError.ReadToEndAsync();
        await service.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        Assert.Equal(1, service.ExitCode);
        Assert.Contains("ClusterId 'mistyped'", await errors, StringComparison.Ordinal);
        Assert.Contains("PURSER_CLUSTER_ID", await errors, StringComparison.Ordinal);
    }

    Process Start(string cluster, string calls)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "purser-cohosted"), [calls])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        (start.Environment["PURSER_REDIS"], start.Environment["PURSER_CLUSTER_ID"]) = (redis, cluster);
        // As its silos, which are those of tests.
        start.Environment["PURSER_PROBE_SECONDS"] = "2";
        return ServerProcess.Start(start);
    }
}
