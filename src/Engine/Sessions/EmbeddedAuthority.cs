// The embedded host: a dictionary of sessions in one process, a poll of what is due, and eviction of what is idle.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed class EmbeddedOptions
{
    /// <summary>How often the ledger is asked which accounts have something due, and looked whether too many are in memory. Holds expire
    /// at most this much late when nobody calls.</summary>
    public TimeSpan DeadlinePoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the ledger's clock is asked for, where it has one.</summary>
    public TimeSpan ClockPoll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A session without a command for this long gives its memory back.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>So many sessions stay in memory, about: where more were called, those end first that were called longest
    /// ago.</summary>
    public int MostSessions { get; init; } = ColdAccounts.UsualMost;

    public bool RefuseUnknownAccounts { get; init; }

    /// <summary>How much of its journal an account replays at most, about, when it is loaded.</summary>
    public int EventsPerSnapshot { get; init; } = SessionParts.UsualEventsPerSnapshot;

    /// <summary>So many counters of single keys an account keeps in memory at most, about.</summary>
    public int MostKeyedCounters { get; init; } = SessionParts.UsualKeyedCounters;

    /// <summary>What sessions and the committer run on; a simulation brings its own.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;
}

public sealed class EmbeddedAuthority : IBudgetAuthority, IAsyncDisposable
{
    const int MostDuePerPoll = 1000;

    /// <summary>So many accounts that the ledger has nothing of stay in memory: whoever asks about made-up ones fills nothing.</summary>
    const int MostOfNothing = 1000;

    readonly IStore ledger;
    readonly SessionParts parts;
    readonly EmbeddedOptions options;
    readonly EmbeddedHistories? histories;
    readonly OutageLog outages;
    readonly ConcurrentDictionary<string, BudgetSession> sessions = new(StringComparer.Ordinal);
    readonly ITimer deadlineTimer;
    readonly ITimer idleTimer;
    readonly ITimer clockTimer;

    /// <summary>Accounts that were asked about and did not exist, the oldest first.</summary>
    readonly ConcurrentQueue<BudgetSession> ofNothing = new();

    /// <summary>1 while a poll runs, so that a slow ledger is not asked again before it answered.</summary>
    int polling;

    /// <summary>1 while sessions end because there are too many.</summary>
    int shedding;
    volatile bool closing;

    /// <param name="histories">Told of what is booked; without them nothing looks for anomalies.</param>
    public EmbeddedAuthority(IStore ledger, TimeProvider? time = null, EmbeddedOptions? options = null, ILogger? log = null,
        EmbeddedHistories? histories = null)
    {
        this.ledger = ledger;
        this.histories = histories;
        this.options = options ??= new();
        time ??= TimeProvider.System;
        outages = new(log ?? NullLogger.Instance, time);
        parts = new(ledger, new(ledger, options.Scheduler, log), new(ledger, options.RefuseUnknownAccounts),
            new(time, ledger, ledger.NewestAtAsync, log), log ?? NullLogger.Instance)
        {
            Scheduler = options.Scheduler,
            EventsPerSnapshot = options.EventsPerSnapshot,
            MostKeyedCounters = options.MostKeyedCounters,
            Appended = entry =>
            {
                histories?.Take(entry);
                Written.Ring();
            },
        };
        var look = options.IdleAfter / LooksWhileIdle;
        deadlineTimer = Every(options.DeadlinePoll, options.DeadlinePoll, "Looking for what is due", () =>
            Task.WhenAll(PollQuietlyAsync(), ShedAsync()));
        idleTimer = Every(look, look, "Ending accounts that rest", EvictIdleAsync);
        clockTimer = Every(TimeSpan.Zero, options.ClockPoll, "Following the clock of the ledger", MeasureClockAsync);

        ITimer Every(TimeSpan first, TimeSpan period, string what, Func<Task> work)
        {
            var rounds = new Rounds(parts.Log, what, time);
            return time.CreateTimer(_ => _ = rounds.TryAsync(() => UntilClosingAsync(work)), null, first, period);
        }
    }

