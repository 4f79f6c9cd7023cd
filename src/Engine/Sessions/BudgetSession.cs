// One budget being served: callers queue, a batch of them is decided in memory, appended at the version it was decided at, and answered
// once that is durable. The session is the actor; whatever hosts it (a dictionary, a grain) is only its address book.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>What every session of a process shares.</summary>
public sealed record SessionParts(IStore Ledger, Committer Committer, SettingsSource Settings, LedgerClock Clock, ILogger Log)
{
    /// <summary>What the sessions' loops run on, whoever calls them.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>A reload replays at most about this many events.</summary>
    public int EventsPerSnapshot { get; init; } = UsualEventsPerSnapshot;

    public const int UsualEventsPerSnapshot = 5_000;

    /// <summary>So many counters of single keys (users, sessions) an account keeps in memory at most, about; the others are fetched when
    /// they are named.</summary>
    public int MostKeyedCounters { get; init; } = UsualKeyedCounters;

    public const int UsualKeyedCounters = 10_000;

    /// <summary>Few enough to stay in the snapshot of a session that ends: the next one has them at once.</summary>
    internal int KeyedCountersAtEnd => Math.Min(100, MostKeyedCounters);

    /// <summary>Told of every entry right after it is durable, before its callers are answered. Must not fail and not wait.</summary>
    public Action<JournalEntry>? Appended { get; init; }

    /// <summary>What a loop does is not done for the caller who happened to start it: nothing of that one's context goes along.</summary>
    internal void Start(BudgetSession session)
    {
        if (Scheduler == TaskScheduler.Default)
        {
            ThreadPool.UnsafeQueueUserWorkItem(session, preferLocal: true);
            return;
        }
        if (ExecutionContext.IsFlowSuppressed())
        {
            _ = Task.Factory.StartNew(session.RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler);
            return;
        }
        using (ExecutionContext.SuppressFlow())
            _ = Task.Factory.StartNew(session.RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler);
    }
}

/// <param name="from">What the session before left on another host; without it the account is read from the ledger.</param>
public sealed class BudgetSession(string account, SessionParts parts, SessionHandover? from = null) : IThreadPoolWorkItem
{
    /// <summary>Bounds how long one batch keeps its callers waiting.</summary>
    const int MostPerBatch = 512;

    /// <summary>Beyond this many waiting callers the answer is "try again", so that memory stays bounded.</summary>
    const int MostWaiting = 20_000;

    /// <summary>A session that ends keeps a snapshot where it saves at least this much replay.</summary>
    const int EventsWorthASnapshot = 100;

    /// <summary>After this many conflicts in a row the session takes turns with the other hosts.</summary>
    const int ConflictsBeforeTurns = 3;

    const int MostConflicts = 20;

    /// <summary>Who repeats one old call often repeats many: a trace that is played again.</summary>
    const int AskFirstAfterKnownId = 64;

    /// <summary>An account that nobody called for this long keeps no room for callers that wait.</summary>
    static readonly Duration restsAfter = Duration.FromMinutes(1);

    /// <summary>Counters of single keys stay in memory this long after they were used.</summary>
    static readonly Duration countersRemembered = Duration.FromHours(1);

    /// <summary>The clocks of two hosts that are ready are no further apart, by far.</summary>
    static readonly Duration hostsApart = 3 * LedgerClock.Tolerated;

    /// <param name="command">What is to be decided.</param>
    /// <param name="caller">The call that it belongs to, where somebody follows that.</param>
    /// <param name="carried">The context of the call, where it came with the command from another process.</param>
    abstract class PendingCommand(BudgetCommand command, Activity? caller, string? carried)
    {
        public BudgetCommand Command => command;
        public Activity? Caller => caller;
        public string? Trace => caller is null ? carried : Traces.ContextOf(caller);

        /// <summary>Only the first answer counts.</summary>
        public abstract void Answer(Outcome outcome);
    }

    sealed class PendingCall(BudgetCommand command, Activity? caller, string? carried) : PendingCommand(command, caller, carried)
    {
        readonly TaskCompletionSource<Outcome> answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Outcome> Answered => answered.Task;

        public override void Answer(Outcome outcome) => answered.TrySetResult(outcome);
    }

