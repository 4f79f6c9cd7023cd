// Runs all tasks of a simulation on one thread, in an order that a seed decides: the same seed gives the same interleaving.
namespace Purser.Conformance.Simulation;

public sealed class SeededScheduler(Random random) : TaskScheduler
{
    readonly List<Task> ready = [];

    protected override void QueueTask(Task task) => ready.Add(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => ready;

    public Task Start(Func<Task> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, this).Unwrap();

    public Task<T> Start<T>(Func<Task<T>> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, this)
        .Unwrap();

    /// <summary>Runs at most this many pieces of work; false when nothing is left to run.</summary>
    public bool Run(int most)
    {
        // Whatever context the caller runs in must not take the continuations away from this scheduler.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return RunHere(most);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    bool RunHere(int most)
    {
        for (; most > 0 && ready.Count > 0; most--)
        {
            var next = random.Next(ready.Count);
            var task = ready[next];
            ready.RemoveAt(next);
            TryExecuteTask(task);
        }
        return ready.Count > 0;
    }
}
