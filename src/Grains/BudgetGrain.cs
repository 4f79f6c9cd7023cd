// The address of a budget in the cluster. The session does the work, on threads of its own; the grain only says on which silo it lives.
using Microsoft.Extensions.Logging;
using NodaTime;
using Orleans.Concurrency;
using Orleans.Placement;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>Reentrant, so that callers queue in the session while a batch is being written. Placed at random, so that a new silo gets its share.</summary>
[Reentrant]
[RandomPlacement]
[GrainType("budget")]
public sealed class BudgetGrain(SessionParts parts) : Grain, IBudgetGrain
{
    static readonly TimeSpan never = Timeout.InfiniteTimeSpan;

    /// <summary>A timer may fire a little before the clock says so; then it must not spin.</summary>
    static readonly Duration atLeast = Duration.FromMilliseconds(10);

    /// <summary>After a tick that failed.</summary>
    static readonly Duration retry = Duration.FromSeconds(1);

    /// <summary>
    /// The history catches up when it is read, and reads so many settlements in a moment; a wake-up now and then keeps it from falling far behind.
    /// One for every settlement of an account that is seldom called would cost more than the settlement.
    /// </summary>
    const int SettlementsPerWake = 500;

    static readonly Duration betweenWakes = Duration.FromSeconds(5);

    BudgetSession session = null!;
    IGrainTimer timer = null!;

    /// <summary>When the timer will fire.</summary>
    Instant armedFor = Instant.MaxValue;
    Instant historyWoken = Instant.MinValue;
    int settledSince;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        session = new(this.GetPrimaryKeyString(), parts);
        timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(never, never) { Interleave = true });
        return Task.CompletedTask;
    }

    public async Task<Immutable<Outcome>> SendAsync(BudgetCommand command) => new(await DecideAsync(command));

    public async Task<Immutable<Outcome[]>> SendAllAsync(BudgetCommand[] commands) => new(await Task.WhenAll(commands.Select(DecideAsync)));

    async Task<Outcome> DecideAsync(BudgetCommand command)
    {
        Fingerprints.FillForRepetition(command);
        var outcome = await session.SendAsync(command);
        if (session.NextDeadline is { } due && due < armedFor) Arm(due);
        if (outcome.Answer is Settlement) WakeHistory();
        return outcome;
    }

    void Arm(Instant due)
    {
        armedFor = due;
        var wait = Duration.Max(due - parts.Clock.Now, atLeast);
        // Beyond a day the shard's watch comes soon enough, and timers do not reach for ever.
        timer.Change(wait > Duration.FromDays(1) ? never : wait.ToTimeSpan(), never);
    }

    async Task TickAsync(CancellationToken cancellation)
    {
        var outcome = await session.SendAsync(new Tick());
        armedFor = Instant.MaxValue;
        if (outcome.IsTransient) Arm(parts.Clock.Now + retry);
        else if (session.NextDeadline is { } next) Arm(next);
    }

    void WakeHistory()
    {
        if (++settledSince < SettlementsPerWake) return;
        var now = parts.Clock.Now;
        if (now - historyWoken < betweenWakes) return;
        (historyWoken, settledSince) = (now, 0);
        GrainFactory.GetUsageHistory(session.Account).WakeAsync().Ignore();
    }

    /// <summary>Everybody who waits is answered and a snapshot is kept, before another silo loads the account; the ledger holds even where that fails.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        try
        {
            await session.StopAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            parts.Log.LogWarning("Account {Account}: the ledger did not answer in time; the session ends without a snapshot", session.Account);
        }
    }
}
