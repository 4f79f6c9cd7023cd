// Time that goes on by itself, and that a test moves forward: what would have been due meanwhile is due at once.
namespace Purser.Conformance;

/// <summary>For hosts that run on threads and sockets of their own, which nobody can step through.</summary>
public sealed class ShiftedTime(DateTimeOffset start) : TimeProvider
{
    readonly Lock gate = new();
    readonly HashSet<ShiftedTimer> timers = [];
    readonly long origin = System.GetTimestamp();
    TimeSpan passed;

    TimeSpan Passed
    {
        get
        {
            lock (gate) return passed + System.GetElapsedTime(origin);
        }
    }

    public override DateTimeOffset GetUtcNow() => start + Passed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Passed.Ticks;

    public void Shift(TimeSpan by)
    {
        ShiftedTimer[] known;
        lock (gate)
        {
            passed += by;
            known = [.. timers];
        }
        foreach (var timer in known) timer.Hurry();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ShiftedTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (gate) timers.Add(timer);
        return timer;
    }

    /// <summary>A timer of the system that is set anew whenever time is moved.</summary>
    sealed class ShiftedTimer : ITimer
    {
        readonly ShiftedTime time;
        readonly ITimer real;
        readonly TimerCallback callback;
        readonly object? state;
        readonly Lock gate = new();
        TimeSpan due = Timeout.InfiniteTimeSpan;
        TimeSpan period = Timeout.InfiniteTimeSpan;

        public ShiftedTimer(ShiftedTime time, TimerCallback callback, object? state)
        {
            (this.time, this.callback, this.state) = (time, callback, state);
            real = System.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        void Fire()
        {
            lock (gate)
            {
                if (due == Timeout.InfiniteTimeSpan) return;
                due = period > TimeSpan.Zero ? time.Passed + period : Timeout.InfiniteTimeSpan;
                Set();
            }
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (gate)
            {
                period = newPeriod;
                due = dueTime == Timeout.InfiniteTimeSpan ? dueTime : time.Passed + dueTime;
                return Set();
            }
        }

        public void Hurry()
        {
            lock (gate) Set();
        }

        bool Set()
        {
            if (due == Timeout.InfiniteTimeSpan) return real.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            var left = due - time.Passed;
            return real.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            lock (time.gate) time.timers.Remove(this);
            lock (gate) due = Timeout.InfiniteTimeSpan;
            real.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
