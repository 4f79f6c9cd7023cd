// The network between silos is cut: both sides go on serving the same accounts for a while, and the ledger keeps it right.
using System.Globalization;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests.Network;

public sealed class PartitionTests(ITestOutputHelper output)
{
    const int Silos = 3;

    /// <summary>So many answers of each side for one account, after the others have given the silo up, are no chance.</summary>
    const int AnswersOfEachSide = 25;

    [NetworkFact]
    public async Task A_silo_that_is_cut_off_and_serves_on_decides_on_what_is_really_there()
    {
        await using var network = await SiloNetwork.MakeAsync(Silos);
        var server = await PostgresServer.SharedAsync();
        var database = await server.NewDatabaseAsync();
        using var postgres = new TcpRelay(network.Host, server.Port);
        var redisPort = (await RedisServer.SharedAsync()).Port;
        var redis = Enumerable.Range(0, Silos).Select(_ => new TcpRelay(network.Host, redisPort)).ToArray();
        var clusterId = "cut-" + Guid.NewGuid().ToString("N");
        var seen = new Npgsql.NpgsqlConnectionStringBuilder(database) { Host = network.Host.ToString(),
            Port = postgres.Address.Port }.ConnectionString;
        var silos = Enumerable.Range(0, Silos)
            .Select(place => SiloProcess.StartIn(network, place, seen, redis[place].Address.ToString(), clusterId)).ToArray();
        try
        {
            await Task.WhenAll(silos.Select(silo => silo.ReadyAsync()));
            await ServerProcess.UntilAsync(async () => await silos[0].SilosAsync() == Silos, () =>
                "the silos do not find each other");
            using var inside = await EnterAsync(clusterId, network.AddressOf(0));
            using var outside = await EnterAsync(clusterId, network.AddressOf(1), network.AddressOf(2));
            // So many that the silo that is cut off has some of them.
            await using var load = await Load.StartAsync([Authority(inside), Authority(outside)], accounts: 24,
                every: TimeSpan.FromMilliseconds(300));
            await load.GoOnAsync(1000);

            var began = load.Now;
            await network.CutAsync(0);
            // Or it would read in Redis that it was given up, and end itself.
            redis[0].Cut();
            await ServerProcess.UntilAsync(async () => await silos[1].SilosAsync() is 1 or 2 || await silos[2].SilosAsync() is 1 or 2, () =>
                "the silo that is cut off is not given up");
            var givenUp = load.Now;
            string[] twice = [];
            await ServerProcess.UntilAsync(() =>
            {
                twice = [.. load.Accounts.Where(account => Enumerable.Range(0, 2).All(side => load.Calls.Count(call =>
                    call.Account == account && call.Side == side && call.Started > givenUp
                        && call.Status == OutcomeStatus.Done) >= AnswersOfEachSide))];
                return Task.FromResult(twice.Length > 0);
            }, () => "no account is served on both sides");
            var both = load.Now - givenUp;

            await network.HealAsync(0);
            redis[0].Heal();
            // It reads that it was given up, and ends itself; whoever watches over processes starts it again.
            await ServerProcess.UntilAsync(() => silos[0].HasExited, "the silo that was given up goes on");
            silos[0].StartAgain();
            await silos[0].ReadyAsync();
            await load.GoOnAsync(500);
            Assert.Empty(await load.StopAndAuditAsync(database));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"cut off: given up after {(givenUp - began).TotalSeconds:0.0} s; {twice.Length} accounts then served on both sides for "
                    + $"{both.TotalSeconds:0.0} s; {load.Acknowledged} calls acknowledged, {load.Unavailable} refused by unavailability "
                        + $"in all; the auditor found nothing"));
        }
        finally
        {
            foreach (var silo in silos) await silo.DisposeAsync();
            foreach (var relay in redis) relay.Dispose();
        }
    }

    static IBudgetAuthority Authority(IHost client) => client.Services.GetRequiredService<IBudgetAuthority>();

    /// <summary>A service beside the cluster, as any may be, that knows some of the silos and no others.</summary>
    static async Task<IHost> EnterAsync(string clusterId, params IPAddress[] silos)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddPurserClient();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering([.. silos.Select(silo => new IPEndPoint(silo, SiloProcess.GatewayInNetwork))]);
            client.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (clusterId, "purser"));
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(3));
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
