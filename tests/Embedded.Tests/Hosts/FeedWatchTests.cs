// Who follows the feed looks seldom while nothing comes, at once when this host writes something, and soon enough for what others write.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class FeedWatchTests : IAsyncLifetime, IAsyncDisposable
{
    static readonly TimeSpan patience = TimeSpan.FromMinutes(4);

    readonly MemoryLedger ledger = new();

    /// <summary>That of the watch alone: its timers are the watch's.</summary>
    readonly ManualTime time = new();
    EmbeddedAuthority host = null!;

    public Task InitializeAsync()
    {
        host = new(ledger, new ManualTime());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Counts the looks at the feed.</summary>
    sealed class Looks(IEventFeed feed) : IEventFeed
    {
        public int Count;

        public Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref Count);
            return feed.ReadAsync(after, most, cancellation);
        }

        public Task<long> HeadAsync(CancellationToken cancellation = default) => feed.HeadAsync(cancellation);

        public Task<bool> AnnounceAsync(Announcement announcement) => feed.AnnounceAsync(announcement);
    }

    sealed class Taker : IFeedTaker
    {
        public ConcurrentQueue<FeedEntry> Taken { get; } = new();
        public bool IsHeard { get; init; }
        public long? Pending => null;

        public Task TakeAsync(IReadOnlyList<FeedEntry> entries, CancellationToken cancellation)
        {
            foreach (var entry in entries) Taken.Enqueue(entry);
            return Task.CompletedTask;
        }

        public Task BeatAsync(CancellationToken cancellation) => Task.CompletedTask;

        public Task BeginAsync(CancellationToken cancellation) => Task.CompletedTask;
    }

    FeedWatch Watch(Looks looks, Taker taker) => new(
        looks, ledger, [taker], host.Written, () => false, new(time), time, NullLogger<FeedWatch>.Instance);

    /// <summary>Until the watch sleeps: nothing happens any more before time moves on or somebody writes.</summary>
    async Task AsleepAsync()
    {
        using var late = new CancellationTokenSource(patience);
        while (time.UntilNext is null)
        {
            late.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Lets time pass, from one sleep of the watch to the next.</summary>
    async Task PassAsync(TimeSpan span)
    {
        var until = time.GetUtcNow() + span;
        while (true)
        {
            await AsleepAsync();
            if (time.UntilNext!.Value is var step && time.GetUtcNow() + step > until) return;
            time.Advance(step);
        }
    }

    static async Task UntilAsync(Func<bool> holds)
    {
        using var late = new CancellationTokenSource(patience);
        while (!holds())
        {
            late.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Theory]
    [InlineData(false, 13)]
    [InlineData(true, 61)]
    public async Task An_idle_feed_is_looked_at_seldom_and_each_second_where_somebody_hears_of_it(bool heard, int most)
    {
        var (looks, taker) = (new Looks(ledger), new Taker { IsHeard = heard });
        using var watch = Watch(looks, taker);
        await watch.StartAsync(default);
        await PassAsync(TimeSpan.FromMinutes(1));
        var before = looks.Count;
        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.InRange(looks.Count - before, most - 2, most);
        await watch.StopAsync(default);
    }

    [Fact]
    public async Task What_this_host_writes_is_taken_without_any_time_passing()
    {
        var (looks, taker) = (new Looks(ledger), new Taker());
        using var watch = Watch(looks, taker);
        await watch.StartAsync(default);
        await PassAsync(TimeSpan.FromMinutes(1));
        // Asleep for seconds, and not for the shortest pause after a look.
        await UntilAsync(() => time.UntilNext > TimeSpan.FromSeconds(1));
        await host.ExpectAsync("a", Calls.Record("u", 10));
        await UntilAsync(() => !taker.Taken.IsEmpty);
        Assert.Equal("a", taker.Taken.First().Account);
        await watch.StopAsync(default);
    }

    [Theory]
    [InlineData(false, 5)]
    [InlineData(true, 1)]
    public async Task What_another_host_writes_is_taken_soon(bool heard, int seconds)
    {
        var (looks, taker) = (new Looks(ledger), new Taker { IsHeard = heard });
        using var watch = Watch(looks, taker);
        await watch.StartAsync(default);
        await PassAsync(TimeSpan.FromMinutes(1));
        await using var other = new EmbeddedAuthority(ledger, new ManualTime());
        await other.ExpectAsync("b", Calls.Record("u", 10));
        Assert.Empty(taker.Taken);
        await PassAsync(TimeSpan.FromSeconds(seconds));
        await AsleepAsync();
        Assert.NotEmpty(taker.Taken);
        await watch.StopAsync(default);
    }

    [Fact]
    public async Task A_host_that_does_not_read_looks_for_the_turn_when_it_may_be_free()
    {
        var (first, second) = (new Looks(ledger), new Looks(ledger));
        using var reading = Watch(first, new());
        await reading.StartAsync(default);
        await UntilAsync(() => first.Count > 0);
        await AsleepAsync();
        using var waiting = Watch(second, new());
        await waiting.StartAsync(default);
        await reading.StopAsync(default);
        for (var step = 0; step < 10 && second.Count == 0; step++)
        {
            await AsleepAsync();
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await UntilAsync(() => second.Count > 0);
        await waiting.StopAsync(default);
    }
}
