// A clock that jumps, both ways, by minutes to years, while a host runs and when it starts: no account stands still, no hold outlives its
// time, no window admits twice, and an operator is told and has a way out.
using NodaTime;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Hosts;

public abstract class ClockTests : IAsyncLifetime
{
    IStore store = null!;
    IStore ledger = null!;
    EmbeddedAuthority host = null!;

    /// <summary>Passes as it should; its wall clock is what jumps.</summary>
    readonly ManualTime time = new();

    /// <summary>How far the ledger's own clock has jumped, where it has one.</summary>
    TimeSpan ledgerOff;

    protected abstract Task<IStore> OpenAsync();

    /// <summary>Whether the ledger's clock is the time, and not this machine's.</summary>
    protected virtual bool HasClock => false;

    public async Task InitializeAsync()
    {
        store = await OpenAsync();
        var faulty = new FaultyLedger(store);
        ledger = faulty;
        if (HasClock) faulty.Time = () => Instant.FromDateTimeOffset(new(new DateTime(time.GetTimestamp()) + ledgerOff, TimeSpan.Zero));
        host = Start(time);
        await host.Clock.StartedAsync(ledger);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await store.DisposeAsync();
    }

    EmbeddedAuthority Start(ManualTime on) => new(ledger, on, new() { DeadlinePoll = Timeout.InfiniteTimeSpan, ClockPoll =
        Timeout.InfiniteTimeSpan });

    void Jump(TimeSpan by)
    {
        if (HasClock) ledgerOff += by;
        time.Step(by);
    }

    Task MeasureAsync() => host.Clock.MeasureAsync(ledger);

    public static TheoryData<string> Jumps => ["0.00:10", "0.01:00", "30.00:00", "1826.00:00", "-0.00:10", "-0.01:00", "-30.00:00",
        "-1826.00:00"];

    [Theory, MemberData(nameof(Jumps))]
    public async Task A_jump_while_running_is_held_back_and_everything_goes_on(string jump)
    {
        var before = host.Clock.Now;
        await host.ExpectAsync("a", new SetPolicy(Policy(Tokens("minutely", "minute", 100))));
        await host.ExpectAsync("a", Reserve("first", 60) with { TtlSeconds = 5 });
        Jump(TimeSpan.Parse(jump, System.Globalization.CultureInfo.InvariantCulture));
        await MeasureAsync();
        Assert.Equal(before, host.Clock.Now);
        Assert.Equal(Duration.FromTimeSpan(TimeSpan.Parse(jump, System.Globalization.CultureInfo.InvariantCulture)), host.Clock.Held);
        Assert.Contains("held back", host.Clock.Trouble, StringComparison.Ordinal);
        // The window is the same one: it does not admit twice, and says the truth about when it ends.
        var refused = await host.ExpectAsync("a", Reserve("second", 60), OutcomeStatus.Refused);
        Assert.InRange(((Decision)refused.Answer!).BlockedBy[0].RetryAfterSeconds!.Value, 1, 60);
        // The hold ends when it should.
        time.Advance(TimeSpan.FromSeconds(5));
        await MeasureAsync();
        await host.PollDeadlinesAsync();
        var entry = (await store.ReadJournalAsync("a", 0, 100))[^1];
        Assert.Equal(before + Duration.FromSeconds(5), Assert.Single(entry.Events.OfType<Expired>()).At);
        await host.ExpectAsync("a", Reserve("third", 60));
        // And so does the window.
        time.Advance(TimeSpan.FromMinutes(1));
        await MeasureAsync();
        await host.ExpectAsync("a", Reserve("fourth", 60));
        // After the jump back nobody has to do anything.
        Jump(-TimeSpan.Parse(jump, System.Globalization.CultureInfo.InvariantCulture));
        await MeasureAsync();
        Assert.Null(host.Clock.Trouble);
        Assert.Equal(before + Duration.FromSeconds(65), host.Clock.Now);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(60 * 24 * 30)]
    [InlineData(60 * 24 * 365 * 5)]
    public async Task A_host_that_starts_before_the_newest_entry_goes_on_from_there_until_its_clock_is_accepted(int minutes)
    {
        await host.ExpectAsync("a", new SetPolicy(Policy(Tokens("minutely", "minute", 100))));
        await host.ExpectAsync("a", Reserve("first", 60) with { TtlSeconds = 5 });
        var newest = host.Clock.Now;
        await RestartAsync(-TimeSpan.FromMinutes(minutes));
        Assert.Equal(newest, host.Clock.Now);
        Assert.NotNull(host.Clock.Trouble);
        await host.ExpectAsync("a", Reserve("second", 60), OutcomeStatus.Refused);
        time.Advance(TimeSpan.FromSeconds(5));
        await host.PollDeadlinesAsync();
        await host.ExpectAsync("a", Reserve("third", 60) with { TtlSeconds = 1 });

        await host.Clock.AcceptAsync("ann", "the battery was flat");
        await MeasureAsync();
        Assert.Null(host.Clock.Trouble);
        Assert.Equal(newest + Duration.FromSeconds(5), host.Clock.Now);
        Assert.Equal(("ann", "the battery was flat"), (await host.Clock.AcceptedAsync()) is [var note] ? (note.By, note.Reason) : default);
        // The lead is given back, a second in a thousand, and every hold still ends within a second of its time.
        time.Advance(TimeSpan.FromSeconds(1000));
        Assert.Equal(newest + Duration.FromSeconds(1004), host.Clock.Now);
        // The next start knows of it.
        await host.ExpectAsync("a", Record("usage", 1));
        await RestartAsync(TimeSpan.Zero);
        Assert.Null(host.Clock.Trouble);
    }

