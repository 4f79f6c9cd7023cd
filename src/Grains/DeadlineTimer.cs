// Wakes a session when something of it falls due by time alone.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Grains;

/// <summary>It ticks outside of the grain's turns; so does the session that it wakes.</summary>
sealed class DeadlineTimer : IDisposable
{
    static readonly TimeSpan never = Timeout.InfiniteTimeSpan;

    /// <summary>A timer may fire a little before the clock says that the moment is there: waiting at least so long keeps it from
    /// spinning.</summary>
    static readonly Duration atLeast = Duration.FromMilliseconds(10);

    /// <summary>How long to wait after a tick that failed.</summary>
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

    /// <summary>Sets the timer to a moment, unless it is set to an earlier one.</summary>
    public void SetFor(Instant due)
    {
        lock (gate)
        {
            if (due >= setFor) return;
            setFor = due;
            var wait = Duration.Max(due - clock.Now, atLeast);
            // A deadline more than a day away is left to the watch of its shard: timers have a longest time.
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
