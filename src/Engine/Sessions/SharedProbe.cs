// Whether something far away answers, for whoever asks how a host is: however many ask, and however often, it is asked once in a while.
namespace Purser.Engine;

public sealed class SharedProbe(Func<Task> ask, TimeProvider time)
{
    /// <summary>What was found holds this long, good or bad.</summary>
    static readonly TimeSpan holds = TimeSpan.FromSeconds(1);

    readonly Lock gate = new();
    Task? last;
    long asked;

    /// <summary>Completes as the last question did. One that is still open is not asked again.</summary>
    public Task AnswersAsync()
    {
        lock (gate)
        {
            if (last is null || (last.IsCompleted && time.GetElapsedTime(asked) >= holds)) (last, asked) = (ask(), time.GetTimestamp());
            return last;
        }
    }
}
