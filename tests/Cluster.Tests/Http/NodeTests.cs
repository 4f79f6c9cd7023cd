// The HTTP facade in front of the cluster: an api without a ledger of its own, and the health of its nodes.
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

public sealed class NodeTests(SharedCluster shared) : IClassFixture<SharedCluster>, IDisposable
{
    readonly HttpClient api = new() { BaseAddress = new(shared.Cluster.ApiAddress) };

    public void Dispose() => api.Dispose();

    [Fact]
    public async Task An_api_in_front_of_silos_holds_settles_and_reports()
    {
        var account = "http-" + Guid.NewGuid().ToString("N");
        var policy = await api.PutAsJsonAsync($"/v1/accounts/{account}/policy",
            new { limits = new[] { new { id = "ever", unit = "tokens", window = "lifetime", amount = 1000 } } });
        Assert.True(policy.IsSuccessStatusCode, await policy.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Created,
            (await api.PostAsJsonAsync($"/v1/accounts/{account}/reservations", new { id = "h", tokens = 600 })).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests,
            (await api.PostAsJsonAsync($"/v1/accounts/{account}/reservations", new { id = "i", tokens = 600 })).StatusCode);
        Assert.Equal(HttpStatusCode.OK,
            (await api.PostAsJsonAsync($"/v1/accounts/{account}/reservations/h/settle",
                new { id = "u", inputTokens = 100, outputTokens = 23 })).StatusCode);
        // Without an id the server makes one up; the answer says which.
        var made = JsonNode.Parse(
            await (await api.PostAsJsonAsync($"/v1/accounts/{account}/usage", new { inputTokens = 7 })).Content.ReadAsStringAsync())!;
        Assert.False(string.IsNullOrEmpty(made["usageId"]!.GetValue<string>()));
        var report = JsonNode.Parse(await api.GetStringAsync($"/v1/reports?account={account}"))!;
        Assert.Equal(130, report["summary"]!["totalTokens"]!.GetValue<long>());
    }

    /// <summary>Who is short of a processor for a moment says so: it is asked again.</summary>
    static async Task<JsonNode> HealthOfAsync(HttpClient node) =>
        JsonNode.Parse(await (await node.GetAsync("/health/ready")).Content.ReadAsStringAsync())!;

    [Fact]
    public async Task Nodes_are_ready_when_the_cluster_can_serve()
    {
        using var silo = new HttpClient { BaseAddress = new(shared.Cluster.SiloAddress) };
        foreach (var node in new[] { api, silo })
        {
            Assert.Equal("live", JsonNode.Parse(await node.GetStringAsync("/health/live"))!["status"]!.GetValue<string>());
            await ServerProcess.UntilAsync(async () => SiloProcess.StatusOf(await HealthOfAsync(node)) == "ready", () =>
                "a node is not ready");
        }
        await ServerProcess.UntilAsync(async () => (int?)(await HealthOfAsync(silo))["silos"] == 3, () =>
            "the silo does not know the others");
        Assert.Equal(HttpStatusCode.NotFound, (await silo.GetAsync("/v1/accounts")).StatusCode);
        var page = await silo.GetStringAsync("/metrics");
        foreach (var known in new[] { "purser_commands_total counter", "purser_cluster_membership_reachable gauge",
            "orleans_catalog_activations gauge", "orleans_messaging_sent_messages_size_bytes histogram",
            "db_client_connection_count gauge", "dotnet_gc_collections_total counter" })
            Assert.Contains("# TYPE " + known + "\n", page, StringComparison.Ordinal);
    }
}
