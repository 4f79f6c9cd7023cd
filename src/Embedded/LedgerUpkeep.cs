// What goes on in the background as long as the authority does: rollups, the age of records, erasures, compaction, what newcomers use.
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Embedded;

sealed partial class LedgerUpkeep : IAsyncDisposable
{
    readonly CancellationTokenSource ending = new();
    readonly ILogger log;
    readonly Task running;
    int ended;

    public LedgerUpkeep(IStore ledger, EmbeddedAuthority authority, UsageRetention retention, TimeProvider time, ILogger<LedgerUpkeep> log)
    {
        this.log = log;
        var usage = new UsageUpkeep(ledger, authority.Clock, log, retention);
        var firstDays = new FirstDaysUpkeep(authority, ledger, authority.Clock, log);
        running = Task.WhenAll(Run(usage.RunAsync), Run(firstDays.RunAsync));

        // On no thread of whoever starts it.
        Task Run(Func<TimeProvider, CancellationToken, Task> work) => Task.Run(() => TellAsync(work(time, ending.Token)));
    }

    async Task TellAsync(Task work)
    {
        try
        {
            await work.UntilStoppedAsync(ending.Token);
        }
        catch (Exception fault)
        {
            LogEnded(log, fault);
        }
    }

    /// <summary>A step that runs is waited for. Containers dispose of what is registered under several types more than once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) == 1) return;
        await ending.CancelAsync();
        await running;
        ending.Dispose();
    }

    [LoggerMessage(1, LogLevel.Error, "A part of the upkeep of the ledger failed and has ended; it begins again with the next start")]
    static partial void LogEnded(ILogger log, Exception fault);
}
