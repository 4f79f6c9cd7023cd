// The feed as an event of C#: raised for whoever subscribed, in one order and one after the other, from the first subscription on.
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Embedded;

sealed partial class EventRaiser(EmbeddedPurser purser, TimeProvider time, ILogger log) : IAsyncDisposable
{
    static readonly TimeSpan wait = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource ending = new();
    readonly Lock gate = new();
    EventHandler<FeedEntry>? handlers;
    Task? raising;
    int ended;

    public void Add(EventHandler<FeedEntry>? handler)
    {
        lock (gate)
        {
            handlers += handler;
            if (handlers is null || raising is not null) return;
            // Looked up here and not in the background: nothing that happens once this returns is missed.
            var after = Task.Run(() => purser.Events.HeadAsync()).GetAwaiter().GetResult();
            raising = Task.Run(() => RaiseAsync(after));
        }
    }

    public void Remove(EventHandler<FeedEntry>? handler)
    {
        lock (gate) handlers -= handler;
    }

    async Task RaiseAsync(long after)
    {
        var rounds = new Rounds(log, "Telling events", time);
        while (!ending.IsCancellationRequested)
            try
            {
                if (!await rounds.TryAsync(FollowAsync, ending.Token).ConfigureAwait(false)) await WaitAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return;
            }

        async Task FollowAsync()
        {
            try
            {
                await foreach (var entry in purser.FollowAsync(after, ending.Token).ConfigureAwait(false))
                {
                    after = entry.Position;
                    Raise(entry);
                }
            }
            catch (FeedGoneException gone)
            {
                after = gone.GoneTo;
            }
            catch (LedgerUnavailableException away)
            {
                LogAway(log, away.Message);
                await WaitAsync().ConfigureAwait(false);
            }
        }

        async Task WaitAsync() =>
            await Task.Delay(wait, time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    void Raise(FeedEntry entry)
    {
        EventHandler<FeedEntry>? subscribed;
        lock (gate) subscribed = handlers;
        foreach (var handler in Delegate.EnumerateInvocationList(subscribed))
            try
            {
                handler(purser, entry);
            }
            catch (Exception thrown)
            {
                LogThrown(log, thrown, entry.Position);
            }
    }

    /// <summary>A handler that runs is waited for. Containers dispose of what is registered under several types more than once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) == 1) return;
        await ending.CancelAsync();
        if (raising is not null) await raising;
        ending.Dispose();
    }

    [LoggerMessage(1, LogLevel.Warning, "Events wait: the ledger is away ({Why})")]
    static partial void LogAway(ILogger log, string why);

    [LoggerMessage(2, LogLevel.Error, "A subscriber threw at the event at position {Position}; the others are told, and so is what follows")]
    static partial void LogThrown(ILogger log, Exception thrown, long position);
}
