// Whether those who are told hold up those who book: lifecycles over HTTP while a webhook, a listener of events and a receiver of OTLP take
// everything and answer nothing, beside the same host whose receivers answer, and one that tells nobody.
using System.Diagnostics;
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

    /// <summary>Who is told: with each kind of receiver alone its part of the cost can be seen.</summary>
    [Flags]
    enum Told { Nobody = 0, Webhook = 1, Listener = 2, Otlp = 4, All = 7 }

    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        using var dead = new DeadReceiver();
        await using var answering = await AnsweringAsync();
        var accounts = Enumerable.Range(0, Accounts).Select(no => string.Create(CultureInfo.InvariantCulture, $"a{no}")).ToArray();
        (string Name, Told Who, string Receiver)[] kinds =
        [
            ("alone", Told.Nobody, dead.Address), ("told", Told.All, answering.Urls.First()), ("stuck", Told.All, dead.Address),
            ("a webhook", Told.Webhook, dead.Address), ("a listener", Told.Listener, dead.Address),
            ("an OTLP receiver", Told.Otlp, dead.Address),
        ];
        var hosts = new List<TellingHost>();
        try
        {
            foreach (var (name, who, receiver) in kinds)
            {
                var at = Address();
                var contender = await HttpContender.StartAsync(name, Settings(at, who.HasFlag(Told.Otlp) ? receiver : null));
                hosts.Add(new(contender, at, who.HasFlag(Told.Listener), Reads: receiver != dead.Address));
                if (who.HasFlag(Told.Webhook)) await HookAsync(at, receiver);
                await contender.PrepareAsync(accounts, Call.Plenty);
                await hosts[^1].BeginTurnAsync();
                await Measuring.RunAsync(contender, accounts, Callers, options.WarmUp);
            }
            var rounds = new List<Figures[]>();
            for (var round = 0; round < options.Rounds; round++)
            {
                var measured = new Figures[hosts.Count];
                foreach (var no in OrderOf(round, measured.Length))
                {
                    // A host with receivers that answer sends for seconds after its turn what it told meanwhile, and every host folds its
                    // records: whoever comes next would be measured beside that.
                    await RestAsync(30);
                    // Who does not read is stuck once the connection is full; from five seconds later on nothing is read for it, and half
                    // a minute later it is hung up on.
                    await hosts[no].BeginTurnAsync();
                    await Measuring.RunAsync(hosts[no].Contender, accounts, Callers, options.Round);
                    if (!options.Quick) await Task.Delay(TimeSpan.FromSeconds(6));
                    await RestAsync(10);
                    measured[no] = await MeasureAsync(hosts[no].Contender, accounts, options.Round);
                }
                rounds.Add(measured);
            }
            Tell(results, [.. kinds.Select(kind => kind.Name)], rounds);
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }

        Task RestAsync(int seconds) => Processor.RestAsync([Environment.ProcessId, .. hosts.SelectMany(host => host.Contender.Servers)],
            TimeSpan.FromSeconds(options.Quick ? 0.5 : seconds));
    }

    /// <summary>A host, and who listens to it; one who does not read leaves what comes in its connection until that is full.</summary>
    sealed record TellingHost(HttpContender Contender, string Address, bool IsListenedTo, bool Reads) : IAsyncDisposable
    {
        TcpClient? listener;

        /// <summary>A host hangs up on a listener that takes nothing for half a minute, and on callers who say nothing for two: each turn
        /// has both anew.</summary>
        public async Task BeginTurnAsync()
        {
            await Contender.ConnectAsync();
            if (!IsListenedTo) return;
            listener?.Dispose();
            listener = new() { ReceiveBufferSize = 4096 };
            var address = new Uri(Address);
            await listener.ConnectAsync(address.Host, address.Port);
            await listener.GetStream().WriteAsync(
                Encoding.ASCII.GetBytes($"GET /v1/events HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"));
            if (Reads) _ = ReadAsync(listener);
        }

        static async Task ReadAsync(TcpClient listener)
        {
            try
            {
                await listener.GetStream().CopyToAsync(Stream.Null);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Its turn is over.
            }
        }

        public async ValueTask DisposeAsync()
        {
            listener?.Dispose();
            await Contender.DisposeAsync();
        }
    }

    /// <summary>Forwards and backwards in turn, and from another one each time: nobody always comes after the same one.</summary>
    internal static IEnumerable<int> OrderOf(int round, int count)
    {
        var order = Enumerable.Range(0, count).Select(i => (round / 2 + i) % count);
        return round % 2 == 0 ? order : order.Reverse();
    }

    /// <summary>Of one turn: lifecycles a second, what one costs the host of the processors' time, and the part of the processors that
    /// others than the host and its callers had.</summary>
    readonly record struct Figures(double PerSecond, double Micros, double Others);

    static async Task<Figures> MeasureAsync(HttpContender contender, string[] accounts, TimeSpan round)
    {
        TimeSpan Spent() => TimeSpan.FromSeconds(contender.Servers.Sum(server => Processor.TimeOf(server).TotalSeconds));
        var (before, all, clock) = (Spent(), Processor.TimeOfAll(), Stopwatch.StartNew());
        var measured = await Measuring.RunAsync(contender, accounts, Callers, round);
        var (spent, lasted) = (Spent() - before, clock.Elapsed);
        var others = Processor.TimeOfAll() - all - TimeSpan.FromMicroseconds(measured.CpuMicros * measured.PerSecond * lasted.TotalSeconds);
        return new(measured.PerSecond, spent.TotalMicroseconds / Math.Max(1, measured.PerSecond * lasted.TotalSeconds),
            Math.Max(0, others / lasted / Environment.ProcessorCount));
    }

    static void Tell(Results results, string[] names, List<Figures[]> rounds)
    {
        const string all = "told: a webhook, a listener and an OTLP receiver that never answer";
        double Of(Func<Figures[], double> figure) => rounds.Select(figure).Median();
        results.Add(new(all, "of the throughput with receivers that answer", Of(round => round[2].PerSecond / round[1].PerSecond),
            Goal: ">= 0.95"));
        results.Add(new(all, "of the throughput without any", Of(round => round[2].PerSecond / round[0].PerSecond), Goal: ">= 0.95"));
        for (var i = 0; i < names.Length; i++)
        {
            var no = i;
            results.Add(new($"told: {names[i]}", "us of processor a lifecycle", Of(round => round[no].Micros),
                i == 0 ? null : names[0], i == 0 ? null : Of(round => round[0].Micros)));
            results.Add(new($"told: {names[i]}", "lifecycles/s", Of(round => round[no].PerSecond),
                i == 0 ? null : names[0], i == 0 ? null : Of(round => round[0].PerSecond)));
        }
        results.Add(new("told: all turns", "of the processors at most that other programs had",
            rounds.SelectMany(round => round).Max(one => one.Others)));
    }

    static string Address() => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");

    static (string, string)[] Settings(string address, string? receiver) =>
    [
        ("PURSER_URLS", address), ("PURSER_WEBHOOK_TARGETS", "any"),
        .. receiver is null ? ((string, string)[])[]
            : [("OTEL_EXPORTER_OTLP_ENDPOINT", receiver), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
    ];

    static async Task HookAsync(string host, string receiver)
    {
        using var client = new HttpClient { BaseAddress = new(host) };
        using var made = await client.PostAsync(new Uri("/v1/webhooks", UriKind.Relative),
            new StringContent($$"""{"url": "{{receiver}}/hook"}""", Encoding.UTF8, "application/json"));
        made.EnsureSuccessStatusCode();
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
