// Silos and apis that are killed in turn: every event is heard in three ways, exactly as the journal has it. In process is a service beside
// the silos, to which they bring the feed as an observer.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Api.Events;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class EventKillTests(ITestOutputHelper output)
{
    [Fact]
    public Task Every_event_is_heard_though_silos_and_apis_are_killed() => KilledInTurnAsync(4);

    [Fact, Trait("run", "long")]
    public Task Every_event_is_heard_though_silos_and_apis_are_killed_20_times() => KilledInTurnAsync(20);

    static IEnumerable<(string, string)> IdsOf(FeedEntry entry) =>
        PublicEvents.Of(entry).Select(happened => (happened.Id, happened.Type));

    async Task KilledInTurnAsync(int times)
    {
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "heard-" + Guid.NewGuid().ToString("N");
        await using var one = SiloProcess.Start(database, redis, clusterId);
        await using var other = SiloProcess.Start(database, redis, clusterId);
        await Task.WhenAll(one.ReadyAsync(), other.ReadyAsync());
        await using var first = SiloProcess.StartApi(redis, clusterId);
        await using var second = SiloProcess.StartApi(redis, clusterId);
        await Task.WhenAll(first.ReadyAsync(), second.ReadyAsync());
        SiloProcess[] nodes = [one, first, other, second];

        using var beside = await BesideAsync(redis, clusterId);
        await using var ledger = await PostgresLedger.OpenAsync(database);
        await using (var kills = new EventKills(() => [first.Address, second.Address], IdsOf, PublicEvents.Types))
        {
            await kills.BeginAsync(beside.Services.GetRequiredService<FeedSubscriptions>().FollowAsync);
            var deciding = kills.DecideAsync();
            for (var kill = 0; kill < times; kill++)
            {
                var (living, node) = (kills.LiveAsync(kill), nodes[kill % nodes.Length]);
                await node.KillAsync();
                node.StartAgain();
                await node.ReadyAsync();
                await living;
            }
            await deciding;
            await kills.EveryTypeAsync();
            output.WriteLine($"{times} kills: {await kills.HeardAsync(await ToldEvents.OfAsync(ledger, IdsOf))}");
        }
        await beside.StopAsync();
    }

    static async Task<IHost> BesideAsync(string redis, string clusterId)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client
            .UseRedisClustering(options => options.ConfigurationOptions = ConfigurationOptions.Parse(redis))
            .UsePurserClient(purser => (purser.ClusterId, purser.ConnectWithin) = (clusterId, ServerProcess.Patience)));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
