// What PostgreSQL or Redis being away looks like from outside: answers, health, metrics and the log of real silos and an api before them.
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Purser.Conformance;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class OutageTests(ITestOutputHelper output) : Lifetime
{
    static readonly HttpClient http = new() { Timeout = ServerProcess.Patience };

    readonly List<SiloProcess> silos = [];
    PostgresServer postgres = null!;
    RedisServer redis = null!;
    SiloProcess api = null!;

    protected override async Task StartAsync()
    {
        postgres = Add(await PostgresServer.StartAsync());
        redis = Add(await RedisServer.StartAsync());
        var (database, clusterId) = (await postgres.NewDatabaseAsync(), "outages-" + Guid.NewGuid().ToString("N"));
        for (var i = 0; i < 2; i++) silos.Add(Add(SiloProcess.Start(database, redis.ConnectionString, clusterId, SiloProcess.Patient)));
        api = Add(SiloProcess.StartApi(redis.ConnectionString, clusterId));
        await Task.WhenAll(silos.Append(api).Select(node => node.ReadyAsync()));
        await ServerProcess.UntilAsync(async () => await silos[0].SilosAsync() == 2, () => "the silos do not find each other");
    }

    [Fact]
    public async Task Without_postgres_what_needs_no_ledger_is_answered_and_the_rest_says_so_once()
    {
        const string Warm = "/v1/accounts/warm/reservations";
        const string Hold = """{"tokens":1}""";
        const string Quote = """{"model":"claude-opus-5","usage":{"inputTokens":1000}}""";
        const string Count = """{"model":"gpt-4o","text":"How many tokens are these?"}""";
        Assert.Equal(200, (await PostAsync("/v1/quotes", Quote)).Status);
        Assert.Equal(201, (await PostAsync(Warm, Hold)).Status);
        // Pools have names of their own: else their connection strings would be labels.
        var page = (await GetAsync(silos[0].Address, "/metrics")).Body;
        Assert.Contains("pool_name=\"ledger\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Host=", page, StringComparison.OrdinalIgnoreCase);
        await postgres.KillAsync();

        var refused = (Status: 0, Body: "");
        await ServerProcess.UntilAsync(async () => (refused = await PostAsync(Warm, Hold)).Status == 503, () =>
            "nobody notices that PostgreSQL is gone");
        SaysNothingOfTheServer(refused.Body);
        SaysNothingOfTheServer((await PostAsync("/v1/accounts/cold/reservations", Hold)).Body);
        Assert.Equal(200, (await PostAsync("/v1/quotes", Quote)).Status);
        Assert.Equal(200, (await PostAsync("/v1/tokens/count", Count)).Status);
        Assert.Equal(200, (await GetAsync(api.Address, "/v1/prices")).Status);
        await IsReadyAsync(api.Address);
        var silo = (Status: 0, Body: "");
        await ServerProcess.UntilAsync(async () => (silo = await GetAsync(silos[0].Address, "/health/ready")).Status == 503, () =>
            "the silo is still ready");
        SaysNothingOfTheServer(silo.Body);
        // Long enough that every shard and every watch has asked in vain.
        for (var i = 0; i < 200; i++) Assert.Equal(503, (await PostAsync($"/v1/accounts/away-{i % 20}/reservations", Hold)).Status);

        await postgres.StartAgainAsync();
        await ServerProcess.UntilAsync(async () => (await PostAsync(Warm, Hold)).Status == 201, () =>
            "it does not go on when PostgreSQL is back");
        // It says so once nobody was refused for a while: it is asked until then.
        await ServerProcess.UntilAsync(async () => (await GetAsync(silos[0].Address, "/health/ready")).Status == 200
            && silos[0].Log.Contains("The ledger answers again", StringComparison.Ordinal), () => "the silo is not ready again");
        // One line where writes fail, one where the ledger is asked, and both again when it is back: not one for each account or shard.
        Assert.InRange((await TroubleAsync(silos[0])).Count(IsOurs), 2, 8);
        Assert.InRange((await TroubleAsync(api)).Count(IsOurs), 1, 8);

        // Not of the frameworks: an api that starts before the first silo says that it looks for one.
        static bool IsOurs(string line) => line.Contains(": Purser.", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_redis_everything_goes_on_and_health_and_metrics_show_it()
    {
        await redis.KillAsync();
        foreach (var silo in silos)
            await ServerProcess.UntilAsync(async () => Status((await GetAsync(silo.Address, "/health/ready")).Body) == "degraded", () =>
                "the silo does not notice that Redis is gone");
        await IsReadyAsync(silos[0].Address);
        await IsReadyAsync(api.Address);
        Assert.Contains("\npurser_cluster_membership_reachable 0\n", (await GetAsync(silos[0].Address, "/metrics")).Body,
            StringComparison.Ordinal);
        Assert.Equal(201, (await PostAsync("/v1/accounts/without-redis/reservations", """{"tokens":1}""")).Status);
        await redis.StartAgainAsync();
        foreach (var silo in silos)
            await ServerProcess.UntilAsync(async () => Status((await GetAsync(silo.Address, "/health/ready")).Body) == "ready", () =>
                "the silo does not notice that Redis is back");
        Assert.Contains("\npurser_cluster_membership_reachable 1\n", (await GetAsync(silos[0].Address, "/metrics")).Body,
            StringComparison.Ordinal);
        var trouble = await TroubleAsync(silos[0]);
        Assert.Single(trouble, line => line.Contains("Redis does not answer", StringComparison.Ordinal));
        Assert.Single(trouble, line => line.Contains("Redis answers again", StringComparison.Ordinal));
    }

    /// <summary>Lines of warnings and errors of its log, which has to be ended for that.</summary>
    async Task<IReadOnlyList<string>> TroubleAsync(SiloProcess silo)
    {
        Assert.Equal(0, await silo.EndAsync());
        var lines = (await silo.LogAsync()).Split('\n').Where(line => Regex.IsMatch(line, "(warn|fail|crit): ")).ToList();
        foreach (var line in lines) output.WriteLine(line.Length > 300 ? line[..300] : line);
        return lines;
    }

    void SaysNothingOfTheServer(string body)
    {
        Assert.DoesNotContain("127.0.0.1", body, StringComparison.Ordinal);
        // As a word of its own: the numbers of traces may hold its digits.
        Assert.DoesNotMatch($@"\b{postgres.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}\b", body);
    }

    /// <summary>Whoever lacks a processor for a moment says that it is not ready: it is asked again.</summary>
    static Task IsReadyAsync(Uri node) => ServerProcess.UntilAsync(async () => (await GetAsync(node, "/health/ready")).Status == 200, () =>
        $"{node} is not ready");

    static string? Status(string health) => SiloProcess.StatusOf(JsonNode.Parse(health)!);

    async Task<(int Status, string Body)> PostAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri(api.Address, path), content);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    static async Task<(int Status, string Body)> GetAsync(Uri node, string path)
    {
        using var answer = await http.GetAsync(new Uri(node, path));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
