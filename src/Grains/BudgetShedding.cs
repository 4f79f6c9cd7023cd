// Ends the budgets of this silo that were called longest ago, where there are more than may be in its memory.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Core.Internal;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>How many budgets a silo keeps in memory, about.</summary>
public sealed record BudgetsInMemory(int Most);

/// <summary>Whoever calls such a budget has it read from the ledger again.</summary>
public sealed class BudgetShedding(
    IGrainFactory grains, NearBudgets near, HistoryFeed histories, BudgetsInMemory inMemory, TimeProvider time, ILogger<BudgetShedding> log)
    : BackgroundService
{
    static readonly TimeSpan period = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WatchAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period, time);
        var rounds = new Rounds(log, "Ending the budgets that were called longest ago", time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await rounds.TryAsync(() => ShedAsync(inMemory.Most), stoppingToken);
    }

    /// <summary>Ends so many budgets that a tenth of the places is free, and their histories; none where all have a place.</summary>
    public async Task ShedAsync(int most)
    {
        foreach (var some in near.Coldest(most).Chunk(ColdAccounts.AtOnce)) await Task.WhenAll(some.Select(EndAsync));
    }

    async Task EndAsync(string account)
    {
        try
        {
            await grains.GetGrain<IBudgetGrain>(account).AsReference<IGrainManagementExtension>().DeactivateOnIdle();
            if (histories.IsRead(account))
                await grains.GetUsageHistory(account).AsReference<IGrainManagementExtension>().DeactivateOnIdle();
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // It is still here at the next look.
            log.LogDebug("Account {Account} stays in memory: {Why}", account, e.Message);
        }
    }
}
