// How accounts spread when silos join under steady calls, and what callers notice when one is stopped in good order.
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Servers;
using Purser.Engine;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class ScaleMeasurement(ITestOutputHelper output)
{
    const int Accounts = 200;

    /// <summary>Steady calls, which leave the machine room: else what is measured is how long a queue is.</summary>
    static readonly TimeSpan every = TimeSpan.FromMilliseconds(250);

    static readonly HttpClient http = new();
    static readonly TimeSpan patience = TimeSpan.FromMinutes(2);

    [MeasurementFact]
    public async Task How_sessions_spread_over_two_silos_more_and_how_long_calls_take_while_one_stops()
    {
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var clusterId = "scale-" + Guid.NewGuid().ToString("N");
        var silos = new List<SiloProcess>();
        try
        {
            await JoinAsync();
            await using var client = await LocalCluster.StartClientAsync(redis, clusterId);
            await using var load = await Load.StartAsync([client.Services.GetRequiredService<IBudgetAuthority>()], Accounts, 1,
                every);
            await load.GoOnAsync(2000);
            output.WriteLine($"two silos: {await SpreadAsync(silos)} sessions");
            var joined = load.Now;
            await JoinAsync();
            var even = TimeSpan.Zero;
            await ServerProcess.UntilAsync(async () =>
            {
                var each = await SessionsAsync(silos);
                even = load.Now - joined;
                return each.All(one => Math.Abs(one - each.Average()) <= 0.3 * each.Average());
            }, patience, () => "the sessions do not spread");
            await load.GoOnAsync(1000);
            var spread = await SpreadAsync(silos);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"two joined: {spread} sessions, within 30 % of the mean {even.TotalSeconds:0} s after they were "
                    + $"started; "
                    + $"{load.Unavailable} calls refused; {load.Latencies(joined, load.Now - joined)}"));
            var stopped = load.Now;
            Assert.Equal(0, await silos[0].EndAsync());
            var lasted = load.Now - stopped;
            await load.GoOnAsync(1000);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"one stopped in good order in {lasted.TotalSeconds:0.0} s: {load.Unavailable} calls refused; "
                    + $"{load.Latencies(stopped, lasted)}"));
            Assert.Empty(await load.StopAndAuditAsync(postgres));
            Assert.Equal(0, load.Unavailable);
        }
        finally
        {
            foreach (var silo in silos) await silo.DisposeAsync();
        }

        async Task JoinAsync()
        {
            for (var i = 0; i < 2; i++) silos.Add(SiloProcess.Start(postgres, redis, clusterId));
            await Task.WhenAll(silos.Select(silo => silo.ReadyAsync()));
            await ServerProcess.UntilAsync(async () => await silos[0].SilosAsync() == silos.Count, patience, () =>
                "they do not find each other");
        }
    }

    static async Task<int[]> SessionsAsync(IEnumerable<SiloProcess> silos) => await Task.WhenAll(silos.Select(async silo =>
        int.Parse(Regex.Match(await http.GetStringAsync(new Uri(silo.Address, "/metrics")), @"(?m)^purser_sessions (\d+)").Groups[1].Value,
            CultureInfo.InvariantCulture)));

    static async Task<string> SpreadAsync(IEnumerable<SiloProcess> silos) => string.Join(" / ", await SessionsAsync(silos));
}
