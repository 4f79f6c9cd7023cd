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

    /// <summary>So many sessions go on one after another on one thread of the pool: handing each over on its own costs about as much as
    /// what it does then.</summary>
    const int MostToldTogether = 16;

    readonly IJournal ledger;
    readonly ILogger log;
    readonly Channel<PendingAppend> waiting = Channel.CreateUnbounded<PendingAppend>(new() { SingleReader = true });
    readonly Task loop;

    /// <summary>Whether sessions go on where they are told of their append. Where a scheduler was given, each is posted there.</summary>
    readonly bool tellsTogether;

    sealed class PendingAppend(Append append, Activity? step, TaskCreationOptions options) : TaskCompletionSource<AppendResult>(options)
    {
        public Append Append => append;
        public Activity? Step => step;
    }

    public Committer(IJournal ledger, TaskScheduler? scheduler = null, ILogger? log = null)
    {
        this.ledger = ledger;
        this.log = log ?? NullLogger.Instance;
        scheduler ??= TaskScheduler.Default;
        tellsTogether = scheduler == TaskScheduler.Default;
        loop = Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
    }

    /// <summary>Completes when the append is durable or is known not to be; throws <see cref="LedgerUnavailableException"/> where neither
    /// is known.</summary>
    public Task<AppendResult> AppendAsync(Append append)
    {
        var step = Traces.Source.HasListeners() ? Activity.Current : null;
        var pending = new PendingAppend(append, step, tellsTogether
            ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        return waiting.Writer.TryWrite(pending) ? pending.Task : throw new LedgerUnavailableException("the ledger is being closed");
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
            Tell(batch, results, null);
            if (failures > 0) TellThatItWrites();
        }
#pragma warning disable CA1031 // Whatever went wrong, nobody may wait for ever, and nobody knows whether it was written.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var unknown = e as LedgerUnavailableException ?? new LedgerUnavailableException("the append failed: " + e.Message, e);
            commit.Failed(unknown);
            Tell(batch, null, unknown);
            TellThatItDoesNotWrite(unknown);
        }
        Measures.AppendDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Measures.AppendAccounts.Record(batch.Count);
    }

    void Tell(List<PendingAppend> batch, IReadOnlyList<AppendResult>? results, LedgerUnavailableException? fault)
    {
        if (!tellsTogether)
        {
            for (var i = 0; i < batch.Count; i++) Tell(batch[i], results?[i], fault);
            return;
        }
        // Few enough that every processor has some.
        var together = Math.Clamp(batch.Count / (2 * Environment.ProcessorCount), 1, MostToldTogether);
        for (var from = 0; from < batch.Count; from += together)
        {
            var told = batch.GetRange(from, Math.Min(together, batch.Count - from));
            ThreadPool.UnsafeQueueUserWorkItem(static group =>
            {
                for (var i = 0; i < group.Told.Count; i++) Tell(group.Told[i], group.Results?[group.From + i], group.Fault);
            }, (Told: told, From: from, Results: results, Fault: fault), preferLocal: false);
        }
    }

    static void Tell(PendingAppend one, AppendResult? result, LedgerUnavailableException? fault)
    {
        if (result is { } known) one.TrySetResult(known);
        else one.TrySetException(fault!);
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
