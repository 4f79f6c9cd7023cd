// Follows the feed for everybody in this process: one reader polls the ledger while somebody waits for news and keeps what came last in a
// ring; who is further behind reads the ledger for itself. Listeners have a position and no queue, so a slow one costs others nothing, and
// where all are slow or stuck nothing is read for them.
using System.Runtime.CompilerServices;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Events;

/// <summary>Thrown to a listener whose position lies before entries that were compacted away.</summary>
public sealed class EventsGoneException(long goneTo) : Exception($"events up to position {goneTo} were compacted away")
{
    public long GoneTo => goneTo;
}

/// <summary>Events after a position, and the position that they reach: it moves also where nothing matches.</summary>
public sealed record EventPage(IReadOnlyList<PublicEvent> Events, long ReachedTo);

public sealed class EventTail(IEventFeed feed, IUsageQueries queries, Bell written, TimeProvider time, ILogger<EventTail> log) : IDisposable
{
    const int PerRead = 500;
    const int RingSize = 20_000;
    static readonly TimeSpan shortest = TimeSpan.FromMilliseconds(250);

    /// <summary>Entries that other hosts write are read here after at most about so long.</summary>
    static readonly TimeSpan longest = TimeSpan.FromSeconds(1);
    static readonly TimeSpan afterFailure = TimeSpan.FromSeconds(2);

    /// <summary>Listeners that are busy with what they heard come back before this; those that are stuck do not.</summary>
    static readonly TimeSpan readOnFor = TimeSpan.FromSeconds(5);

    readonly Lock gate = new();
    readonly CancellationTokenSource closing = new();
    readonly List<PublicEvent> ring = [];
    long ringFrom = -1;
    long reached = -1;
    int listeners;

    /// <summary>Listeners that have heard everything and wait for more, and since when there is none of them.</summary>
    int waiting;
    long nobodySince;
    bool polling;
    TaskCompletionSource news = New();

    /// <summary>The clock by which those who wait here measure.</summary>
    public TimeProvider Time => time;

    /// <summary>Whether anybody in this process follows the feed.</summary>
    public bool IsFollowed => Volatile.Read(ref listeners) > 0;

    /// <summary>The newest position of the feed.</summary>
    public Task<long> HeadAsync(CancellationToken cancellation = default) => feed.HeadAsync(cancellation);

    /// <summary>
    /// Pages of events after a position, for ever. A page without events comes when the position moves, or when <paramref name="beat"/> has
    /// passed without any.
    /// </summary>
    public IAsyncEnumerable<EventPage> FollowAsync(long after, TimeSpan beat, CancellationToken cancellation = default) =>
        FollowAsync(after, () => beat, cancellation);

