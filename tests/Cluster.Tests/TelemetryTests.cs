// What silos and apis send to a receiver of OTLP: one trace over both, from the caller to the ledger.
using System.Net.Http.Json;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

public sealed class TelemetryTests
{
    const string Trace = "0af7651916cd43dd8448eb211c80319d";
    const string Caller = "b7ad6b7169203332";

    [Fact]
    public async Task A_call_is_one_trace_over_api_and_silo()
    {
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "traced-" + Guid.NewGuid().ToString("N");
        await using var receiver = await OtlpReceiver.StartAsync();
        (string, string)[] Settings(string service) =>
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Grpc), ("OTEL_SERVICE_NAME", service), ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
        ];
        await using var silo = SiloProcess.Start(postgres, redis, clusterId, Settings("silo"));
        await silo.ReadyAsync();
        await using var api = SiloProcess.StartApi(redis, clusterId, more: Settings("api"));
        await api.ReadyAsync();
        using var client = new HttpClient { BaseAddress = api.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/accounts/a/reservations") { Content = JsonContent.Create(
            new { id = "h", tokens = 10 }) };
        request.Headers.Add("traceparent", $"00-{Trace}-{Caller}-01");
        using var held = await client.SendAsync(request);
        Assert.True(held.IsSuccessStatusCode);

        string[] ofApi = ["purser.call"], ofSilo = ["purser.step", "purser.commit", "purser.ledger.append"];
        bool Has(string service, string name) =>
            receiver.Spans.Any(span => (span.Trace, span.Service, span.Name) == (Trace, service, name));
        await receiver.UntilAsync(_ => ofApi.All(name => Has("api", name)) && ofSilo.All(name => Has("silo", name)),
            "the trace is not complete");
        // Each but the first hangs on one of the others: what Orleans and Npgsql do stands in between.
        await receiver.UntilAsync(it => it.Spans.Where(span => span.Trace == Trace) is var spans
            && spans.All(span => span.Parent == Caller || spans.Any(other => other.Id == span.Parent)), "a parent is missing");
        Assert.Contains(receiver.Spans, span => span.Trace == Trace && span.Source == "Npgsql");
        Assert.Equal("grain", receiver.Spans.First(span => span.Trace == Trace && span.Name == "purser.call").Attributes["purser.way"]);
        await receiver.UntilAsync(it => it.Metrics.Any(name => name.StartsWith("orleans-", StringComparison.Ordinal))
            && it.Metrics.Contains("purser.commands"),
            "metrics are missing");
    }
}