    /// <summary>Commands that came together and are answered together: one wait for all of them.</summary>
    sealed class PendingCalls(int count)
    {
        readonly TaskCompletionSource<Outcome[]> answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly Outcome?[] outcomes = new Outcome?[count];
        int left = count;

        public Task<Outcome[]> Answered => answered.Task;

        /// <summary>Called under the gate before anything of it can be decided, and by the running loop: never twice at a time.</summary>
        public void Answer(int place, Outcome outcome)
        {
            if (outcomes[place] is not null) return;
            outcomes[place] = outcome;
            if (--left == 0) answered.SetResult(outcomes!);
        }

        public sealed class Member(PendingCalls all, int place, BudgetCommand command, Activity? caller, string? carried)
            : PendingCommand(command, caller, carried)
        {
            public override void Answer(Outcome outcome) => all.Answer(place, outcome);
        }
    }

    /// <summary>Guards the queue and the flags below it.</summary>
    readonly Lock gate = new();
    readonly Queue<PendingCommand> queue = new();
    bool running;
    bool stopping;

    /// <summary>Whoever goes on gets the state from here: no snapshot is written.</summary>
    bool handing;

    /// <summary>Whether it is among the sessions that are counted: one that nobody ever asked is not.</summary>
    bool counted;
    readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Only the running loop touches these. The state is what the ledger has, or null when that is not known.</summary>
    BudgetState? state = from?.State;
    int eventsSinceSnapshot = from?.EventsSinceSnapshot ?? 0;
    int countedHolds;

    /// <summary>How far the account's time is ahead of this host's; see <see cref="NowOf"/>.</summary>
    Duration lead;

    /// <summary>So many batches more ask the ledger for the ids that memory does not know before they decide, not while they
    /// write.</summary>
    int askFirst;

    public string Account => account;

    /// <summary>When the last command came; for eviction.</summary>
    public Instant LastUsed { get; private set; } = parts.Clock.Now;

    /// <summary>In milliseconds since 1970; written by the running loop, read by anybody.</summary>
    long nextDeadline = from?.NextDeadline is { } due ? UsageCursor.CeilingMillis(due) : long.MaxValue;

    /// <summary>Whether the ledger had nothing of the account after the last batch: a session that need not be kept.</summary>
    public bool IsOfNothing => Volatile.Read(ref ofNothing);
    bool ofNothing;
    int marked;

    /// <summary>True for the first who asks, until it is taken back: for lists in which it stands once.</summary>
    internal bool MarkOnce() => Interlocked.Exchange(ref marked, 1) == 0;

    internal void Unmark() => Volatile.Write(ref marked, 0);

    /// <summary>When something falls due by time alone, as far as is known; null where nothing does.</summary>
    public Instant? NextDeadline => Volatile.Read(ref nextDeadline) is var due and < long.MaxValue ? Instant.FromUnixTimeMilliseconds(due)
        : null;

    /// <summary>Completes when the session has ended and another may take the account over.</summary>
    public Task Stopped => stopped.Task;

    /// <param name="command">What is to be decided.</param>
    /// <param name="trace">The context of the call, where it was made in another process and nothing here continues it.</param>
    public Task<Outcome> SendAsync(BudgetCommand command, string? trace = null)
    {
        Fingerprints.Fill(command);
        var waiting = new PendingCall(command, Traces.Caller, trace);
        lock (gate)
        {
            if (WhyNot() is { } refused)
            {
                Measures.Answered(command, refused);
                return Task.FromResult(refused);
            }
            queue.Enqueue(waiting);
            if (!Queued(1)) return waiting.Answered;
        }
        parts.Start(this);
        return waiting.Answered;
    }

    /// <summary>Commands that are decided in their order and answered in it, each for itself. All of them are
    /// <see cref="OutcomeStatus.Moved"/>, or none is.</summary>
    public Task<Outcome[]> SendAllAsync(IReadOnlyList<BudgetCommand> commands, string? trace = null)
    {
        if (commands.Count == 0) return Task.FromResult<Outcome[]>([]);
        for (var i = 0; i < commands.Count; i++) Fingerprints.Fill(commands[i]);
        var (all, caller) = (new PendingCalls(commands.Count), Traces.Caller);
        lock (gate)
        {
            var queued = 0;
            for (var i = 0; i < commands.Count; i++)
            {
                if (WhyNot() is { } refused)
                {
                    Measures.Answered(commands[i], refused);
                    all.Answer(i, refused);
                    continue;
                }
                queue.Enqueue(new PendingCalls.Member(all, i, commands[i], caller, trace));
                queued++;
            }
            if (queued == 0 || !Queued(queued)) return all.Answered;
        }
        parts.Start(this);
        return all.Answered;
    }

