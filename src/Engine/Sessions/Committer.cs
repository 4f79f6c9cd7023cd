// Group commit: everything that waits, all accounts together, goes into one durable step. A store with a writer of its own gathers what
// waits for it; in front of any other one, appends are gathered here.
using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Engine;

public sealed class Committer : IAsyncDisposable
{
    /// <summary>Bounds one transaction, so that a burst does not make everybody wait for its end.</summary>
    public const int MostAccounts = 2048;

    static readonly TimeSpan betweenLines = TimeSpan.FromMinutes(1);

    readonly ILogger log;
    readonly Channel<PendingAppend> waiting = Channel.CreateUnbounded<PendingAppend>(new() { SingleReader = true });
    readonly Task loop;

    public Committer(IJournal ledger, TaskScheduler? scheduler = null, ILogger? log = null)
    {
        Ledger = ledger;
        this.log = log ?? NullLogger.Instance;
        scheduler ??= TaskScheduler.Default;
        TellsTogether = scheduler == TaskScheduler.Default;
        loop = Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
    }

    internal IJournal Ledger { get; }

    /// <summary>Whether sessions go on where they are told of their append. Where a scheduler was given, each is posted there.</summary>
    internal bool TellsTogether { get; }

    /// <summary>Completes when the append is durable or is known not to be; throws <see cref="LedgerUnavailableException"/> where neither
    /// is known.</summary>
    public Task<AppendResult> AppendAsync(Append append)
    {
        var pending = new PendingAppend(this, append);
        try
        {
            if (Ledger.TryTake(pending)) return pending.Task;
        }
#pragma warning disable CA1031 // As below.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            var unknown = UnknownBy(fault);
            TellThatItDoesNotWrite(unknown);
            throw unknown;
        }
        return waiting.Writer.TryWrite(pending) ? pending.Task : throw new LedgerUnavailableException("the ledger is being closed");
    }

    static LedgerUnavailableException UnknownBy(Exception fault) =>
        fault as LedgerUnavailableException ?? new("the append failed: " + fault.Message, fault);

    async Task RunAsync()
    {
        var together = new List<PendingAppend>();
        var accounts = new HashSet<string>(StringComparer.Ordinal);
        PendingAppend? heldOver = null;
        while (heldOver is not null || await waiting.Reader.WaitToReadAsync())
        {
            together.Clear();
            accounts.Clear();
            while (together.Count < MostAccounts && (heldOver is not null || waiting.Reader.TryRead(out heldOver)))
            {
                // At most one batch per account in flight; a second one (a session that was replaced) waits for the next step.
                if (!accounts.Add(heldOver.Append.Account)) break;
                together.Add(heldOver);
                heldOver = null;
            }
            await WriteAsync(together);
        }
    }

    async Task WriteAsync(List<PendingAppend> together)
    {
        using var step = DurableStep.Begin(together);
        try
        {
            var results = await Ledger.AppendAsync(together.ConvertAll(one => one.Append));
            for (var i = 0; i < together.Count; i++) together[i].Result = results[i];
            step.End(null);
        }
#pragma warning disable CA1031 // Whatever went wrong, nobody may wait for ever, and nobody knows whether it was written.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            step.End(UnknownBy(fault));
        }
    }

    /// <summary>Guards the two below it.</summary>
    readonly Lock telling = new();
    long failures;
    long told;

    /// <summary>A line when it begins, and one a minute while it lasts.</summary>
    internal void TellThatItDoesNotWrite(LedgerUnavailableException why)
    {
        lock (telling)
        {
            if (failures++ > 0 && Stopwatch.GetElapsedTime(told) < betweenLines) return;
            told = Stopwatch.GetTimestamp();
        }
        log.LogError("The ledger takes no writes, callers get 503: {Why}", why.Message);
    }

    internal void TellThatItWrites()
    {
        long failed;
        lock (telling) (failed, failures) = (failures, 0);
        if (failed > 0) log.LogWarning("The ledger takes writes again, after {Failures} that failed", failed);
    }

    /// <summary>Takes no more, and ends when everything taken is written. What a store gathers itself it writes before it closes.</summary>
    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await loop;
    }
}