    [Fact]
    public async Task A_host_that_starts_later_than_the_newest_entry_was_off_meanwhile()
    {
        await host.ExpectAsync("a", Reserve("first", 60) with { TtlSeconds = 5 });
        var newest = host.Clock.Now;
        await RestartAsync(TimeSpan.FromDays(30));
        Assert.Null(host.Clock.Trouble);
        Assert.Equal(newest + Duration.FromDays(30), host.Clock.Now);
    }

    [Fact]
    public async Task A_clock_that_was_set_right_after_the_start_is_followed_at_once()
    {
        await host.ExpectAsync("a", Record("usage", 1));
        await RestartAsync(-TimeSpan.FromDays(3000));
        Assert.NotNull(host.Clock.Trouble);
        time.Advance(TimeSpan.FromSeconds(30));
        Jump(TimeSpan.FromDays(3000) + TimeSpan.FromMinutes(90));
        await MeasureAsync();
        Assert.Null(host.Clock.Trouble);
        Assert.Equal(Instant.FromDateTimeOffset(new ManualTime().GetUtcNow()) + Duration.FromSeconds(30 + (90 * 60)), host.Clock.Now);
    }

    [Fact]
    public async Task A_jump_forward_that_is_accepted_is_followed()
    {
        await host.ExpectAsync("a", Reserve("first", 60) with { TtlSeconds = 3600 });
        var before = host.Clock.Now;
        Jump(TimeSpan.FromHours(2));
        await MeasureAsync();
        await host.Clock.AcceptAsync("ann", null);
        await MeasureAsync();
        Assert.Null(host.Clock.Trouble);
        Assert.Equal(before + Duration.FromHours(2), host.Clock.Now);
        await host.PollDeadlinesAsync();
        Assert.Single((await store.ReadJournalAsync("a", 0, 100))[^1].Events.OfType<Expired>());
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(-2, false)]
    [InlineData(2, true)]
    public async Task Accepting_once_is_enough_for_hosts_that_notice_the_jump_later_and_for_those_that_follow_others(int hours,
        bool byFollower)
    {
        // One that measures the same clock, and one that asks the first host, as an api asks silos.
        var (late, follower) = (new LedgerClock(time, ledger), new LedgerClock(time, ledger));
        Task FollowAsync() => follower.MeasureAsync(() => Task.FromResult<Instant?>(host.Clock.Now));
        await late.StartedAsync(ledger);
        await FollowAsync();
        var before = host.Clock.Now;
        Jump(TimeSpan.FromHours(hours));
        await MeasureAsync();
        await FollowAsync();
        Assert.NotEqual(Duration.Zero, host.Clock.Held);
        Assert.Equal(Duration.Zero, follower.Held);
        await (byFollower ? follower : host.Clock).AcceptAsync("ann", null);
        time.Advance(TimeSpan.FromSeconds(5));
        await FollowAsync();
        await MeasureAsync();
        await late.MeasureAsync(ledger);
        await FollowAsync();
        var expected = before + Duration.FromHours(Math.Max(0, hours)) + Duration.FromSeconds(5);
        foreach (var clock in (LedgerClock[])[host.Clock, late, follower])
        {
            Assert.Equal(Duration.Zero, clock.Held);
            Assert.InRange(clock.Now, expected - Duration.FromMilliseconds(10), expected);
        }
        // Another jump is held back, by all of them.
        time.Advance(TimeSpan.FromMinutes(2));
        Jump(TimeSpan.FromHours(3));
        await MeasureAsync();
        await late.MeasureAsync(ledger);
        Assert.NotEqual(Duration.Zero, host.Clock.Held);
        Assert.NotEqual(Duration.Zero, late.Held);
    }

