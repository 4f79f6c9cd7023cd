// What a silo costs: the same work in an embedded host, from within the silo that serves the accounts, and there through their grains, side
// by
// side on the same PostgreSQL.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

/// <summary>A measurement, which only means something on a machine that is calm: it runs where it is asked for.</summary>
public sealed class MeasurementFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => Environment.GetEnvironmentVariable("PURSER_MEASURE") is "1"
            ? null : "it measures: PURSER_MEASURE=1 ./test PathMeasurement, on a machine that does nothing else";
        set => throw new NotSupportedException();
    }
}

public sealed class PathMeasurement(ITestOutputHelper output)
{
    const int Rounds = 5;
    const double Goal = 0.8;

    static readonly TimeSpan round = TimeSpan.FromSeconds(2);

    [MeasurementFact]
    public async Task How_fast_the_path_in_a_silo_is_beside_the_embedded_one()
    {
        var server = await PostgresServer.SharedAsync();
        await using var cluster = await LocalCluster.StartAsync(1, await server.NewDatabaseAsync());
        await using var ledger = await PostgresLedger.OpenAsync(await server.NewDatabaseAsync());
        await using var embedded = new EmbeddedAuthority(ledger);
        var silo = cluster.InSilo.GetRequiredService<IBudgetAuthority>();
        // Which knows of no budget that is near.
        var grains = new ClusterAuthority(
            cluster.InSilo.GetRequiredService<IGrainFactory>(), cluster.InSilo.GetRequiredService<Repetition>(),
                new NearBudgets(TimeProvider.System));
        foreach (var (accounts, callers) in new[] { (10_000, 64), (1, 64), (10_000, 512) })
        {
            var (ours, through, theirs) = (new List<double>(), new List<double>(), new List<double>());
            // In turns, so that all have the same weather; the first turns only warm up.
            for (var i = 0; i <= Rounds; i++)
            {
                var one = await LifecyclesAsync(embedded, accounts, callers);
                var other = await LifecyclesAsync(silo, accounts, callers);
                var third = await LifecyclesAsync(grains, accounts, callers);
                if (i == 0) continue;
                theirs.Add(one);
                ours.Add(other);
                through.Add(third);
            }
            var (inSilo, byGrain, inProcess) = (Median(ours), Median(through), Median(theirs));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{accounts} accounts, {callers} callers: in a silo {inSilo:0} lifecycles/s, embedded {inProcess:0}; ratio "
                    + $"{inSilo / inProcess:0.00} (goal {Goal}, {(inSilo / inProcess >= Goal ? "met" : "missed")}); through grains "
                        + $"{byGrain:0}, ratio {byGrain / inProcess:0.00}; medians of {Rounds}"));
        }
    }

    static double Median(List<double> figures) => figures.Order().ElementAt(figures.Count / 2);

    /// <summary>Holds and settlements with their records, durable, per second.</summary>
    static async Task<double> LifecyclesAsync(IBudgetAuthority authority, int accounts, int callers)
    {
        var (run, done) = (Guid.NewGuid().ToString("N"), 0);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; clock.Elapsed < round; i++)
            {
                var account = string.Create(CultureInfo.InvariantCulture, $"path-{((caller * 7919) + i) % accounts}");
                var hold = string.Create(CultureInfo.InvariantCulture, $"{run}-{caller}-{i}");
                await authority.ExpectAsync(account, Calls.Reserve(hold, 100));
                await authority.ExpectAsync(account, Calls.Settle(hold, hold, 40, 20));
                Interlocked.Increment(ref done);
            }
        })));
        return done / clock.Elapsed.TotalSeconds;
    }
}
