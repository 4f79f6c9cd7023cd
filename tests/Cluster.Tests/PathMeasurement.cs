// What a silo costs: the same work in an embedded host, from within the silo that serves the accounts, and there through their grains, side
// by side on the same PostgreSQL.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
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
    const double Goal = 0.9;

    static readonly TimeSpan round = TimeSpan.FromSeconds(2);

    [MeasurementFact]
    public async Task How_fast_the_path_in_a_silo_is_beside_the_embedded_one()
    {
        var server = await PostgresServer.SharedAsync();
        await using var cluster = await LocalCluster.StartAsync(1, await server.NewDatabaseAsync());
        await using var ledger = await PostgresLedger.OpenAsync(await server.NewDatabaseAsync());
        // With all that goes on beside calls in an embedded host, as it does in a silo.
        await using var histories = new EmbeddedHistories(ledger);
        await using var embedded = new EmbeddedAuthority(ledger, histories: histories);
        using var stopping = new CancellationTokenSource();
        var upkeep = new UsageUpkeep(ledger, embedded.Clock, NullLogger.Instance, UsageRetention.OfDays(90))
            .RunAsync(TimeProvider.System, stopping.Token);
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
                // Whoever comes after another pays for what that one left to be folded: each comes after each.
                (IBudgetAuthority Path, List<double> Figures)[] paths = [(embedded, theirs), (silo, ours), (grains, through)];
                for (var turn = 0; turn < paths.Length; turn++)
                {
                    var (path, figures) = paths[(i % 2 == 0 ? turn : paths.Length - 1 - turn + i) % paths.Length];
                    var figure = await LifecyclesAsync(path, accounts, callers);
                    if (i > 0) figures.Add(figure);
                }
            }
            var (inSilo, byGrain, inProcess) = (Median(ours), Median(through), Median(theirs));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{accounts} accounts, {callers} callers: in a silo {inSilo:0} lifecycles/s, embedded {inProcess:0}; ratio "
                    + $"{inSilo / inProcess:0.00} (goal {Goal}, {(inSilo / inProcess >= Goal ? "met" : "missed")}); through grains "
                        + $"{byGrain:0}, ratio {byGrain / inProcess:0.00}; medians of {Rounds}"));
        }
        await stopping.CancelAsync();
        await upkeep;
    }

    /// <summary>
    /// What the way of messages costs: lifecycles over TCP as they travel, over TCP with nothing to write or to read but two numbers (what
    /// the best of all codecs could save), and Orleans' own round trips with nothing behind them.
    /// </summary>
    [MeasurementFact]
    public async Task How_fast_the_path_over_TCP_is_beside_an_echo_and_beside_messages_that_cost_nothing()
    {
        var server = await PostgresServer.SharedAsync();
        await using var cluster = await LocalCluster.StartAsync(1, await server.NewDatabaseAsync());
        var grains = cluster.OverTcp.GetRequiredService<IGrainFactory>();
        var budgets = cluster.OverTcp.GetRequiredService<IBudgetAuthority>();
        // As in earnest: answers carry the limits.
        await budgets.PutDefaultPolicyAsync(Calls.Policy(Calls.Tokens("pace", "minute", 1_000_000_000),
            Calls.Tokens("daily", "day", 1_000_000_000), Calls.Tokens("monthly", "month", 1_000_000_000)));
        foreach (var (accounts, callers) in new[] { (10_000, 64), (1, 64) })
        {
            var (asTheyAre, bare, inSilo, echo) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
            for (var i = 0; i <= Rounds; i++)
            {
                var one = await LifecyclesAsync(budgets, accounts, callers);
                var other = await RoundsAsync(accounts, callers, async (account, hold) =>
                {
                    var grain = grains.GetGrain<IBareGrain>(account);
                    await grain.ReserveAsync(hold, 100);
                    await grain.SettleAsync(hold, 40, 20);
                });
                var third = await LifecyclesAsync(cluster.InSilo.GetRequiredService<IBudgetAuthority>(), accounts, callers);
                var fourth = await RoundsAsync(accounts, callers, async (account, hold) =>
                {
                    var grain = grains.GetGrain<IBareGrain>(account);
                    await grain.EchoAsync(hold);
                    await grain.EchoAsync(hold);
                });
                if (i == 0) continue;
                asTheyAre.Add(one);
                bare.Add(other);
                inSilo.Add(third);
                echo.Add(fourth);
            }
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{accounts} accounts, {callers} callers: over TCP {Median(asTheyAre):0} lifecycles/s, with bare messages {Median(bare):0} "
                    + $"(ratio {Median(bare) / Median(asTheyAre):0.00}), in the silo {Median(inSilo):0}, pairs of echoes "
                        + $"{Median(echo):0}; medians of {Rounds}"));
        }
    }

    static double Median(List<double> figures) => figures.Order().ElementAt(figures.Count / 2);

    /// <summary>Holds and settlements with their records, durable, per second.</summary>
    static Task<double> LifecyclesAsync(IBudgetAuthority authority, int accounts, int callers) =>
        RoundsAsync(accounts, callers, async (account, hold) =>
        {
            await authority.ExpectAsync(account, Calls.Reserve(hold, 100));
            await authority.ExpectAsync(account, Calls.Settle(hold, hold, 40, 20));
        });

    static async Task<double> RoundsAsync(int accounts, int callers, Func<string, string, Task> call)
    {
        var (run, done) = (Guid.NewGuid().ToString("N"), 0);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; clock.Elapsed < round; i++)
            {
                var account = string.Create(CultureInfo.InvariantCulture, $"path-{((caller * 7919) + i) % accounts}");
                var hold = string.Create(CultureInfo.InvariantCulture, $"{run}-{caller}-{i}");
                await call(account, hold);
                Interlocked.Increment(ref done);
            }
        })));
        return done / clock.Elapsed.TotalSeconds;
    }
}
