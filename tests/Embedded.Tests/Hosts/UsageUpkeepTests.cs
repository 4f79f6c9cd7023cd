// Work in the background where something of it can not be done: it is told once a minute, and goes on; what can be done is.
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class UsageUpkeepTests
{
    readonly Lines lines = new();
    readonly ManualTime time = new();

    [Fact]
    public async Task Records_that_can_not_be_folded_keep_erasures_from_nothing_and_are_told_of()
    {
        var store = new Upkept();
        using var stop = new CancellationTokenSource();
        var running = new UsageUpkeep(store, new(time), lines, UsageRetention.OfDays(90)).RunAsync(time, stop.Token);

        for (var round = 0; round < 5; round++)
        {
            var erased = store.Erasures.Reader.ReadAsync().AsTask();
            time.Advance(TimeSpan.FromSeconds(8));
            await Task.WhenAny(running, erased);
            Assert.False(running.IsCompleted);
        }

        await stop.CancelAsync();
        await running;
        Assert.Contains("The upkeep of rollups and records broke off", Assert.Single(lines), StringComparison.Ordinal);
        Assert.EndsWith("the key is too long", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_lies_quiet_is_made_into_hours_and_days_once_a_minute_and_records_at_once()
    {
        var store = new Upkept { Unfolded = 0, Fold = () => false };
        var upkeep = new UsageUpkeep(store, new(time), lines, UsageRetention.OfDays(90));
        for (var second = 0; second < 120; second++, time.Advance(TimeSpan.FromSeconds(1))) await upkeep.KeepUpAsync();
        Assert.Equal(2, store.Folds);

        store.Unfolded = 1;
        await upkeep.KeepUpAsync();
        await upkeep.KeepUpAsync();
        Assert.Equal(4, store.Folds);
    }

    [Fact]
    public async Task What_breaks_off_again_and_again_is_told_once_a_minute()
    {
        var rounds = new Rounds(lines, "The work", time);
        for (var second = 0; second < 150; second++)
        {
            Assert.False(await rounds.TryAsync(() => throw new InvalidOperationException($"at {second}")));
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.True(await rounds.TryAsync(() => Task.CompletedTask));
        Assert.Equal(["at 0", "at 60", "at 120"], lines.Select(line => line[line.LastIndexOf("at ", StringComparison.Ordinal)..]));
        // Whoever is told to stop hears what it threw.
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rounds.TryAsync(() => throw new InvalidOperationException("closed"), new(canceled: true)));
    }

    sealed class Upkept : IUsageUpkeep
    {
        public Channel<bool> Erasures { get; } = Channel.CreateUnbounded<bool>();

        public long Unfolded { get; set; } = 1;

        public Func<bool> Fold { get; init; } = () => throw new InvalidOperationException("the key is too long");

        public int Folds { get; private set; }

        public Task<long> UnfoldedAsync() => Task.FromResult(Unfolded);

        public Task<bool> FoldAsync(Instant now, int most)
        {
            Folds++;
            return Task.FromResult(Fold());
        }

        public Task<bool> EraseNextAsync()
        {
            Erasures.Writer.TryWrite(true);
            return Task.FromResult(false);
        }

        public Task<bool> IsErasingAsync(string account) => throw new NotSupportedException();

        public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most) => Task.FromResult<UsageCursor?>(null);

        public Task<bool> RebuildAsync(string account) => throw new NotSupportedException();

        public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most) =>
            throw new NotSupportedException();

        public Task<int> CompactAsync(string account, Instant before, int most) => throw new NotSupportedException();
    }

    sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Add(formatter(state, exception));
    }
}
