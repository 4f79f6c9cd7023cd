// What happens while a page is open: one reader of the feed for each page that somebody looks at, and pages that listen to it.
namespace Purser.Dashboard;

public enum LiveState { Waiting, Live, Lost }

/// <summary>Belongs to one connection. Listeners are called on whatever thread the feed is read.</summary>
public sealed class Live(Visit visit) : IDisposable
{
    const int Remembered = 200;
    static readonly TimeSpan afterFailure = TimeSpan.FromSeconds(2);

    readonly CancellationTokenSource closing = new();
    readonly LinkedList<Happening> last = new();
    bool reading;

    public LiveState State { get; private set; }

    /// <summary>Something happened that whoever looks may see.</summary>
    public event Action<IReadOnlyList<Happening>>? Happened;

    public event Action? StateChanged;

    /// <summary>The newest events, newest first.</summary>
    public IReadOnlyList<Happening> Last
    {
        get { lock (last) return [.. last]; }
    }

    /// <summary>Begins to read, once.</summary>
    public void Begin()
    {
        if (reading) return;
        reading = true;
        _ = ReadAsync();
    }

    async Task ReadAsync()
    {
        var past = Remembered;
        while (!closing.IsCancellationRequested)
        {
            try
            {
                // What comes first is what was before: the page shows that already.
                var isFirst = true;
                await foreach (var page in visit.FollowAsync(past, closing.Token))
                {
                    Remember(page);
                    Become(LiveState.Live);
                    if (!isFirst && page.Count > 0) Happened?.Invoke(page);
                    isFirst = false;
                }
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                // Whatever it was, it is told by the sign, and read again.
            }
            Become(LiveState.Lost);
            past = 0;
            await Task.Delay(afterFailure, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Become(LiveState next)
    {
        if (State == next) return;
        State = next;
        StateChanged?.Invoke();
    }

    void Remember(IReadOnlyList<Happening> page)
    {
        lock (last)
            foreach (var one in page)
            {
                last.AddFirst(one);
                if (last.Count > Remembered) last.RemoveLast();
            }
    }

    public void Dispose()
    {
        closing.Cancel();
        closing.Dispose();
    }
}
