// Sending again what got no answer: it must be harmless, and it must end.
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Cluster.Tests;

public sealed class RepetitionTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    [Fact]
    public async Task An_id_that_was_made_up_just_now_is_the_same_call_when_it_is_sent_again()
    {
        var grains = shared.Cluster.OverTcp.GetRequiredService<IGrainFactory>();
        var account = "again-" + Guid.NewGuid().ToString("N");
        var authority = shared.Cluster.OverTcp.GetRequiredService<IBudgetAuthority>();
        await authority.ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("ever", "lifetime", 1000))));
        foreach (var command in new IdentifiedCommand[] { Calls.Reserve("made-up", 400), Calls.Settle("made-up", "made-up-too", 300),
            Calls.Record("made-up-again", 5) })
        {
            await authority.ExpectAsync(account, command with { FreshId = true });
            // As if the first answer had been lost.
            await authority.ExpectAsync(account, command);
        }
        Assert.Equal(305, (await authority.OnlyLimitAsync(account)).Settled.Value);
        await RawCalls.AnswerAsync(() => grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero));
        await authority.ExpectAsync(account, Calls.Reserve("made-up", 401), OutcomeStatus.IdempotencyMismatch);
    }

    [Fact]
    public async Task What_a_silo_cut_off_is_sent_again_and_says_so()
    {
        var attempts = new List<bool>();
        var answer = await new Repetition(TimeProvider.System).CallAsync(
            again =>
            {
                attempts.Add(again);
                return attempts.Count < 3 ? throw new SiloUnavailableException("gone") : Task.FromResult("done");
            }, _ => false, why => why, CancellationToken.None);
        Assert.Equal(("done", 3), (answer, attempts.Count));
        Assert.Equal([false, true, true], attempts);
    }

    [Fact]
    public async Task Patience_ends_with_the_last_reason_and_no_address_is_in_it()
    {
        var impatient = new Repetition(TimeProvider.System) { Patience = TimeSpan.FromMilliseconds(100) };
        Assert.Equal("gave up: no answer came in time", await GiveUpAsync(new TimeoutException("no answer from 10.0.0.7:11111")));
        Assert.Equal("gave up: the silo that it was sent to is gone",
            await GiveUpAsync(new SiloUnavailableException("S10.0.0.7:11111 is gone")));
        Assert.Equal("gave up: the call was cut off", await GiveUpAsync(new OrleansException("failed to connect to 10.0.0.9:5432")));

        Task<string> GiveUpAsync(Exception e) => impatient.CallAsync<string>(_ => throw e, _ => false, why => "gave up: " + why,
            CancellationToken.None);
    }

    [Fact]
    public async Task An_account_that_is_handed_over_is_asked_for_again_soon_and_a_silo_that_is_gone_with_longer_pauses()
    {
        var (moves, failures) = (new Hurried(), new Hurried());
        var attempts = 0;
        await new Repetition(moves).CallAsync(_ => Task.FromResult(++attempts), attempt => attempt < 10, _ => 0, CancellationToken.None);
        attempts = 0;
        await new Repetition(failures).CallAsync(
            _ => ++attempts < 10 ? throw new SiloUnavailableException() : Task.FromResult(attempts), _ => false, _ => 0,
            CancellationToken.None);
        Assert.Equal((9, 9), (moves.Waits.Count, failures.Waits.Count));
        Assert.All(moves.Waits, wait => Assert.InRange(wait.TotalMilliseconds, 10, 120));
        Assert.All(failures.Waits.Skip(5), wait => Assert.InRange(wait.TotalMilliseconds, 250, 750));
    }

    /// <summary>A time in which every wait is over at once, and known.</summary>
    sealed class Hurried : TimeProvider
    {
        public List<TimeSpan> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    [Fact]
    public async Task A_defect_is_not_sent_again()
    {
        var attempts = 0;
        await Assert.ThrowsAsync<InvalidCastException>(() => new Repetition(TimeProvider.System).CallAsync<string>(
            _ =>
            {
                attempts++;
                throw new InvalidCastException();
            }, _ => false, why => why, CancellationToken.None));
        Assert.Equal(1, attempts);
    }
}
