// Virtual time: it moves only when a test says so.
namespace Purser.Conformance;

public sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    readonly Lock gate = new();
    readonly List<ManualTimer> timers = [];
    DateTimeOffset now = start;

    /// <summary>How far the clock on the wall is ahead of the time that passes.</summary>
    TimeSpan off;

    public ManualTime() : this(new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero)) { }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now + off;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (gate) return now.UtcTicks;
    }

    /// <summary>Moves on, firing what falls due on the way in the order of its time.</summary>
    public void Advance(TimeSpan by)
    {
        DateTimeOffset until;
        lock (gate) until = now + by;
        while (true)
        {
            ManualTimer? next;
            lock (gate)
            {
                next = timers.Where(timer => timer.Due <= until).MinBy(timer => timer.Due);
                now = next is null ? until : next.Due > now ? next.Due : now;
                if (next is null) return;
                next.Rearm();
            }
            next.Fire();
        }
    }

    /// <summary>How long it is until the next timer fires; null where none is set.</summary>
    public TimeSpan? UntilNext
    {
        get
        {
            lock (gate)
                return timers.Count == 0 || timers.Min(timer => timer.Due) is var due && due == DateTimeOffset.MaxValue ? null : due - now;
        }
    }

    /// <summary>Sets the clock on the wall back or forth, as a bad clock would; the time that passes is not touched.</summary>
    public void Step(TimeSpan by)
    {
        lock (gate) off += by;
    }

    /// <summary>Moves all time back or forth without firing anything.</summary>
    public void Jump(TimeSpan by)
    {
        lock (gate) now += by;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (gate) timers.Add(timer);
        return timer;
    }

    sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        TimeSpan period;

        public DateTimeOffset Due { get; private set; } = DateTimeOffset.MaxValue;

        public void Rearm() => Due = period > TimeSpan.Zero ? Due + period : DateTimeOffset.MaxValue;

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            period = newPeriod;
            Due = dueTime == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue
                : new DateTimeOffset(time.GetTimestamp(), default) + dueTime;
            return true;
        }

        public void Dispose()
        {
            lock (time.gate) time.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