    /// <summary>The same for who says each time how long it waits at most.</summary>
    public async IAsyncEnumerable<EventPage> FollowAsync(
        long after, Func<TimeSpan> beat, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref listeners);
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                Task next;
                lock (gate) next = news.Task;
                var page = FromRing(after) ?? await ReadAsync(after, cancellation);
                if (page.Events.Count > 0 || page.ReachedTo > after)
                {
                    after = page.ReachedTo;
                    yield return page;
                    continue;
                }
                using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                Wait();
                Task first;
                try
                {
                    first = await Task.WhenAny(next, Task.Delay(beat(), time, ends.Token));
                }
                finally
                {
                    GoOn();
                }
                await ends.CancelAsync();
                cancellation.ThrowIfCancellationRequested();
                if (first != next) yield return page;
            }
        }
        finally
        {
            Interlocked.Decrement(ref listeners);
        }
    }

    /// <summary>Throws where some of what follows a position was compacted away.</summary>
    public async Task CheckAsync(long after, CancellationToken cancellation) =>
        ThrowIfGone(await feed.ReadAsync(after, 1, cancellation), after);

    static void ThrowIfGone(FeedPage page, long after)
    {
        if (page.GoneTo > after) throw new EventsGoneException(page.GoneTo);
    }

    /// <summary>One page of the ledger's feed, in public words.</summary>
    async Task<EventPage> ReadAsync(long after, CancellationToken cancellation)
    {
        var page = await feed.ReadAsync(after, PerRead, cancellation);
        ThrowIfGone(page, after);
        var erasures = new Dictionary<string, IReadOnlyList<(long Version, UsageErased Erased)>>();
        var events = new List<PublicEvent>();
        foreach (var entry in page.Entries)
        {
            if (entry.Account is { } account && entry.Events.Any(happened => happened is Held || Append.RecordOf(happened) is not null)
                && !erasures.ContainsKey(account))
                erasures[account] = await AuditTrail.ErasuresAsync(queries, account);
            events.AddRange(PublicEvents.Of(entry, entry.Account is null || !erasures.TryGetValue(entry.Account, out var erased)
                ? null : [.. erased.Where(one => one.Version > entry.Version).Select(one => one.Erased)]));
        }
        return new(events, page.ReachedTo);
    }

    EventPage? FromRing(long after)
    {
        lock (gate)
        {
            if (ringFrom < 0 || after < ringFrom) return null;
            var low = Sorted.First(ring.Count, (ring, after), static (asked, i) => asked.ring[i].Position > asked.after);
            // All events of one entry have its position: a page never ends between them.
            var end = Math.Min(ring.Count, low + PerRead);
            while (end > low && end < ring.Count && ring[end].Position == ring[end - 1].Position) end++;
            return new(ring.GetRange(low, end - low), end == ring.Count ? Math.Max(after, reached) : ring[end - 1].Position);
        }
    }

    void Wait()
    {
        lock (gate)
        {
            waiting++;
            if (polling) return;
            polling = true;
        }
        _ = PollAsync();
    }

    void GoOn()
    {
        lock (gate)
            if (--waiting == 0) nobodySince = time.GetTimestamp();
    }

    /// <summary>Whether nobody waits for what would be read, and nobody is about to.</summary>
    bool IsForNobody => waiting == 0 && (Volatile.Read(ref listeners) == 0 || time.GetElapsedTime(nobodySince) >= readOnFor);

    async Task PollAsync()
    {
        var failing = false;
        var lookout = new Lookout(written, time, shortest);
        while (true)
        {
            lock (gate)
                if (IsForNobody || closing.IsCancellationRequested)
                {
                    // Nothing is read, and what was kept is not what comes next.
                    (polling, ringFrom, reached) = (false, -1, -1);
                    ring.Clear();
                    return;
                }
            var before = reached;
            try
            {
                lookout.Look();
                var more = await PollOnceAsync();
                if (failing) log.LogInformation("Events are read again");
                failing = false;
                if (!more) await lookout.WaitAsync(reached > before, longest, closing.Token);
            }
            catch (OperationCanceledException)
            {
                // The host ends, which the beginning of the next round sees.
            }
            catch (Exception failed)
            {
                if (!failing) log.LogWarning(failed, "Events can not be read; they are late until the ledger is back");
                failing = true;
                await Task.Delay(afterFailure, time, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Whether there may be more at once.</summary>
    async Task<bool> PollOnceAsync()
    {
        if (reached < 0)
        {
            var head = await feed.HeadAsync(closing.Token);
            lock (gate) (ringFrom, reached) = (head, head);
            // Whoever began to wait before this may have read less: it looks again.
            Tell([]);
        }
        var page = await feed.ReadAsync(reached, PerRead, closing.Token);
        if (page.ReachedTo <= reached) return false;
        // What an erasure is about is read from the ledger from now on, which knows what is left of it.
        var erased = page.Entries.LastOrDefault(entry => entry.Events.Any(happened => happened is UsageErased))?.Position;
        if (erased is { } position) Forget(position);
        Tell([.. page.Entries.Where(entry => !(entry.Position <= erased)).SelectMany(entry => PublicEvents.Of(entry))], page.ReachedTo);
        return page.Entries.Count == PerRead;
    }

    /// <summary>Up to a position nothing is told from memory any more.</summary>
    void Forget(long position)
    {
        lock (gate)
        {
            ringFrom = position;
            ring.Clear();
        }
    }

    /// <summary>What was erased, for <see cref="NowAsync"/>: whoever tells several events again asks with the same.</summary>
    public KnownErasures Erasures() => new(queries);

    /// <summary>
    /// What an event says now that it is told again: usage that was erased since is told no more (null), or without the person. An event
    /// whose entry was compacted away says what it said, unless usage of its account was erased since.
    /// </summary>
    public async Task<ReadOnlyMemory<byte>?> NowAsync(KnownErasures known, string account, long position, string messageId, string type,
        Instant at, ReadOnlyMemory<byte> said, CancellationToken cancellation)
    {
        var erasures = await known.OfAsync(account);
        if (erasures.Count == 0) return said;
        var page = await feed.ReadAsync(position - 1, 1, cancellation);
        if (page.Entries.FirstOrDefault(entry => entry.Position == position) is not { } entry)
        {
            if (page.GoneTo < position && page.ReachedTo < position)
                throw new LedgerUnavailableException("the feed is not settled yet");
            var names = type.StartsWith("usage.", StringComparison.Ordinal) || type == "reservation.created";
            return names && erasures.Any(one => one.Erased.At > at) ? null : said;
        }
        var told = PublicEvents.Of(entry, [.. erasures.Where(one => one.Version > entry.Version).Select(one => one.Erased)]);
        return told.FirstOrDefault(happened => happened.MessageId == messageId)?.Json;
    }

    void Tell(PublicEvent[] told, long? reachedTo = null)
    {
        TaskCompletionSource woken;
        lock (gate)
        {
            ring.AddRange(told);
            reached = reachedTo ?? reached;
            if (ring.Count > RingSize)
            {
                var gone = ring.Count - RingSize / 2;
                ringFrom = ring[gone - 1].Position;
                ring.RemoveRange(0, ring.FindIndex(happened => happened.Position > ringFrom) is var next and >= 0 ? next : ring.Count);
            }
            (woken, news) = (news, New());
        }
        woken.SetResult();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose()
    {
        closing.Cancel();
        closing.Dispose();
    }
}
