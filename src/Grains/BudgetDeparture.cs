// Moves the warm budgets of a silo that is told to stop, some at a time and before the silo itself stops: a call then waits for the move of
// its own budget, and not for that of all.
using Microsoft.Extensions.Logging;
using Orleans.Core.Internal;
using Orleans.Runtime.Placement;
using Purser.Core;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>While it works the silo is a full member: it forwards calls, and its part of the directory is in order. What it has no time
/// for moves while the silo stops.</summary>
public sealed class BudgetDeparture(
    IGrainFactory grains, SiloPeers peers, NearBudgets near, TimeProvider time, ILogger<BudgetDeparture> log)
    : ILifecycleParticipant<ISiloLifecycle>
{
    /// <summary>The stage after all of Orleans' own when the silo starts, so that it ends before all of them.</summary>
    const int Stage = ServiceLifecycleStage.Active + 1;

    const int MostAtOnce = 16;

    /// <summary>A part of what a node is given for its end.</summary>
    static readonly TimeSpan longest = TimeSpan.FromSeconds(10);

    public void Participate(ISiloLifecycle observer) => observer.Subscribe(nameof(BudgetDeparture), Stage, _ => Task.CompletedTask,
        // Not in a turn of the silo's own, which it would take from the end of everything else.
        cancellation => Task.Run(() => LeaveAsync(cancellation), CancellationToken.None));

    /// <summary>Every budget that is here when it begins has moved when it ends, or its time was over.</summary>
    public async Task LeaveAsync(CancellationToken cancellation)
    {
        var others = peers.Active.Where(silo => !silo.Equals(peers.Here)).ToArray();
        if (others.Length == 0) return;
        using var over = new CancellationTokenSource(longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, over.Token);
        try
        {
            await Parallel.ForEachAsync(near.Accounts.ToArray().Index(),
                new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = either.Token },
                async (account, stop) => await MoveAsync(account.Item, others[account.Index % others.Length], stop));
        }
        catch (OperationCanceledException)
        {
            log.LogInformation("There was no time to move all budgets one by one; the rest moves while the silo stops");
        }
    }

    /// <summary>The hint reaches no other call: it belongs to this method's own flow.</summary>
    async Task MoveAsync(string account, SiloAddress to, CancellationToken stop)
    {
        try
        {
            RequestContext.Set(IPlacementDirector.PlacementHintKey, to);
            var budget = grains.GetGrain<IBudgetGrain>(account);
            await budget.AsReference<IGrainManagementExtension>().MigrateOnIdle(stop).AsTask().WaitAsync(stop);
            // Answered by the silo that it moved to, once it is there.
            await budget.StatusAsync(new GetStatus()).WaitAsync(stop);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // It moves with the rest.
            log.LogDebug("Account {Account} was not moved: {Why}", account, e.Message);
        }
    }
}
