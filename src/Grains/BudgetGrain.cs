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
public sealed class BudgetGrain(
    SessionParts parts, IGrainFactory grains, NearBudgets nearBudgets, HistoryFeed feed, TimeProvider time, SiloPeers peers,
    Bell written)
    : Grain, IBudgetGrain, IGrainMigrationParticipant, IDisposable
{
    /// <summary>
    /// The history catches up when it is read, and reads so much in a moment; a wake-up now and then keeps it from falling far behind. One
    /// for every settlement of an account that is seldom called would cost more than the settlement.
    /// </summary>
    const int EventsPerWake = 1000;

    /// <summary>A history in another silo is woken at most so often: it reads the ledger each time.</summary>
    static readonly Duration betweenWakes = Duration.FromSeconds(5);

    const string HandoverKey = "purser.session";

    BudgetSession session = null!;
    NearBudget budget = null!;
    DeadlineTimer deadline = null!;

    /// <summary>Only the session's loop touches these.</summary>
    Instant historyWoken = Instant.MinValue;
    int eventsSince;

    /// <summary>What the session on the silo before left, and what this one leaves to the next.</summary>
    SessionHandover? inherited;
    byte[]? bequest;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        session = new(this.GetPrimaryKeyString(), parts with { Appended = OnAppended }, inherited);
        if (inherited is not null) Migrations.CameIn();
        inherited = null;
        deadline = new(session, parts.Clock, time);
        if (session.NextDeadline is { } due) deadline.SetFor(due);
        budget = nearBudgets.Add(session);
        return Task.CompletedTask;
    }

    /// <summary>Takes the state that the grain brought from another silo, before it is active. What can not be read is loaded from the
    /// ledger.</summary>
    public void OnRehydrate(IRehydrationContext rehydrationContext)
    {
        if (rehydrationContext.TryGetValue<byte[]>(HandoverKey, out var bytes) && bytes is not null)
            inherited = SessionHandover.Decode(bytes);
    }

    /// <summary>Gives the state to the silo that the grain moves to, after it was deactivated here.</summary>
    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        if (bequest is not null && dehydrationContext.TryAddValue(HandoverKey, bequest)) Migrations.WentOut();
    }

    public Task<Outcome> ReserveAsync(Reserve reserve) => SendAsync(reserve);

    public Task<Outcome> SettleAsync(Settle settle) => SendAsync(settle);

    public Task<Outcome> RefuseSettleAsync(RefuseSettle refuse) => SendAsync(refuse);

    public Task<Outcome> ReleaseAsync(Release release) => SendAsync(release);

    public Task<Outcome> ExtendAsync(Extend extend) => SendAsync(extend);

    public Task<Outcome> RecordAsync(Record record) => SendAsync(record);

    public Task<Outcome> CheckAsync(Check check) => SendAsync(check);

    public Task<Outcome> ReservationAsync(GetReservation get) => SendAsync(get);

    public Task<Outcome> StatusAsync(GetStatus get) => SendAsync(get);

    public Task<Outcome> PolicyAsync(GetPolicy get) => SendAsync(get);

    public Task<Outcome> SetPolicyAsync(SetPolicy set) => SendAsync(set);

    public Task<Outcome> PauseAsync(Pause pause) => SendAsync(pause);

    public Task<Outcome> ResumeAsync(Resume resume) => SendAsync(resume);

    public Task<Outcome> AddOverrideAsync(AddOverride add) => SendAsync(add);

    public Task<Outcome> RemoveOverrideAsync(RemoveOverride remove) => SendAsync(remove);

    public Task<Outcome> OverridesAsync(ListOverrides list) => SendAsync(list);

    public Task<Outcome> RepriceAsync(Reprice reprice) => SendAsync(reprice);

    public Task<Outcome> VoidUsageAsync(VoidUsage taken) => SendAsync(taken);

    public Task<Outcome> CorrectUsageAsync(CorrectUsage correct) => SendAsync(correct);

    public Task<Outcome> CreditAsync(Credit credit) => SendAsync(credit);

    public Task<Outcome> CloseSessionAsync(CloseSession close) => SendAsync(close);

    public Task<Outcome> EraseUsageAsync(EraseUsage erase) => SendAsync(erase);

    public Task<Outcome> TickAsync(Tick tick) => SendAsync(tick);

    public Task<Outcome[]> SendAllAsync(BudgetCommand[] commands)
    {
        budget.Called();
        return budget.SendAllAsync(commands, RequestContext.Get(Traces.Carried) as string);
    }

    Task<Outcome> SendAsync(BudgetCommand command)
    {
        budget.Called();
        return budget.SendAsync(command, RequestContext.Get(Traces.Carried) as string);
    }

    /// <summary>Runs after each batch that wrote something, on the session's loop and not in a turn of the grain.</summary>
    void OnAppended(JournalEntry entry)
    {
        if (session.NextDeadline is { } due) deadline.SetFor(due);
        written.Ring();
        var near = feed.Offer(entry);
        eventsSince += entry.Events.Count;
        if (eventsSince < EventsPerWake) return;
        var now = parts.Clock.Now;
        if (!near && now - historyWoken < betweenWakes) return;
        (historyWoken, eventsSince) = (now, 0);
        Task.Run(() => grains.GetUsageHistory(session.Account).WakeAsync()).Ignore();
    }

    /// <summary>Everybody who waits is answered; then another silo goes on with the state of this one, or a snapshot is kept and the
    /// account is read when it is called. The ledger holds even where both fail.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        nearBudgets.Remove(budget);
        var leaving = reason.ReasonCode == DeactivationReasonCode.ShuttingDown && peers.Others;
        if (leaving) this.MigrateOnIdle();
        try
        {
            if (leaving || reason.ReasonCode == DeactivationReasonCode.Migrating)
                bequest = await session.HandOverAsync().WaitAsync(cancellationToken);
            else await session.StopAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            parts.Log.LogInformation("Account {Account}: the ledger did not answer in time; the session ends without a snapshot",
                session.Account);
        }
    }

    public void Dispose() => deadline?.Dispose();
}