    /// <summary>Under the gate: why a command can not be taken; null where it can.</summary>
    Outcome? WhyNot() =>
        stopping ? new(OutcomeStatus.Moved, null, null, "the account is being handed over; retry with the same id")
        : queue.Count >= MostWaiting
            ? new(OutcomeStatus.Unavailable, null, null, "too many calls wait for this account; retry with the same id") : null;

    /// <summary>Under the gate: counts what was taken. True where nothing runs yet, and whoever asks starts it.</summary>
    bool Queued(int count)
    {
        Measures.Waiting(count);
        LastUsed = parts.Clock.Now;
        if (!counted)
        {
            counted = true;
            Measures.SessionBegan();
        }
        if (running) return false;
        return running = true;
    }

    /// <summary>Gives back the room of a burst that is over, where nobody called for a while.</summary>
    public void Rest(Instant now)
    {
        lock (gate)
        {
            if (!running && !stopping && LastUsed < now - restsAfter) queue.TrimExcess();
        }
    }

    /// <summary>Takes no more callers, serves those that wait, keeps a snapshot. Idempotent.</summary>
    public async Task StopAsync()
    {
        lock (gate)
        {
            if (!stopping)
            {
                stopping = true;
                if (!running)
                {
                    running = true;
                    parts.Start(this);
                }
            }
        }
        await Stopped;
    }

    /// <summary>Ends as <see cref="StopAsync"/> does, and gives the state to whoever goes on elsewhere (see
    /// <see cref="SessionHandover.Decode"/>). Null where there is none, or too much of it: then a snapshot is kept as usual.</summary>
    public async Task<byte[]?> HandOverAsync()
    {
        lock (gate) handing = true;
        await StopAsync();
        return handedOver;
    }

    byte[]? handedOver;

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    /// <summary>The batch of the running loop, kept for the next one.</summary>
    readonly List<PendingCommand> batch = new(1);

    /// <summary>A loop that ends leaves no more room than this in its batch.</summary>
    const int MostKept = 16;

