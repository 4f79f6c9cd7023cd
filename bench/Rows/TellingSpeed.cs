// Whether those who are told hold up those who book: lifecycles over HTTP while a webhook, a listener of events and a receiver of OTLP take
// everything and answer nothing, beside the same host whose receivers answer, and one that tells nobody.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Conformance.Servers;

namespace Purser.Bench;

static class TellingSpeed
{
    const int Accounts = 1000;
    const int Callers = 64;

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        using var dead = new DeadReceiver();
        await using var answering = await AnsweringAsync();
        await using var alone = await HttpContender.StartAsync("alone");
        var (healthyAt, stuckAt) = (Address(), Address());
        await using var healthy = await HttpContender.StartAsync("told", Settings(healthyAt, answering.Urls.First()));
        await using var stuck = await HttpContender.StartAsync("stuck", Settings(stuckAt, dead.Address));
        using var reader = await ListenAsync(healthyAt, reads: true);
        using var sleeper = await ListenAsync(stuckAt, reads: false);
        await HookAsync(healthyAt, answering.Urls.First());
        await HookAsync(stuckAt, dead.Address);
        var accounts = Enumerable.Range(0, Accounts).Select(no => string.Create(CultureInfo.InvariantCulture, $"a{no}")).ToArray();
        HttpContender[] contenders = [alone, healthy, stuck];
        foreach (var contender in contenders)
        {
            await contender.PrepareAsync(accounts, Call.Plenty);
            await Measuring.RunAsync(contender, accounts, Callers, options.WarmUp);
        }
        var (beside, against) = (new List<double>(), new List<double>());
        for (var round = 0; round < options.Rounds; round++)
        {
            var speeds = new double[contenders.Length];
            // In another order each round: who comes last may find a machine that is warmer, or busier.
            for (var i = 0; i < contenders.Length; i++)
            {
                var no = (round + i) % contenders.Length;
                speeds[no] = (await Measuring.RunAsync(contenders[no], accounts, Callers, options.Round)).PerSecond;
            }
            beside.Add(speeds[2] / speeds[1]);
            against.Add(speeds[2] / speeds[0]);
        }
        const string name = "told: a webhook, a listener and an OTLP receiver that never answer";
        results.Add(new(name, "of the throughput with receivers that answer", Median(beside), Goal: ">= 0.95"));
        results.Add(new(name, "of the throughput without any", Median(against)));
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    static string Address() => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");

    static (string, string)[] Settings(string address, string receiver) =>
    [
        ("PURSER_URLS", address), ("PURSER_WEBHOOK_TARGETS", "any"), ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ];

    static async Task HookAsync(string host, string receiver)
    {
        using var client = new HttpClient { BaseAddress = new(host) };
        using var made = await client.PostAsync(new Uri("/v1/webhooks", UriKind.Relative),
            new StringContent($$"""{"url": "{{receiver}}/hook"}""", Encoding.UTF8, "application/json"));
        made.EnsureSuccessStatusCode();
    }

    /// <summary>A listener of everything; one that does not read leaves what comes in its connection until that is full.</summary>
    static async Task<TcpClient> ListenAsync(string host, bool reads)
    {
        var (client, address) = (new TcpClient { ReceiveBufferSize = 4096 }, new Uri(host));
        await client.ConnectAsync(address.Host, address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /v1/events HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"));
        if (reads) _ = client.GetStream().CopyToAsync(Stream.Null);
        return client;
    }

    static async Task<WebApplication> AnsweringAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/{**any}", (RequestDelegate)(http => http.Request.Body.CopyToAsync(Stream.Null)));
        await app.StartAsync();
        return app;
    }

    /// <summary>Takes every connection, and never says anything.</summary>
    sealed class DeadReceiver : IDisposable
    {
        readonly TcpListener listener = new(IPAddress.Loopback, 0);
        readonly List<Socket> taken = [];

        public DeadReceiver()
        {
            listener.Start(1000);
            _ = TakeAsync();
        }

        public string Address => string.Create(CultureInfo.InvariantCulture, $"http://{listener.LocalEndpoint}");

        async Task TakeAsync()
        {
            try
            {
                while (true) taken.Add(await listener.AcceptSocketAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The measurement is over.
            }
        }

        public void Dispose()
        {
            listener.Dispose();
            foreach (var socket in taken) socket.Dispose();
        }
    }
}
