// Moves warm budgets from silos that carry more to silos that carry less: to one that has just joined, and back to one that was replaced.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Core.Internal;
using Orleans.Runtime.Placement;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>A move is a handover: callers wait for it for some milliseconds. Safety is the ledger's, as ever.</summary>
public sealed class BudgetBalance(
    IGrainFactory grains, SiloPeers peers, NearBudgets near, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<BudgetBalance> log) : BackgroundService
{
    /// <summary>A silo that has just started is left alone at first: the next look finds it.</summary>
    static readonly TimeSpan period = TimeSpan.FromSeconds(10);

    /// <summary>Where no silo came or went, only every so many periods look.</summary>
    const int QuietPeriods = 6;

    /// <summary>For so many periods after silos came or went each one looks: one look does not see what the other silos just
    /// moved.</summary>
    const int PeriodsOfNews = 12;

    const int MostPerLook = 1_000;
    const int MostAtOnce = 16;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => BalanceAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task BalanceAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        var (known, news) = (Array.Empty<SiloAddress>(), 0);
        using var timer = new PeriodicTimer(period, time);
        var rounds = new Rounds(log, "Moving budgets between silos", time);
        for (var look = 0; await timer.WaitForNextTickAsync(stoppingToken); look++)
        {
            var active = peers.Active;
            if (!active.SequenceEqual(known)) (known, news) = (active, PeriodsOfNews);
            if (news > 0) news--;
            else if (look % QuietPeriods != 0) continue;
            if (active.Length > 1) await rounds.TryAsync(() => LookAsync(active, stoppingToken), stoppingToken);
        }
    }

    /// <summary>One look, and what follows from it. How many moves were made.</summary>
    public async Task<int> LookAsync(SiloAddress[] active, CancellationToken cancellation)
    {
        try
        {
            var counts = active.ToDictionary(silo => silo, _ => 0);
            foreach (var counted in await grains.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics(active, cancellation))
                if (counted.GrainType.StartsWith(typeof(BudgetGrain).FullName!, StringComparison.Ordinal))
                    counts[counted.SiloAddress] += counted.ActivationCount;
            var moves = BudgetMoves.Of(counts, peers.Here, MostPerLook)
                .SelectMany(move => Enumerable.Repeat(move.Silo, move.Count)).ToArray();
            var moving = near.Accounts.Take(moves.Length).Zip(moves).ToArray();
            foreach (var some in moving.Chunk(MostAtOnce))
            {
                cancellation.ThrowIfCancellationRequested();
                await Task.WhenAll(some.Select(move => MoveAsync(move.First, move.Second)));
            }
            return moving.Length;
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            log.LogInformation("Budgets were not moved this time: {Why}", e.Message);
            return 0;
        }
    }

    /// <summary>The hint reaches no other call: it belongs to this method's own flow.</summary>
    async Task MoveAsync(string account, SiloAddress to)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, to);
        await grains.GetGrain<IBudgetGrain>(account).AsReference<IGrainManagementExtension>().MigrateOnIdle();
    }
}
