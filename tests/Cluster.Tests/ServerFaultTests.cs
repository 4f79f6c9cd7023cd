// What the silos stand on, killed under them: PostgreSQL and Redis.
using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Conformance;
using Purser.Engine;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class ServerFaultTests(ITestOutputHelper output) : Lifetime
{
    PostgresServer postgres = null!;
    RedisServer redis = null!;
    LocalCluster cluster = null!;

    protected override async Task StartAsync()
    {
        postgres = Add(await PostgresServer.StartAsync());
        redis = Add(await RedisServer.StartAsync());
        cluster = Add(await LocalCluster.StartAsync(2, await postgres.NewDatabaseAsync(), redis: redis));
    }

    IBudgetAuthority Authority => cluster.OverTcp.GetRequiredService<IBudgetAuthority>();

    [Fact]
    public async Task A_ledger_killed_under_load_loses_nothing_that_was_acknowledged()
    {
        await using var load = await Load.StartAsync([Authority], accounts: 4);
        await load.GoOnAsync(500);
        await postgres.KillAsync();
        await ServerProcess.UntilAsync(() => load.Unavailable > 0, "nobody notices that the ledger is gone");
        using (var api = new HttpClient { BaseAddress = new(cluster.ApiAddress) })
        using (var answer = await api.PostAsync(new Uri($"/v1/accounts/{load.Accounts[0]}/reservations", UriKind.Relative), new StringContent("""{"tokens":1}""", new MediaTypeHeaderValue("application/json"))))
        {
            var away = await Reply.Of(answer);
            away.IsProblem(503, "unavailable");
            Assert.Equal("1", away.Header("Retry-After"));
        }
        await postgres.StartAgainAsync();
        var back = load.Now;
        await load.GoOnAsync(500);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"PostgreSQL killed and started again: {load.Unavailable} calls told to try again, every account served again "
                + $"{load.Recovery(back).TotalSeconds:0.0} s after it was back"));
        Assert.Empty(await load.StopAndAuditAsync(cluster.Postgres));
    }

    [Fact]
    public async Task Silos_serve_on_while_redis_is_gone_and_find_each_other_when_it_is_back()
    {
        await using var load = await Load.StartAsync([Authority], accounts: 4);
        await load.GoOnAsync(500);
        await redis.KillAsync();
        await load.GoOnAsync(1000);
        await redis.StartAgainAsync();
        await load.GoOnAsync(500);
        await cluster.RestartAsync();
        await load.GoOnAsync(200);
        output.WriteLine(
            $"Redis killed and started again, then all silos restarted at once: {load.Unavailable} calls refused by unavailability");
        Assert.Empty(await load.StopAndAuditAsync(cluster.Postgres));
    }
}
