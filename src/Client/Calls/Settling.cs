// Settlements that must arrive: one that meets an authority that is away is sent again behind the back of the caller.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

sealed partial class Settling(TimeProvider time, ILogger log)
{
    static readonly TimeSpan longestWait = TimeSpan.FromMinutes(1);
    static readonly TimeSpan longest = TimeSpan.FromHours(24);

    readonly ConcurrentDictionary<Task, byte> pending = new();

    /// <summary>Sends it once. Where the authority is away it is sent on and on, under its id, and the answer is null.</summary>
    public async Task<T?> RunAsync<T>(string what, Func<CancellationToken, Task<T>> send) where T : class
    {
        try
        {
            return await send(CancellationToken.None).ConfigureAwait(false);
        }
        catch (PurserException failed) when (failed.IsTransient)
        {
            LogLater(log, what, failed.Message);
            Keep(RepeatAsync(what, send));
        }
        catch (PurserException failed)
        {
            LogLost(log, failed, what);
        }
        return null;
    }

    async Task RepeatAsync<T>(string what, Func<CancellationToken, Task<T>> send)
    {
        var until = time.GetUtcNow() + longest;
        for (var wait = TimeSpan.FromSeconds(1); time.GetUtcNow() < until; wait = wait * 2 > longestWait ? longestWait : wait * 2)
        {
            await Task.Delay(wait, time).ConfigureAwait(false);
            try
            {
                await send(CancellationToken.None).ConfigureAwait(false);
                LogArrived(log, what);
                return;
            }
            catch (PurserException failed) when (failed.IsTransient)
            {
                // Still away.
            }
            catch (PurserException failed)
            {
                LogLost(log, failed, what);
                return;
            }
        }
        LogGivenUp(log, what, longest);
    }

    /// <summary>Work that goes on after its caller was answered.</summary>
    public void Keep(Task work)
    {
        pending.TryAdd(work, 0);
        _ = work.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _), pending,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits until nothing is left to be settled.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        while (!pending.IsEmpty) await Task.WhenAll(pending.Keys).WaitAsync(cancellation).ConfigureAwait(false);
    }

    [LoggerMessage(1, LogLevel.Warning, "{What} waits for the authority, and is sent again: {Why}")]
    static partial void LogLater(ILogger log, string what, string why);

    [LoggerMessage(2, LogLevel.Information, "{What} has arrived")]
    static partial void LogArrived(ILogger log, string what);

    [LoggerMessage(3, LogLevel.Error, "{What} was turned away: it is not booked")]
    static partial void LogLost(ILogger log, Exception failed, string what);

    [LoggerMessage(4, LogLevel.Error, "{What} did not arrive within {Time}, and is given up: it is not booked")]
    static partial void LogGivenUp(ILogger log, string what, TimeSpan time);
}
