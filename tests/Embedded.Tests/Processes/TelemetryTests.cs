// What the embedded host sends to a receiver of OTLP: traces that go on from the caller's, metrics, and logs; nothing where no receiver is
// set, and nothing that anybody waits for.
using System.Diagnostics;
using System.Net.Http.Json;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class TelemetryTests
{
    const string Trace = "0af7651916cd43dd8448eb211c80319c";
    const string Caller = "b7ad6b7169203331";

    static (string, string)[] Settings(string folder, string receiver, string protocol) =>
    [
        ("PURSER_DATA", folder), ("PURSER_LOG", "information"), ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"), ("TMPDIR", folder),
    ];

    static async Task<HttpResponseMessage> CallAsync(HttpClient client, string path, object body, string? traceparent = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (traceparent is not null) request.Headers.Add("traceparent", traceparent);
        return await client.SendAsync(request);
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task A_call_is_one_trace_from_its_caller_to_the_ledger(string protocol)
    {
        using var folder = new TemporaryFolder();
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var host = await HostProcess.StartAsync(
            Settings(folder.Path, protocol == "grpc" ? receiver.Grpc : receiver.Http, protocol));
        using var held = await CallAsync(host.Client, "/v1/accounts/a/reservations", new { id = "h", tokens = 10 },
            $"00-{Trace}-{Caller}-01");
        Assert.True(held.IsSuccessStatusCode);
        string[] wanted = ["purser.step", "purser.commit", "purser.ledger.append"];
        await receiver.UntilAsync(it => wanted.All(name => it.Spans.Any(span => span.Trace == Trace && span.Name == name)),
            "the trace is not complete");
        var spans = receiver.Spans.Where(span => span.Trace == Trace).ToList();
        await receiver.UntilAsync(it => it.Spans.Any(span => span.Trace == Trace && span.Kind == 2), "the call itself is not there");
        var call = receiver.Spans.Single(span => span.Trace == Trace && span.Kind == 2);
        Assert.Equal((Caller, "purser"), (call.Parent, call.Service));
        Assert.Equal(call.Id, spans.Single(span => span.Name == "purser.step").Parent);
        Assert.Equal(spans.Single(span => span.Name == "purser.step").Id, spans.Single(span => span.Name == "purser.commit").Parent);
        Assert.Equal(spans.Single(span => span.Name == "purser.commit").Id,
            spans.Single(span => span.Name == "purser.ledger.append").Parent);

        await receiver.UntilAsync(it => it.Metrics.Contains("purser.commands") && it.Metrics.Contains("purser.append.duration")
            && it.Metrics.Contains("http.server.request.duration"), "metrics are missing");

        // The log names the trace of the call that it is about.
        using var refused = await CallAsync(host.Client, "/v1/accounts/a/reservations", new { id = "h2", tokens = -1 },
            $"00-{Trace}-{Caller}-01");
        Assert.Equal(400, (int)refused.StatusCode);
        await receiver.UntilAsync(
            it => it.Logs.Any(line => line.Trace == Trace && line.Text.StartsWith("refused:", StringComparison.Ordinal)),
            "the log is missing");
        // And an event names the span that brought it.
        await using var events = await EventListener.OpenAsync(host.Client, "/v1/events?after=0&types=reservation.created");
        Assert.Equal($"00-{Trace}-{call.Id}-01", (await events.NextAsync()).Member("traceparent"));
        // Looking at its own ledger begins no traces.
        Assert.DoesNotContain(receiver.Spans, span => span.Parent.Length == 0 && span.Kind != 2);
    }

    [Fact]
    public async Task A_receiver_that_never_answers_holds_nobody_up()
    {
        using var folder = new TemporaryFolder();
        await using var receiver = await OtlpReceiver.StartAsync(silent: true);
        await using var host = await HostProcess.StartAsync(Settings(folder.Path, receiver.Http, "http/protobuf"));
        var began = Stopwatch.GetTimestamp();
        // More spans than all queues hold; every call is answered while the receiver keeps every exporter waiting.
        for (var round = 0; round < 20; round++)
            foreach (var answer in await Task.WhenAll(Enumerable.Range(0, 100).Select(no =>
                CallAsync(host.Client, $"/v1/accounts/a{no % 10}/usage", new { id = $"u{round}-{no}", inputTokens = 1 }))))
                using (answer) Assert.Equal(201, (int)answer.StatusCode);
        // An exporter that waits in vain asks again about once a second.
        Assert.InRange(receiver.Asked, 1, 200 + (int)(4 * Stopwatch.GetElapsedTime(began).TotalSeconds));
        await host.StopAsync();
    }

    [Fact]
    public async Task What_budgets_have_left_is_in_metrics_of_accounts_that_are_named()
    {
        using var folder = new TemporaryFolder();
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("TMPDIR", folder.Path),
            ("PURSER_METRICS_ACCOUNTS", "team-*"));
        foreach (var account in (string[])["team-a", "hidden"])
        {
            using var set = await host.Client.PutAsync(new Uri($"/v1/accounts/{account}/policy", UriKind.Relative),
                JsonContent.Create(new { limits = new[] { new { id = "all", unit = "tokens", window = "lifetime", amount = 100 } } }));
            Assert.True(set.IsSuccessStatusCode);
            using var used = await CallAsync(host.Client, $"/v1/accounts/{account}/usage", new { inputTokens = 40 });
            Assert.True(used.IsSuccessStatusCode);
        }
        var page = "";
        await ServerProcess.UntilAsync(async () =>
        {
            page = await host.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            return page.Contains("""purser_budget_remaining{account="team-a",limit="all",unit="tokens"} 60""", StringComparison.Ordinal);
        }, () => page);
        Assert.DoesNotContain("hidden", page, StringComparison.Ordinal);
        // A limit that is no more is not told of.
        using var none = await host.Client.PutAsync(new Uri("/v1/accounts/team-a/policy", UriKind.Relative),
            JsonContent.Create(new { limits = Array.Empty<object>() }));
        Assert.True(none.IsSuccessStatusCode);
        await ServerProcess.UntilAsync(async () =>
        {
            page = await host.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            return !page.Contains("""account="team-a",limit="all",""", StringComparison.Ordinal);
        }, () => page);
    }

    [Fact]
    public async Task Without_a_receiver_nothing_of_it_exists()
    {
        await using var authority = new Http.ObservedAuthority();
        await using var app = await Http.HttpHost.StartAsync(authority, adminKey: null);
        Assert.Null(app.Services.GetService(typeof(OpenTelemetry.Trace.TracerProvider)));
        Assert.Null(app.Services.GetService(typeof(OpenTelemetry.Metrics.MeterProvider)));
        Assert.False(Engine.Traces.Source.HasListeners());
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", "must be an address")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "must be grpc or http/protobuf")]
    [InlineData("OTEL_LOGS_EXPORTER", "console", "must be otlp or none")]
    [InlineData("PURSER_METRICS_ACCOUNTS", "team-*,a b", "must be an account id, or one with * and ? in it, not 'a b'")]
    public async Task A_wrong_setting_is_named(string name, string value, string why)
    {
        using var folder = new TemporaryFolder();
        var ended = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HostProcess.StartAsync(("PURSER_DATA", folder.Path), (name, value)));
        Assert.Contains($"ended with 2: purser: {name} {why}", ended.Message, StringComparison.Ordinal);
    }
}