    /// <summary>What is thrown while the ledger closes is no fault.</summary>
    async Task UntilClosingAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
#pragma warning disable CA1031 // As it says.
        catch (Exception) when (closing)
#pragma warning restore CA1031
        {
        }
    }

    /// <summary>The time in which this host decides.</summary>
    public LedgerClock Clock => parts.Clock;

    /// <summary>Rings when this host has written something that the feed tells.</summary>
    public Bell Written { get; } = new();

    /// <summary>Accounts in memory.</summary>
    public int ActiveSessions => sessions.Count;

    public async Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (closing) return Closing();
            var session = sessions.GetOrAdd(account, static (id, parts) => new(id, parts), parts);
            var outcome = await session.SendAsync(command).WaitAsync(cancellation);
            if (outcome.Status != OutcomeStatus.Moved)
            {
                if (session.IsOfNothing && session.MarkOnce()) await KeepFewOfNothingAsync(session);
                return outcome;
            }
            await session.Stopped.WaitAsync(cancellation);
            sessions.TryRemove(new(account, session));
        }
    }

    public async Task<IReadOnlyList<Outcome>> SendAllAsync(string account, IReadOnlyList<BudgetCommand> commands,
        CancellationToken cancellation = default)
    {
        while (commands.Count > 0)
        {
            if (closing) return [.. commands.Select(_ => Closing())];
            var session = sessions.GetOrAdd(account, static (id, parts) => new(id, parts), parts);
            var outcomes = await session.SendAllAsync(commands).WaitAsync(cancellation);
            if (outcomes[0].Status != OutcomeStatus.Moved)
            {
                if (session.IsOfNothing && session.MarkOnce()) await KeepFewOfNothingAsync(session);
                return outcomes;
            }
            await session.Stopped.WaitAsync(cancellation);
            sessions.TryRemove(new(account, session));
        }
        return [];
    }

    static Outcome Closing() => new(OutcomeStatus.Moved, null, null, "the host is closing; retry with the same id");

    async Task KeepFewOfNothingAsync(BudgetSession another)
    {
        ofNothing.Enqueue(another);
        while (ofNothing.Count > MostOfNothing && ofNothing.TryDequeue(out var oldest))
        {
            oldest.Unmark();
            if (oldest.IsOfNothing) await EndAsync(oldest);
        }
    }

    public async Task<Settings> SettingsAsync()
    {
        try
        {
            return await parts.Settings.RefreshAsync();
        }
        catch (LedgerUnavailableException) when (parts.Settings.Seen is { } last)
        {
            // Prices, quotes and token counts need nothing that is newer; whatever is decided asks the ledger itself.
            return last;
        }
    }

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most) => parts.Settings.ChangesAsync(after, most);

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most) =>
        parts.Settings.ChangesAsync(subjects, most);

    public async Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit)
    {
        var edited = await parts.Settings.EditAsync(edit);
        Written.Ring();
        return edited;
    }

    /// <summary>Lets everything that is due happen, in accounts that nobody calls.</summary>
    public async Task PollDeadlinesAsync()
    {
        while (!closing)
        {
            await parts.Clock.StartedAsync(ledger);
            var due = await ledger.DueAsync(parts.Clock.Now, MostDuePerPoll);
            var outcomes = await Task.WhenAll(due.Select(account => SendAsync(account, new Tick())));
            if (due.Count < MostDuePerPoll || Array.Exists(outcomes, outcome => outcome.IsTransient)) return;
        }
    }

    async Task PollQuietlyAsync()
    {
        if (Interlocked.Exchange(ref polling, 1) == 1) return;
        try
        {
            await PollDeadlinesAsync();
            outages.Answered();
        }
        catch (LedgerUnavailableException e)
        {
            outages.Away(e.Message);
        }
        finally
        {
            Volatile.Write(ref polling, 0);
        }
    }

    async Task MeasureClockAsync()
    {
        try
        {
            await parts.Clock.MeasureAsync(ledger);
        }
        catch (LedgerUnavailableException e)
        {
            parts.Log.LogDebug("Could not ask the ledger for its time: {Why}", e.Message);
        }
    }

    /// <summary>How often it is looked at whether a session rests until it ends.</summary>
    const int LooksWhileIdle = 10;

    /// <summary>Ends the sessions that nobody used for a while; those that rest give back the room of a burst.</summary>
    public async Task EvictIdleAsync()
    {
        var now = parts.Clock.Now;
        var before = now - Duration.FromTimeSpan(options.IdleAfter);
        foreach (var (_, session) in sessions)
        {
            session.Rest(now);
            if (session.LastUsed <= before) await EndAsync(session);
        }
        if (histories is not null) await histories.EvictAsync(options.IdleAfter);
    }

    async Task EndAsync(BudgetSession session)
    {
        await session.StopAsync();
        sessions.TryRemove(new(session.Account, session));
    }

    /// <summary>Ends the sessions that were used longest ago, where there are more than may be in memory.</summary>
    public async Task ShedAsync()
    {
        if (closing || Interlocked.Exchange(ref shedding, 1) == 1) return;
        try
        {
            foreach (var some in ColdAccounts.Of(sessions, options.MostSessions, session => session.Value.LastUsed)
                .Chunk(ColdAccounts.AtOnce))
                await Task.WhenAll(some.Select(session => EndAsync(session.Value)));
            if (histories is not null) await histories.ShedAsync(options.MostSessions);
        }
        finally
        {
            Volatile.Write(ref shedding, 0);
        }
    }

    /// <summary>Answers everybody who waits, keeps snapshots, and leaves the ledger to its owner.</summary>
    public async ValueTask DisposeAsync()
    {
        closing = true;
        await deadlineTimer.DisposeAsync();
        await idleTimer.DisposeAsync();
        await clockTimer.DisposeAsync();
        await Task.WhenAll(sessions.Values.Select(session => session.StopAsync()));
        await parts.Committer.DisposeAsync();
    }
}