    [Fact]
    public async Task Small_differences_are_made_up_for_without_a_jump()
    {
        var before = host.Clock.Now;
        // A few seconds ahead are followed; minutes, and whatever is behind, little by little.
        Jump(TimeSpan.FromSeconds(3));
        await MeasureAsync();
        Assert.Equal(before + Duration.FromSeconds(3), host.Clock.Now);
        Jump(-TimeSpan.FromSeconds(3));
        await MeasureAsync();
        Assert.Equal(before + Duration.FromSeconds(3), host.Clock.Now);
        Assert.Null(host.Clock.Trouble);
        time.Advance(TimeSpan.FromSeconds(1000));
        Assert.Equal(before + Duration.FromSeconds(1002), host.Clock.Now);
        time.Advance(TimeSpan.FromSeconds(3000));
        Assert.Equal(before + Duration.FromSeconds(4000), host.Clock.Now);
    }

    [Fact]
    public async Task An_account_whose_entries_another_host_dated_far_ahead_does_not_stand_still()
    {
        var elsewhere = new ManualTime(time.GetUtcNow() + TimeSpan.FromDays(30));
        var far = Instant.FromDateTimeOffset(elsewhere.GetUtcNow());
        await using (var other = new EmbeddedAuthority(new FaultyLedger(store) { Time = () => far }, elsewhere))
            await other.ExpectAsync("a", Reserve("held", 60) with { TtlSeconds = 60 });
        await host.ExpectAsync("b", Record("usage", 1));
        Assert.Equal(far, ((Decision)(await host.ExpectAsync("a", Reserve("mine", 10) with { TtlSeconds = 10 })).Answer!).Reservation!
            .CreatedAt);
        time.Advance(TimeSpan.FromSeconds(10));
        await MeasureAsync();
        await host.PollDeadlinesAsync();
        var expired = Assert.Single((await store.ReadJournalAsync("a", 0, 100))[^1].Events.OfType<Expired>());
        Assert.Equal(("mine", far + Duration.FromSeconds(10)), (expired.ReservationId, expired.At));
        Assert.True(host.Clock.Now < far);
    }

    async Task RestartAsync(TimeSpan jump)
    {
        await host.DisposeAsync();
        Jump(jump);
        host = Start(time);
        await host.Clock.StartedAsync(ledger);
    }
}

public sealed class MemoryClockTests : ClockTests
{
    protected override Task<IStore> OpenAsync() => Task.FromResult<IStore>(new MemoryLedger());
}

public sealed class SqliteClockTests : ClockTests, IDisposable
{
    readonly TemporaryFolder folder = new();

    protected override async Task<IStore> OpenAsync() => await SqliteLedger.OpenAsync(folder.Path);

    public void Dispose() => folder.Dispose();
}

[Trait("needs", "postgres")]
public sealed class PostgresClockTests : ClockTests
{
    protected override bool HasClock => true;

    protected override async Task<IStore> OpenAsync() =>
        await PostgresLedger.OpenAsync(await (await PostgresServer.SharedAsync()).NewDatabaseAsync());
}
