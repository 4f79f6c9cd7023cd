// Settlements that must arrive: one that meets an authority that is away is sent again behind the back of the caller.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>Work that goes on after its caller was answered.</summary>
sealed class Pending
{
    static readonly ConditionalWeakTable<IBudget, Pending> ofBudgets = [];

    readonly ConcurrentDictionary<Task, byte> tasks = new();

    /// <summary>All that calls of a budget left behind, whatever made them.</summary>
    public static Pending Of(IBudget budget) => ofBudgets.GetValue(budget, static _ => new());

    public void Add(Task work)
    {
        tasks.TryAdd(work, 0);
        _ = work.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _), tasks,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public async Task DrainAsync(CancellationToken cancellation)
    {
        while (!tasks.IsEmpty) await Task.WhenAll(tasks.Keys).WaitAsync(cancellation).ConfigureAwait(false);
    }
}

sealed partial class Settling(IBudget budget, TimeProvider time, ILogger log)
{
    static readonly TimeSpan longestWait = TimeSpan.FromMinutes(1);
    static readonly TimeSpan longest = TimeSpan.FromHours(24);

    readonly Pending own = new(), ofBudget = Pending.Of(budget);

    /// <summary>Sends it once. Where the authority is away it is sent on and on, under its id, and the answer is null.</summary>
    public async Task<T?> RunAsync<T>(string what, Func<CancellationToken, Task<T>> send) where T : class
    {
        try
        {
            return await send(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failed) when (MayArrive(failed))
        {
            LogLater(log, what, failed.Message);
            Keep(RepeatAsync(what, send));
        }
        catch (Exception failed) when (!MayArrive(failed))
        {
            LogLost(log, failed, what);
        }
        return null;
    }

    /// <summary>The same for what ends something: what is gone already, or is over, need not be ended.</summary>
    public Task<T?> EndAsync<T>(string what, Func<CancellationToken, Task<T>> send) where T : class, new() =>
        RunAsync(what, async cancellation =>
        {
            try
            {
                return await send(cancellation).ConfigureAwait(false);
            }
            catch (PurserException gone) when (gone.Status is 404 or 409)
            {
                return new();
            }
        });

    /// <summary>A budget of somebody's own may throw what it likes: the answer that was paid for is not lost over it. What was closed does
    /// not come back.</summary>
    static bool MayArrive(Exception failed) =>
        failed is PurserException known ? known.IsTransient : failed is not ObjectDisposedException;

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
            catch (Exception failed) when (MayArrive(failed))
            {
                // Still away.
            }
            catch (Exception failed) when (!MayArrive(failed))
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
        own.Add(work);
        ofBudget.Add(work);
    }

    /// <summary>Waits until nothing is left to be settled.</summary>
    public Task DrainAsync(CancellationToken cancellation) => own.DrainAsync(cancellation);

    [LoggerMessage(1, LogLevel.Warning, "{What} waits for the authority, and is sent again: {Why}")]
    static partial void LogLater(ILogger log, string what, string why);

    [LoggerMessage(2, LogLevel.Information, "{What} has arrived")]
    static partial void LogArrived(ILogger log, string what);

    [LoggerMessage(3, LogLevel.Error, "{What} was turned away: it is not carried out, and not sent again")]
    static partial void LogLost(ILogger log, Exception failed, string what);

    [LoggerMessage(4, LogLevel.Error, "{What} did not arrive within {Time}, and is given up: it is not carried out")]
    static partial void LogGivenUp(ILogger log, string what, TimeSpan time);
}
