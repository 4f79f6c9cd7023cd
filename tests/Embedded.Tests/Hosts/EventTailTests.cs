// However many follow the events, and however few of them read: nothing is kept for any of them, and nobody waits for another.
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

[Collection(Alone.Name)]
public sealed class EventTailTests : IAsyncLifetime, IAsyncDisposable
{
    static readonly TimeSpan patience = ServerProcess.Patience;
    static readonly TimeSpan never = TimeSpan.FromDays(30);

    readonly ManualTime time = new();
    readonly MemoryLedger ledger = new();
    readonly Made feed = new();
    EventTail tail = null!;

    public Task InitializeAsync()
    {
        tail = new(feed, ledger, new(), time, NullLogger<EventTail>.Instance);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        tail.Dispose();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>A feed as long as a test says, of entries that are made when they are read.</summary>
    sealed class Made : IEventFeed
    {
        long head;
        int reads;

        public int Reads => Volatile.Read(ref reads);

        public long Head
        {
            get => Volatile.Read(ref head);
            set => Volatile.Write(ref head, value);
        }

        public Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref reads);
            var count = (int)Math.Min(most, Math.Max(0, Head - after));
            var entries = Enumerable.Range(1, count).Select(no => new FeedEntry(after + no, "a", 0, Instant.FromUnixTimeSeconds(0), default,
                new($"{after + no}", "price.changed", null, Instant.FromUnixTimeSeconds(0), "p", "info", "{}"))).ToArray();
            return Task.FromResult(new FeedPage(entries, after + count, 0));
        }

        public Task<long> HeadAsync(CancellationToken cancellation = default) => Task.FromResult(Head);

        public Task<bool> AnnounceAsync(Announcement announcement) => Task.FromResult(false);
    }

    async Task PassUntilAsync(Task done)
    {
        using var late = new CancellationTokenSource(patience);
        while (!done.IsCompleted)
        {
            late.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }
        await done;
    }

    async Task<long> ReadAsync(long from, long to)
    {
        var next = from + 1;
        await foreach (var page in tail.FollowAsync(from, never))
        {
            foreach (var happened in page.Events) Assert.Equal(next++, happened.Position);
            if (page.ReachedTo >= to) break;
        }
        return next - 1;
    }

    [Fact]
    public async Task Where_everybody_who_listens_is_stuck_nothing_is_read_for_them()
    {
        await using var stuck = tail.FollowAsync(0, never).GetAsyncEnumerator();
        var first = stuck.MoveNextAsync().AsTask();
        feed.Head = 1;
        await PassUntilAsync(first);
        Assert.True(tail.IsFollowed);
        // It does not come back: of what goes by in the five minutes after, only the beginning is read.
        var before = feed.Reads;
        for (var step = 0; step < 1200; step++)
        {
            feed.Head += 10;
            time.Advance(TimeSpan.FromMilliseconds(250));
            for (var turn = 0; turn < 5; turn++) await Task.Yield();
        }
        Assert.InRange(feed.Reads - before, 0, 40);
        // Whoever comes now, and who was stuck, misses nothing.
        var reading = ReadAsync(0, feed.Head + 5);
        feed.Head += 5;
        await PassUntilAsync(reading);
        Assert.Equal(feed.Head, await reading);
        for (var heard = stuck.Current.ReachedTo; heard < feed.Head; heard = stuck.Current.ReachedTo)
        {
            var more = stuck.MoveNextAsync().AsTask();
            await PassUntilAsync(more);
            Assert.Equal(heard + 1, stuck.Current.Events[0].Position);
        }
    }

    [Fact]
    public async Task Ten_thousand_that_do_not_read_cost_a_page_each_and_hold_nobody_up()
    {
        var stuck = Enumerable.Range(0, 10_000).Select(_ => tail.FollowAsync(0, never).GetAsyncEnumerator()).ToArray();
        var first = Task.WhenAll(stuck.Select(one => one.MoveNextAsync().AsTask()));
        feed.Head = 1_000;
        await PassUntilAsync(first);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        // Each holds its first page, and nobody asks for another one while 200,000 events go by.
        feed.Head = 200_000;
        var reading = ReadAsync(0, 200_000);
        await PassUntilAsync(reading);
        Assert.Equal(200_000, await reading);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 512 * 1024 * 1024);
        // Who wakes up goes on where it was.
        var reached = stuck[0].Current.ReachedTo;
        Assert.True(await stuck[0].MoveNextAsync());
        Assert.Equal(reached + 1, stuck[0].Current.Events[0].Position);
        foreach (var one in stuck) await one.DisposeAsync();
    }
}
