// An answer never comes before what it says is durable, whatever the answer is; and time is the ledger's.
using NodaTime;
using Purser.Conformance;
using Purser.Conformance.Simulation;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Hosts;

public sealed class DurabilityTests : IDisposable
{
    /// <summary>One thread that a test runs until nothing more can happen, so that "not yet answered" is a fact and not a moment.</summary>
    readonly SeededScheduler scheduler = new(new Random(1));
    readonly MemoryLedger store = new();
    readonly FaultyLedger ledger;
    readonly EmbeddedAuthority host;

    public DurabilityTests()
    {
        ledger = new(store);
        host = new(ledger, new ManualTime(), new() { Scheduler = scheduler });
    }

    public void Dispose()
    {
        scheduler.Start(async () => await host.DisposeAsync());
        RunUntilNothingHappens();
    }

    Task<Outcome> Send(string account, BudgetCommand command) => scheduler.Start(() => host.SendAsync(account, command));

    void RunUntilNothingHappens() => scheduler.Run(int.MaxValue);

    /// <summary>Sends, and holds every append back until the result is completed.</summary>
    TaskCompletionSource HoldBack()
    {
        var barrier = new TaskCompletionSource();
        ledger.BeforeAppend = _ => barrier.Task;
        return barrier;
    }

    [Fact]
    public void No_answer_comes_before_its_append()
    {
        Settled(Send("a", new SetPolicy(Policy(Tokens("ever", "lifetime", 100)))), Send("b", Record("u", 1)));
        BudgetCommand[] commands =
        [
            Reserve("fits", 60), Record("used", 7), Check(5), Reserve("too-much", 90), new Release("nothing"), new GetStatus(),
                new Pause("audit"), new SetPolicy(Policy()),
        ];
        foreach (var command in commands)
        {
            var barrier = HoldBack();
            var answers = new[] { Send("a", command), Send("b", command) };
            RunUntilNothingHappens();
            Assert.All(answers, answer => Assert.False(answer.IsCompleted, $"{command.GetType().Name} was answered before its append"));
            barrier.SetResult();
            Settled(answers);
        }
    }

    [Fact]
    public async Task An_append_that_failed_is_not_answered_as_done_and_leaves_no_trace()
    {
        Settled(Send("a", new SetPolicy(Policy(Tokens("ever", "lifetime", 100)))));
        ledger.OnAppend = _ => Fault.BeforeWrite;
        var lost = Send("a", Reserve("h", 60));
        RunUntilNothingHappens();
        Assert.Equal(OutcomeStatus.Unavailable, (await lost).Status);
        ledger.OnAppend = _ => Fault.None;
        // The lost hold takes nothing away from others.
        var other = Send("a", Reserve("other", 100));
        RunUntilNothingHappens();
        Assert.Equal(OutcomeStatus.Done, (await other).Status);
        var again = Send("a", Reserve("h", 60));
        RunUntilNothingHappens();
        Assert.Equal(OutcomeStatus.Refused, (await again).Status);
    }

    void Settled(params Task<Outcome>[] answers)
    {
        RunUntilNothingHappens();
        Assert.All(answers, answer => Assert.True(answer.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Decisions_are_made_in_the_time_of_the_ledger()
    {
        var here = new ManualTime();
        var there = Instant.FromDateTimeOffset(here.GetUtcNow()) + Duration.FromHours(3);
        await using var host = new EmbeddedAuthority(new FaultyLedger(store) { Time = () => there }, here);
        // The first measurement is due at once.
        here.Advance(TimeSpan.Zero);
        Assert.Equal(Duration.FromHours(3), host.Clock.Offset);
        var decided = (Decision)(await host.ExpectAsync("a", Reserve("h", 1))).Answer!;
        Assert.Equal(there, decided.Reservation!.CreatedAt);
        var entry = Assert.Single(await store.ReadJournalAsync("a", 0, 10));
        Assert.Equal(there, entry.At);
    }

    [Fact]
    public async Task Time_never_runs_backwards_in_an_account()
    {
        var time = new ManualTime();
        await using var host = new EmbeddedAuthority(store, time);
        await host.ExpectAsync("a", Record("first", 1));
        time.Jump(TimeSpan.FromHours(-2));
        await host.ExpectAsync("a", Record("second", 1));
        var events = (await store.ReadJournalAsync("a", 0, 10)).SelectMany(entry => entry.Events).ToList();
        Assert.Equal(2, events.Count);
        Assert.Equal(events[0].At, events[1].At);
        Assert.Equal(((Recorded)events[0]).Record.At, ((Recorded)events[1]).Record.At);
    }
}
