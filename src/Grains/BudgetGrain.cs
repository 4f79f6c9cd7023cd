// The address of a budget in the cluster. The session does the work, on threads of its own; the grain only says on which silo it lives.
using Microsoft.Extensions.Logging;
using NodaTime;
using Orleans.Concurrency;
using Orleans.Placement;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>Reentrant, so that callers queue in the session while a batch is being written. Placed at random, so that a new silo gets its
/// share.</summary>
[Reentrant]
[RandomPlacement]
[GrainType("budget")]
public sealed class BudgetGrain(SessionParts parts, IGrainFactory grains, NearBudgets nearBudgets, HistoryFeed feed, TimeProvider time)
    : Grain, IBudgetGrain, IDisposable
{
    /// <summary>
    /// The history catches up when it is read, and reads so much in a moment; a wake-up now and then keeps it from falling far behind. One
    /// for
    /// every settlement of an account that is seldom called would cost more than the settlement.
    /// </summary>
    const int EventsPerWake = 1000;

    /// <summary>For a history elsewhere, which reads the ledger each time.</summary>
    static readonly Duration betweenWakes = Duration.FromSeconds(5);

    BudgetSession session = null!;
    NearBudget budget = null!;
    DeadlineTimer deadline = null!;

    /// <summary>Only the session's loop touches these.</summary>
    Instant historyWoken = Instant.MinValue;
    int eventsSince;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        session = new(this.GetPrimaryKeyString(), parts with { Appended = OnAppended });
        deadline = new(session, parts.Clock, time);
        budget = nearBudgets.Add(session);
        return Task.CompletedTask;
    }

    public async Task<Immutable<Outcome>> SendAsync(BudgetCommand command)
    {
        budget.Called();
        return new(await budget.SendAsync(command));
    }

    public async Task<Immutable<Outcome[]>> SendAllAsync(BudgetCommand[] commands)
    {
        budget.Called();
        return new(await budget.SendAllAsync(commands));
    }

    /// <summary>After each batch that wrote something, whoever sent it; on the session's loop, not in a turn of the grain.</summary>
    void OnAppended(JournalEntry entry)
    {
        if (session.NextDeadline is { } due) deadline.SetFor(due);
        var near = feed.Offer(entry);
        eventsSince += entry.Events.Count;
        if (eventsSince < EventsPerWake) return;
        var now = parts.Clock.Now;
        if (!near && now - historyWoken < betweenWakes) return;
        (historyWoken, eventsSince) = (now, 0);
        Task.Run(() => grains.GetUsageHistory(session.Account).WakeAsync()).Ignore();
    }

    /// <summary>Everybody who waits is answered and a snapshot is kept, before another silo loads the account; the ledger holds even where
    /// that fails.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        nearBudgets.Remove(budget);
        try
        {
            await session.StopAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            parts.Log.LogWarning("Account {Account}: the ledger did not answer in time; the session ends without a snapshot",
                session.Account);
        }
    }

    public void Dispose() => deadline?.Dispose();
}
