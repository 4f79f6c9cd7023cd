// Histories of the embedded host: whatever happened to them, they are what the journal says.
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class EmbeddedHistoriesTests : IAsyncLifetime, IAsyncDisposable
{
    readonly MemoryLedger ledger = new();
    readonly ManualTime time = new(new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero));
    EmbeddedHistories histories = null!;
    EmbeddedAuthority host = null!;
    int calls;

    public Task InitializeAsync()
    {
        histories = new(ledger, time: time);
        host = new(ledger, time, histories: histories);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await histories.DisposeAsync();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Some weeks with an outage, a runaway, failures, corrections and late records.</summary>
    async Task LiveAsync(IBudgetAuthority authority, int fromHour, int toHour)
    {
        for (var hour = fromHour; hour < toHour; hour++)
        {
            var at = Time(hour);
            var count = hour is > 400 and < 420 ? 0 : hour is 520 or 521 ? 60 : hour % 24 is >= 8 and < 20 ? 4 : 1;
            var sent = Enumerable.Range(0, count).Select(call => authority.ExpectAsync("a", new Record($"u{calls++}", new()
            {
                InputTokens = 1_000 + (hour * 31 + call * 17) % 300, Success = hour % 50 != 0, DurationMs = 100 + hour % 9,
                    CostNanos = 1_000_000 + hour % 7,
                Timestamp = call == 3 && hour % 30 == 0 ? at - NodaTime.Duration.FromHours(5) : at,
                    Dimensions = new() { Model = $"m{hour / 200}" },
            }))).ToArray();
            await Task.WhenAll(sent);
        }
    }

    static NodaTime.Instant Time(int hour) => NodaTime.Instant.FromUtc(2026, 2, 1, 0, 0) + NodaTime.Duration.FromHours(hour);

    async Task<UsageHistory> RebuiltAsync()
    {
        var rebuilt = new UsageHistory();
        while (await ledger.ReadJournalAsync("a", rebuilt.Position, 100) is { Count: > 0 } entries)
            foreach (var entry in entries) rebuilt.Advance(entry);
        return rebuilt;
    }

    static byte[] BytesOf(UsageHistoryView view) => HistoryJson.Encode(new()
    {
        Position = view.Position, Hours = new(view.Hours.ToDictionary(hour => hour.Start.ToUnixTimeSeconds() / 3600, hour => hour.Usage)),
        TokensPerCall = view.TokensPerCall, NanosPerCall = view.NanosPerCall, MillisPerCall = view.MillisPerCall,
        Watch = new() { Log = new() { Kept = [.. view.Anomalies] } },
    });

    // Whoever closes them closes the ledger next.
    [Fact]
    public async Task Nothing_reads_the_ledger_any_more_once_they_are_closed()
    {
        foreach (var id in (string[])["u1", "u2"]) await host.ExpectAsync("a", new Record(id, new() { InputTokens = 1 }));
        var (asked, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = new FaultyLedger(ledger)
        {
            BeforeReadJournal = () =>
            {
                asked.TrySetResult();
                return goesOn.Task;
            },
        };
        var closing = new EmbeddedHistories(slow, time: time);
        // The entry before it is missing, and is read in the background.
        closing.Take((await ledger.ReadJournalAsync("a", 0, 100))[^1]);
        await asked.Task;
        var closed = closing.DisposeAsync().AsTask();
        Assert.False(closed.IsCompleted);
        goesOn.SetResult();
        await closed;
    }

    [Fact]
    public async Task Fed_by_the_session_or_read_from_the_journal_it_is_the_same()
    {
        await LiveAsync(host, 0, 600);
        var fed = await histories.ReadAsync("a");
        Assert.NotEmpty(fed.Anomalies);
        var rebuilt = await RebuiltAsync();
        Assert.Equal(BytesOf(rebuilt.View()), BytesOf(fed));
        // A second host on the same ledger finds the same, under the same numbers.
        await using var other = new EmbeddedHistories(ledger);
        Assert.Equal(BytesOf(fed), BytesOf(await other.ReadAsync("a")));
    }

    [Fact]
    public async Task Kept_and_read_again_at_any_moment_it_goes_on_as_if_nothing_had_happened()
    {
        await LiveAsync(host, 0, 600);
        var whole = await RebuiltAsync();
        var random = new Random(5);
        var interrupted = new UsageHistory();
        foreach (var entry in await ledger.ReadJournalAsync("a", 0, int.MaxValue))
        {
            if (random.Next(20) == 0) interrupted = HistoryJson.Decode(HistoryJson.Encode(interrupted));
            interrupted.Advance(entry);
        }
        Assert.Equal(HistoryJson.Encode(whole), HistoryJson.Encode(interrupted));
    }

    [Fact]
    public async Task What_another_host_wrote_is_in_the_next_reading()
    {
        await LiveAsync(host, 0, 100);
        await using (var other = new EmbeddedAuthority(ledger, time)) await LiveAsync(other, 100, 300);
        await LiveAsync(host, 300, 310);
        Assert.Equal(BytesOf((await RebuiltAsync()).View()), BytesOf(await histories.ReadAsync("a")));
    }

    [Fact]
    public async Task An_account_at_rest_gives_its_memory_back_and_what_was_dear_to_read_is_kept()
    {
        await LiveAsync(host, 0, 900);
        var before = await histories.ReadAsync("a");
        Assert.Equal(KeptHistory.None, await ledger.LoadHistoryAsync("a"));
        Assert.True(before.Position > 500);
        for (var call = 0; call < 2_000; call++) await host.ExpectAsync("a", Calls.Record($"more-{call}", 10));
        before = await histories.ReadAsync("a");
        time.Advance(TimeSpan.FromHours(1));
        await histories.EvictAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(before.Position, (await ledger.LoadHistoryAsync("a")).Version);
        Assert.Equal(BytesOf(before), BytesOf(await histories.ReadAsync("a")));
    }

    [Fact]
    public async Task Who_gives_memory_back_while_a_history_is_being_saved_waits_until_it_is()
    {
        var (saving, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = new FaultyLedger(ledger) { BeforeSaveHistory = () => { saving.TrySetResult(); return goOn.Task; } };
        await using var kept = new EmbeddedHistories(slow, time: time);
        await using (var other = new EmbeddedAuthority(ledger, time, histories: kept))
            for (var call = 0; call < 2_000; call++) await other.ExpectAsync("a", Calls.Record($"u{call}", 10));
        var first = kept.EvictAsync(TimeSpan.Zero);
        await saving.Task;
        var second = kept.EvictAsync(TimeSpan.Zero);
        Assert.False(second.IsCompleted);
        goOn.SetResult();
        await Task.WhenAll(first, second);
        Assert.Equal(2_000, (await ledger.LoadHistoryAsync("a")).Version);
    }

    [Fact]
    public async Task An_account_that_does_not_exist_has_an_empty_one() =>
        Assert.Equal((0, 0), ((await histories.ReadAsync("nobody")).Position, (await histories.ReadAsync("nobody")).Anomalies.Count));
}
