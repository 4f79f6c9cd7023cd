// Group commit: one writer per process takes everything that waits, all accounts together, into one durable step.
using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Engine;

public sealed class Committer : IAsyncDisposable
{
    /// <summary>Bounds one transaction, so that a burst does not make everybody wait for its end.</summary>
    const int MostAccounts = 2048;

    static readonly TimeSpan betweenLines = TimeSpan.FromMinutes(1);

    readonly IJournal ledger;
    readonly ILogger log;
    readonly Channel<PendingAppend> waiting = Channel.CreateUnbounded<PendingAppend>(new() { SingleReader = true });
    readonly Task loop;

    sealed record PendingAppend(Append Append, TaskCompletionSource<AppendResult> Done, Activity? Step);

    public Committer(IJournal ledger, TaskScheduler? scheduler = null, ILogger? log = null)
    {
        this.ledger = ledger;
        this.log = log ?? NullLogger.Instance;
        loop = Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler
            ?? TaskScheduler.Default).Unwrap();
    }

    /// <summary>Completes when the append is durable or is known not to be; throws <see cref="LedgerUnavailableException"/> where neither
    /// is known.</summary>
    public Task<AppendResult> AppendAsync(Append append)
    {
        var done = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var step = Traces.Source.HasListeners() ? Activity.Current : null;
        return waiting.Writer.TryWrite(new(append, done, step)) ? done.Task : throw new LedgerUnavailableException("the ledger is being closed");
    }

    async Task RunAsync()
    {
        var batch = new List<PendingAppend>();
        var accounts = new HashSet<string>(StringComparer.Ordinal);
        PendingAppend? heldOver = null;
        while (heldOver is not null || await waiting.Reader.WaitToReadAsync())
        {
            batch.Clear();
            accounts.Clear();
            while (batch.Count < MostAccounts && (heldOver is not null || waiting.Reader.TryRead(out heldOver)))
            {
                // At most one batch per account in flight; a second one (a session that was replaced) waits for the next step.
                if (!accounts.Add(heldOver.Append.Account)) break;
                batch.Add(heldOver);
                heldOver = null;
            }
            await WriteAsync(batch);
        }
    }

    async Task WriteAsync(List<PendingAppend> batch)
    {
        var began = Stopwatch.GetTimestamp();
        using var commit = Traces.Begin("purser.commit", batch.Select(one => one.Step));
        commit?.SetTag("purser.accounts", batch.Count);
        try
        {
            using var append = Traces.OfLedger("purser.ledger.append", ledger);
            var results = await ledger.AppendAsync(batch.ConvertAll(one => one.Append));
            for (var i = 0; i < batch.Count; i++) batch[i].Done.SetResult(results[i]);
            if (failures > 0) TellThatItWrites();
        }
#pragma warning disable CA1031 // Whatever went wrong, nobody may wait for ever, and nobody knows whether it was written.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var unknown = e as LedgerUnavailableException ?? new LedgerUnavailableException("the append failed: " + e.Message, e);
            commit.Failed(unknown);
            foreach (var one in batch) one.Done.TrySetException(unknown);
            TellThatItDoesNotWrite(unknown);
        }
        Measures.AppendDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Measures.AppendAccounts.Record(batch.Count);
    }

    long failures;
    long told;

    /// <summary>A line when it begins, and one a minute while it lasts.</summary>
    void TellThatItDoesNotWrite(LedgerUnavailableException why)
    {
        if (failures++ > 0 && Stopwatch.GetElapsedTime(told) < betweenLines) return;
        told = Stopwatch.GetTimestamp();
        log.LogError("The ledger takes no writes, callers get 503: {Why}", why.Message);
    }

    void TellThatItWrites()
    {
        log.LogWarning("The ledger takes writes again, after {Failures} that failed", failures);
        failures = 0;
    }

    /// <summary>Takes no more, and ends when everything taken is written.</summary>
    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await loop;
    }
}
