// What appends that share one durable step have in common, whoever writes it: its span and its measures, the lines in the log where it
// fails or succeeds again, and how their sessions are told.
using System.Diagnostics;

namespace Purser.Engine;

/// <summary>What a session wants to append, until it is told what became of it.</summary>
public sealed class PendingAppend : TaskCompletionSource<AppendResult>
{
    internal PendingAppend(Committer committer, Append append) : base(
        committer.TellsTogether ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)
    {
        (Committer, Append) = (committer, append);
        Step = Traces.Source.HasListeners() ? Activity.Current : null;
    }

    public Append Append { get; }

    /// <summary>Set by whoever writes, before the step ends.</summary>
    public AppendResult Result { get; set; }

    /// <summary>Why nothing is known of this one, where the step as a whole did not fail.</summary>
    public LedgerUnavailableException? Fault { get; set; }

    internal Committer Committer { get; }
    internal Activity? Step { get; }

    internal void Tell(LedgerUnavailableException? fault)
    {
        if ((fault ?? Fault) is { } unknown) TrySetException(unknown);
        else TrySetResult(Result);
    }
}

/// <summary>One durable step. Used by one thread after the other, and ended once.</summary>
public sealed class DurableStep : IDisposable
{
    /// <summary>So many sessions go on one after another on one thread of the pool: handing each over on its own costs about as much as
    /// what it does then.</summary>
    const int MostToldTogether = 16;

    readonly IReadOnlyList<PendingAppend> together;
    readonly Committer committer;
    readonly Activity? commit;
    readonly Activity? append;
    readonly long began = Stopwatch.GetTimestamp();

    DurableStep(IReadOnlyList<PendingAppend> together)
    {
        this.together = together;
        committer = together[0].Committer;
        commit = Traces.Begin("purser.commit", together.Select(one => one.Step));
        commit?.SetTag("purser.accounts", together.Count);
        append = Traces.OfLedger("purser.ledger.append", committer.Ledger);
    }

    /// <summary>One append at least.</summary>
    public static DurableStep Begin(IReadOnlyList<PendingAppend> together) => new(together);

    /// <summary>Tells everybody: the fault where there is one, otherwise what each append has for its result.</summary>
    public void End(LedgerUnavailableException? fault)
    {
        append?.Dispose();
        if (fault is not null) commit.Failed(fault);
        Tell(fault);
        if (fault is null) committer.TellThatItWrites();
        else committer.TellThatItDoesNotWrite(fault);
        Measures.AppendDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Measures.AppendAccounts.Record(together.Count);
    }

    void Tell(LedgerUnavailableException? fault)
    {
        if (!committer.TellsTogether)
        {
            foreach (var one in together) one.Tell(fault);
            return;
        }
        // Few enough that every processor has some.
        var most = Math.Clamp(together.Count / (2 * Environment.ProcessorCount), 1, MostToldTogether);
        for (var from = 0; from < together.Count; from += most)
        {
            // A copy: whoever writes uses its list again.
            var told = new PendingAppend[Math.Min(most, together.Count - from)];
            for (var i = 0; i < told.Length; i++) told[i] = together[from + i];
            ThreadPool.UnsafeQueueUserWorkItem(static group =>
            {
                foreach (var one in group.Told) one.Tell(group.Fault);
            }, (Told: told, Fault: fault), preferLocal: false);
        }
    }

    public void Dispose()
    {
        append?.Dispose();
        commit?.Dispose();
    }
}
