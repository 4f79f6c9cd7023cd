// Rings when this process added something that others in it wait for, so that they look at once and not at their next look.
namespace Purser.Engine;

public sealed class Bell
{
    volatile TaskCompletionSource next = New();
    int awaited;

    /// <summary>Completes when it rings. To be taken before looking: what is added after the look is then not missed.</summary>
    public Task Next
    {
        get
        {
            var ring = next.Task;
            Interlocked.Exchange(ref awaited, 1);
            return ring;
        }
    }

    /// <summary>Costs next to nothing where nobody waits. Must be called after what was added can be seen.</summary>
    public void Ring()
    {
        if (Volatile.Read(ref awaited) == 0 || Interlocked.Exchange(ref awaited, 0) == 0) return;
        Interlocked.Exchange(ref next, New()).TrySetResult();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// How long somebody who follows something waits before the next look: not at all where the bell rings, else twice as long as the last
/// time, up to a longest. Never less than <paramref name="shortest"/>, however much is added.
/// </summary>
public sealed class Lookout(Bell bell, TimeProvider time, TimeSpan shortest)
{
    TimeSpan wait;
    Task rung = Task.CompletedTask;

    /// <summary>To be called before each look.</summary>
    public void Look() => rung = bell.Next;

    /// <param name="found">Whether the look found something: then the next one comes soon.</param>
    /// <param name="longest">How late something may be noticed that another process added.</param>
    /// <param name="cancellation">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    public async Task WaitAsync(bool found, TimeSpan longest, CancellationToken cancellation)
    {
        var twice = Math.Min(2 * Math.Max(wait.Ticks, shortest.Ticks), longest.Ticks);
        wait = found ? shortest : TimeSpan.FromTicks(Math.Max(shortest.Ticks, twice));
        await Task.Delay(shortest, time, cancellation);
        if (wait <= shortest) return;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (await Task.WhenAny(rung, Task.Delay(wait - shortest, time, ends.Token)) == rung) wait = shortest;
        await ends.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }
}
