// Wakes a session when something of it falls due by time alone.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Grains;

/// <summary>Belongs to no grain's turns: what it wakes works on threads of its own, too.</summary>
sealed class DeadlineTimer : IDisposable
{
    static readonly TimeSpan never = Timeout.InfiniteTimeSpan;

    /// <summary>A timer may fire a little before the clock says so; then it must not spin.</summary>
    static readonly Duration atLeast = Duration.FromMilliseconds(10);

    /// <summary>After a tick that failed.</summary>
    static readonly Duration retry = Duration.FromSeconds(1);

    readonly BudgetSession session;
    readonly LedgerClock clock;
    readonly ITimer timer;

    /// <summary>Guards the moment for which the timer is set.</summary>
    readonly Lock gate = new();
    Instant setFor = Instant.MaxValue;

    public DeadlineTimer(BudgetSession session, LedgerClock clock, TimeProvider time)
    {
        (this.session, this.clock) = (session, clock);
        timer = time.CreateTimer(_ => _ = TickAsync(), null, never, never);
    }

    /// <summary>Fires then, or before.</summary>
    public void SetFor(Instant due)
    {
        lock (gate)
        {
            if (due >= setFor) return;
            setFor = due;
            var wait = Duration.Max(due - clock.Now, atLeast);
            // Beyond a day the shard's watch comes soon enough, and timers do not reach for ever.
            timer.Change(wait > Duration.FromDays(1) ? never : wait.ToTimeSpan(), never);
        }
    }

    async Task TickAsync()
    {
        lock (gate) setFor = Instant.MaxValue;
        var outcome = await session.SendAsync(new Tick());
        if (outcome.IsTransient) SetFor(clock.Now + retry);
        else if (session.NextDeadline is { } next) SetFor(next);
    }

    public void Dispose() => timer.Dispose();
}