    internal async Task RunAsync()
    {
        while (true)
        {
            batch.Clear();
            lock (gate)
            {
                // A policy is decided alone: what its limits begin with is read from the ledger, so nothing may be only in memory.
                while (batch.Count < MostPerBatch && queue.TryPeek(out var next) && !(next.Command is SetPolicy && batch.Count > 0))
                {
                    batch.Add(queue.Dequeue());
                    if (next.Command is SetPolicy) break;
                }
                if (batch.Count == 0 && !stopping)
                {
                    if (batch.Capacity > MostKept) batch.Capacity = 0;
                    running = false;
                    return;
                }
            }
            if (batch.Count == 0) break;
            Measures.Waiting(-batch.Count);
            Measures.BatchCommands.Record(batch.Count);
            await ServeAsync();
        }
        if (handing && state is { Version: > 0 } left) handedOver = SessionHandover.Encode(left, eventsSinceSnapshot, NextDeadline);
        if (handedOver is null) await SnapshotAsync(Math.Min(EventsWorthASnapshot, parts.EventsPerSnapshot), parts.KeyedCountersAtEnd);
        CountHolds(0);
        if (counted) Measures.SessionEnded();
        stopped.SetResult();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    async ValueTask ServeAsync()
    {
        using var step = Traces.Source.HasListeners() ? Traces.Begin("purser.step", batch.Select(waiting => waiting.Caller)) : null;
        step?.SetTag("purser.account", account).SetTag("purser.commands", batch.Count);
        try
        {
            for (var conflicts = 0; conflicts < MostConflicts; conflicts++)
            {
                await using var turn = conflicts >= ConflictsBeforeTurns ? await parts.Ledger.TakeTurnAsync(account) : null;
                if (await TryServeAsync()) return;
            }
            Answer("other writers kept changing this account");
        }
        catch (LedgerUnavailableException e)
        {
            state = null;
            Measures.LedgerErrors.Add(1);
            // What the driver says may name hosts and ports, which are nobody's business.
            parts.Log.LogDebug("Account {Account}: the ledger can not be reached: {Why}", account, e.Message);
            Answer(e.Reason ?? "the ledger can not be reached");
        }
#pragma warning disable CA1031 // A defect must not leave callers waiting for ever; nothing is answered from a state that is in doubt.
        catch (Exception e)
#pragma warning restore CA1031
        {
            state = null;
            parts.Log.LogError(e, "Account {Account}: a batch of {Count} commands failed", account, batch.Count);
            Answer("an internal error, see the log");
        }
    }

    void Answer(string why)
    {
        var outcome = new Outcome(OutcomeStatus.Unavailable, null, null, why + "; retry with the same id");
        foreach (var waiting in batch)
        {
            Measures.Answered(waiting.Command, outcome);
            waiting.Answer(outcome);
        }
    }

    /// <summary>Decides the batch and appends it; false where the state or the settings were behind and it has to be decided
    /// again.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    async ValueTask<bool> TryServeAsync()
    {
        await parts.Clock.StartedAsync(parts.Ledger);
        var settings = await parts.Settings.CurrentAsync();
        var budget = state ??= await LoadAsync();
        var asked = AskedOf(budget);
        if (asked.MustAsk || askFirst > 0)
        {
            await RecallAsync(budget, asked);
            asked = default;
            askFirst = Math.Max(0, askFirst - 1);
        }
        var now = NowOf(budget);
        var outcomes = new Outcome[batch.Count];
        var events = await DecideAsync(budget, settings, now, outcomes);
        if (events.Count == 0 && asked != default)
        {
            // Nothing is written that could find out: a refusal would be wrong for a call that was admitted long ago.
            await RecallAsync(budget, asked);
            asked = default;
            events = await DecideAsync(budget, settings, now, outcomes);
        }
        // An account that was only ever asked about or refused leaves nothing behind.
        var leavesNothing = budget.Version == 0 && events.All(happened => happened is PolicyChanged { Policy: null });
        if (leavesNothing) events = [];

        var append = new Append(account, budget.Version, events)
        {
            SettingsVersion = settings.Version,
            At = now,
            ClosedHolds = budget.TakeClosed(),
            // In this host's time, in which it is looked for.
            NextDeadline = Budget.NextDeadline(budget) - lead,
            NewHolds = asked.Holds ?? [],
            NewUsage = asked.Usage ?? [],
        };
        // Encoded here, where sessions run side by side, and not by the one writer.
        if (events.Count > 0) append.Encode();
        state = null;
        var appended = await parts.Committer.AppendAsync(append);
        if (appended.SettingsVersion > settings.Version) await parts.Settings.RefreshAsync();
        switch (appended.Status)
        {
            case AppendStatus.Conflict:
                Measures.Conflicts.Add(1);
                if (asked != default && appended.Version == append.ExpectedVersion) askFirst = AskFirstAfterKnownId;
                return false;
            case AppendStatus.Failed:
                Measures.LedgerErrors.Add(1);
                Answer("the ledger refused the write");
                return true;
        }
        Volatile.Write(ref ofNothing, leavesNothing);
        if (!leavesNothing)
        {
            budget.Version = appended.Version;
            state = budget;
            Volatile.Write(ref nextDeadline, append.NextDeadlineMillis ?? long.MaxValue);
            Measures.Booked(events);
            if (events.Count > 0) parts.Appended?.Invoke(new(account, appended.Version, now, events));
        }
        CountHolds(budget.Deadlines.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            Measures.Answered(batch[i].Command, outcomes[i]);
            batch[i].Answer(outcomes[i]);
        }
        // It lies in the ledger, where a repeated call is looked up; kept for longer, it would outlive young garbage (ADR 51).
        budget.Forget(Instant.MaxValue);
        eventsSinceSnapshot += events.Count;
        await SnapshotAsync(parts.EventsPerSnapshot, parts.MostKeyedCounters);
        return true;
    }

    /// <summary>
    /// This host's time; for an account with an entry so much later that its writer's clock was wrong, that entry's time and what has
    /// passed since: it does not go back, and does not stand still until this host's time is there.
    /// </summary>
    Instant NowOf(BudgetState budget)
    {
        var now = parts.Clock.Now;
        if (budget.LastAt > now + lead + hostsApart) lead = budget.LastAt - now;
        return Instant.Max(now + lead, budget.LastAt);
    }

    void CountHolds(int now)
    {
        if (now == countedHolds) return;
        Measures.Holds(now - countedHolds);
        countedHolds = now;
    }

    async Task<BudgetState> LoadAsync()
    {
        using var load = Traces.OfLedger("purser.ledger.load", parts.Ledger);
        for (var snapshots = 0; snapshots < MostConflicts; snapshots++)
        {
            var stored = await parts.Ledger.LoadAsync(account);
            var fold = JournalFold.After(account, stored);
            var named = CounterMemory.Named(fold.State, stored.Tail.SelectMany(entry => entry.Events));
            // Where another host kept a snapshot meanwhile, the counters beside it have what the tail would add to them again.
            if (await ReturnAsync(fold.State, named) is { } version && version != stored.SnapshotVersion) continue;
            // What the tail closed is in the ledger already.
            foreach (var entry in stored.Tail) fold.Take(entry);
            eventsSinceSnapshot = stored.Tail.Sum(entry => entry.Events.Count);
            fold.Forget(Instant.MaxValue);
            return fold.State;
        }
        throw new LedgerUnavailableException("other hosts kept snapshots of this account for as long as it was read");
    }

    async ValueTask<IReadOnlyList<BudgetEvent>> DecideAsync(BudgetState budget, Settings settings, Instant now, Outcome[] outcomes)
    {
        var seeding = await SeedAsync(budget, batch[0].Command, settings, now);
        // Counters that are not in memory come back by one query. A command about what an earlier one of the batch makes is looked at
        // again.
        if (budget.Away.Count > 0)
            await ReturnAsync(budget, batch.SelectMany(waiting => CounterMemory.Named(budget, waiting.Command, settings, now)).ToHashSet());
        var events = batch.Count > 1 ? new List<BudgetEvent>(2 * batch.Count) : null;
        for (var i = 0; i < batch.Count; i++)
        {
            if (budget.Away.Count > 0)
            {
                await ReturnAsync(budget, CounterMemory.Named(budget, batch[i].Command, settings, now));
                if (CounterMemory.Shown(budget, batch[i].Command) is var (after, most)) await ReturnPageAsync(budget, after, most, now);
            }
            var result = Budget.Step(budget, batch[i].Command, settings, now, seeding);
            seeding = null;
            outcomes[i] = result.Outcome;
            var happened = batch[i].Trace is { } trace
                ? [.. result.Events.Select(one => Traces.IsOfCall(one) ? one with { Trace = trace } : one)] : result.Events;
            if (events is null) return happened;
            events.AddRange(happened);
        }
        return events!;
    }

    /// <summary>The version of the snapshot that they were beside; null where none was read. It may be newer than the budget is: what is
    /// decided then is not written, for whoever kept it has written before.</summary>
    async Task<long?> ReturnAsync(BudgetState budget, IReadOnlyCollection<CounterName> names)
    {
        if (names.Count == 0) return null;
        var (version, counters) = await parts.Ledger.ReadCountersAsync(account, names);
        foreach (var kept in counters) CounterMemory.Return(budget, kept.Name, LedgerJson.DecodeCounter(kept.Json.Span));
        foreach (var name in names) CounterMemory.Return(budget, name, null);
        return version;
    }

    /// <summary>The counters that a page of the status shows, as far as they are not in memory.</summary>
    async Task ReturnPageAsync(BudgetState budget, CounterName after, int most, Instant now)
    {
        foreach (var kept in (await parts.Ledger.ReadCountersAsync(account, after, now, most)).Counters)
            if (budget.Away.Contains(kept.Name.No)) CounterMemory.Return(budget, kept.Name, LedgerJson.DecodeCounter(kept.Json.Span));
    }

    /// <summary>What a batch names and memory lacks. <see cref="MustAsk"/>: a command is about a hold, which must be somewhere.</summary>
    readonly record struct Asked(List<string>? Holds, List<string>? Usage, bool MustAsk)
    {
        /// <summary>Usage of which everything beside it is needed.</summary>
        public HashSet<string>? Beside { get; init; }
    }

    Asked AskedOf(BudgetState budget)
    {
        var asked = default(Asked);
        foreach (var waiting in batch)
        {
            var needs = Budget.NeedsOf(budget, waiting.Command);
            if (needs == default) continue;
            if (needs.HoldId is { } hold)
            {
                var made = waiting.Command is not Reserve && !asked.MustAsk && asked.Holds?.LastIndexOf(hold) >= 0;
                // One that a command before it makes is asked for with that one: while it is written.
                if (!made)
                {
                    if (waiting.Command is not Reserve) asked = asked with { MustAsk = true };
                    if (asked.Holds is null) asked = asked with { Holds = new(1) };
                    asked.Holds!.Add(hold);
                }
            }
            if (needs.LenderId is { } lender)
            {
                // It must be somewhere, and who names it is told what became of it.
                asked = asked with { MustAsk = true, Holds = asked.Holds ?? new(1) };
                asked.Holds!.Add(lender);
            }
            if (needs.UsageId is null && needs.MoreUsage is null) continue;
            if (asked.Usage is null) asked = asked with { Usage = new(1) };
            if (needs.UsageId is { } usage) asked.Usage!.Add(usage);
            if (needs.MoreUsage is not { } more) continue;
            // It is about a record, which must be somewhere.
            asked = asked with { MustAsk = true, Beside = asked.Beside ?? new(StringComparer.Ordinal) };
            asked.Usage!.AddRange(more);
            asked.Beside!.UnionWith(needs.Beside ?? []);
        }
        return asked;
    }

    /// <summary>One query for everything.</summary>
    async Task RecallAsync(BudgetState budget, Asked asked)
    {
        if (asked == default) return;
        using var recall = Traces.OfLedger("purser.ledger.recall", parts.Ledger);
        var recalled = await parts.Ledger.RecallAsync(account, (IReadOnlyCollection<string>?)asked.Holds ?? [],
            (IReadOnlyCollection<string>?)asked.Usage ?? [], asked.Beside);
        foreach (var hold in recalled.Holds.Values) budget.Remember(hold);
        // A ledger takes what was erased out of its records after a while; what is decided about them does not wait for that.
        var erasures = asked.Beside is null || budget.ErasedAt is null ? [] : await AuditTrail.ErasuresAsync(parts.Ledger, account);
        foreach (var record in recalled.Usage.Values)
            budget.Remember(AuditTrail.LeftOf(record, 0, erasures) ?? record with { IsErased = true });
    }

    async Task<Seeding?> SeedAsync(BudgetState budget, BudgetCommand first, Settings settings, Instant now)
    {
        var seeding = Budget.Plan(budget, first, settings, now);
        if (seeding?.From is not { } from) return seeding;
        await foreach (var record in parts.Ledger.ReadUsageAsync(account, from)) seeding.Add(record);
        seeding.KeptSince(await parts.Ledger.KeptSinceAsync());
        return seeding;
    }

    /// <summary>
    /// A snapshot only saves work: that it could not be kept is worth a line in the log and nothing more. With it, counters leave memory
    /// that were not used lately, or are more than an account may keep there.
    /// </summary>
    async Task SnapshotAsync(int atLeast, int mostKeyed)
    {
        if (state is not { Version: > 0 } budget
            || (eventsSinceSnapshot < atLeast && !(stopping && CounterMemory.Count(budget) > mostKeyed))) return;
        // What is closed lies in the ledger, and whoever reads the snapshot would drop it: on a busy account it would be most of the work.
        budget.Forget(Instant.MaxValue);
        var leaving = CounterMemory.Leave(budget, mostKeyed, parts.Clock.Now - countersRemembered);
        try
        {
            var kept = leaving.Where(one => one.Counter is not null)
                .Select(one => new StoredCounter(one.Name, one.Until, one.Keep, LedgerJson.EncodeCounter(one.Counter!))).ToArray();
            var empty = leaving.Where(one => one.Counter is null).Select(one => one.Name).ToArray();
            var gone = CounterMemory.Gone(budget);
            var changes = new CounterChanges(kept, empty, gone, budget.LastAt);
            if (await parts.Ledger.SaveSnapshotAsync(account, budget.Version, LedgerJson.EncodeState(budget), changes))
                CounterMemory.Forget(budget, gone);
            else CounterMemory.Stay(budget, leaving);
            eventsSinceSnapshot = 0;
        }
        catch (LedgerUnavailableException e)
        {
            CounterMemory.Stay(budget, leaving);
            parts.Log.LogInformation("Account {Account}: the snapshot at version {Version} was not kept: {Why}", account, budget.Version,
                e.Message);
        }
    }
}
