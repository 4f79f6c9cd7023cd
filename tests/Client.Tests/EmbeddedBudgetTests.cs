// The budget inside of a process answers as the one over HTTP does, word for word; keeps what it booked; and tells what happens.
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Purser.Conformance;
using Purser.Conformance.Clients;
using Purser.Core;
using Purser.Embedded;
using Purser.Engine;
using Purser.InProcess;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Sqlite;

namespace Purser.Client.Tests;

public sealed class EmbeddedBudgetTests
{
    [Fact]
    public async Task It_answers_as_the_one_over_http_does()
    {
        await using var host = await RunningHost.StartAsync();
        await using var inside = await EmbeddedPurser.OpenAsync(new() { InMemory = true });
        await host.Client.PutPolicyAsync("a", Transcript.Policy);
        await inside.Authority.SendAsync("a", new SetPolicy(new()
        {
            Limits =
            [
                new() { Id = "day", Unit = Core.LimitUnit.Tokens, Window = new(WindowKind.Lifetime), Amount = 5_000 },
                new()
                {
                    Id = "money", Unit = Core.LimitUnit.Cost, Window = new(WindowKind.Lifetime), Amount = 1_000_000_000,
                    Enforcement = Core.Enforcement.Soft,
                },
            ],
        }));
        var (one, other) = (await Transcript.OfAsync(host.Client, "a"), await Transcript.OfAsync(inside.Budget, "a"));
        Assert.Equal(one.Count, other.Count);
        for (var i = 0; i < one.Count; i++) Assert.Equal(one[i], other[i]);
    }

    [Fact]
    public async Task What_it_booked_is_there_after_a_restart_and_is_told_in_order()
    {
        var folder = Directory.CreateTempSubdirectory("purser-embedded-");
        try
        {
            for (var run = 1; run <= 2; run++)
            {
                var builder = Host.CreateApplicationBuilder();
                builder.Services.AddPurserEmbedded(options => options.Data = folder.FullName);
                using var app = builder.Build();
                await app.StartAsync();
                var purser = app.Services.GetRequiredService<EmbeddedPurser>();
                await app.Services.GetRequiredService<IBudget>().RecordUsageAsync("a", new Usage { Id = $"u{run}", InputTokens = 5 });
                Assert.Equal(run, (await purser.Usage.FindAsync(new() { Account = "a" }, null, 10)).Items.Count);
                using var end = new CancellationTokenSource(Conformance.Servers.ServerProcess.Patience);
                var told = new List<string>();
                await foreach (var entry in purser.FollowAsync(0, end.Token))
                {
                    told.AddRange(entry.Events.OfType<Recorded>().Select(happened => happened.Record.Id));
                    if (told.Count == run) break;
                }
                Assert.Equal(Enumerable.Range(1, run).Select(number => $"u{number}"), told);
                await app.StopAsync();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task An_answer_that_was_lost_is_asked_for_again_under_the_id_that_was_made_up()
    {
        var (ledger, lost) = (new FaultyLedger(new MemoryLedger()), 0);
        await using var purser = await EmbeddedPurser.OpenAsync(new() { OpenLedger = (_, _) => Task.FromResult<IStore>(ledger) });
        var losing = false;
        ledger.OnAppend = batch =>
        {
            if (!losing || batch.All(append => append.Events.Count == 0)) return Fault.None;
            (losing, lost) = (false, lost + 1);
            return Fault.AfterWrite;
        };

        await LosingAsync(() => purser.Budget.RecordUsageAsync("a", new Usage { InputTokens = 5 }));
        var held = await LosingAsync(() => purser.Budget.ReserveAsync("a", new Estimate { Tokens = 100 }));
        await LosingAsync(() => purser.Budget.ExtendAsync("a", held.Reservation!.Id, new Estimate { Tokens = 50 }));
        await LosingAsync(() => purser.Budget.SettleAsync("a", held.Reservation!.Id, new() { Final = false, InputTokens = 7 }));

        var status = (Core.AccountStatus)(await purser.Authority.SendAsync("a", new GetStatus { Holds = 10 })).Answer!;
        Assert.Equal(143, Assert.Single(status.Holds!).Left.Tokens);
        var booked = (await purser.Usage.FindAsync(new() { Account = "a" }, null, 10)).Items;
        Assert.Equal([5, 7], booked.Select(item => item.Record.Usage.InputTokens).Order().ToArray());
        Assert.Equal(4, lost);

        Task<T> LosingAsync<T>(Func<Task<T>> call)
        {
            losing = true;
            return call();
        }
    }

    // An authority that repeats by itself, as that of a cluster does for 25 seconds, is not asked for all of it again.
    [Theory]
    [InlineData(0, 4)]
    [InlineData(25, 1)]
    public async Task An_authority_that_is_away_is_asked_again_only_where_it_answered_at_once(int seconds, int asked)
    {
        var time = new ManualTime();
        var away = new Away(() => time.Advance(TimeSpan.FromSeconds(seconds)));
        var failed = await Assert.ThrowsAsync<PurserException>(
            () => new AuthorityBudget(away, new MemoryLedger(), time).ReserveAsync("a", new Estimate { Tokens = 5 }));
        Assert.Equal((503, true, asked), (failed.Status, failed.IsTransient, away.Asked));
    }

    sealed class Away(Action passes) : IBudgetAuthority
    {
        public int Asked { get; private set; }

        public Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
        {
            Asked++;
            passes();
            return Task.FromResult(new Outcome(OutcomeStatus.Unavailable));
        }

        public Task<Settings> SettingsAsync() => throw new NotSupportedException();

        public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most) => throw new NotSupportedException();

        public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most) =>
            throw new NotSupportedException();

        public Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit) => throw new NotSupportedException();
    }

    [Fact]
    public async Task Erasures_and_the_age_of_records_are_seen_to_by_nobody_who_asks()
    {
        var folder = Directory.CreateTempSubdirectory("purser-embedded-");
        var begin = new DateTimeOffset(2026, 3, 2, 9, 0, 0, TimeSpan.Zero);
        try
        {
            await using var ledger = await SqliteLedger.OpenAsync(folder.FullName);
            await WhileAsync(begin, async (purser, upkept) =>
            {
                foreach (var user in new[] { "ann", "ann", "bob", "carl" })
                    await purser.Budget.RecordUsageAsync("a", new Usage { InputTokens = 5, User = user });
                await purser.Authority.ExpectAsync("a", new EraseUsage("ann"));
                await upkept.Erased;
                Assert.Empty((await purser.Usage.FindAsync(new() { User = "ann" }, null, 10)).Items);
                Assert.Single((await purser.Usage.FindAsync(new() { User = "bob" }, null, 10)).Items);
            });
            await WhileAsync(begin + TimeSpan.FromDays(8), async (purser, upkept) =>
            {
                await upkept.Purged;
                // The newest record stays, so that the next one follows it after a restart.
                var left = Assert.Single((await purser.Usage.FindAsync(new(), null, 10)).Items);
                Assert.Equal("carl", left.Record.Usage.Dimensions.User);
                var answer = (await purser.Usage.AskAsync([new(new() { Account = "a" }, [], UsageStep.Whole)])).Items.Single();
                Assert.Equal(10, answer.Sums.Single().InputTokens);
            });

            async Task WhileAsync(DateTimeOffset now, Func<EmbeddedPurser, (Task Erased, Task Purged), Task> then)
            {
                var (erased, purged) = (new TaskCompletionSource(), new TaskCompletionSource());
                var seen = new FaultyLedger(ledger) { OnErased = () => erased.TrySetResult(), OnPurged = () => purged.TrySetResult() };
                await using var services = new ServiceCollection().AddSingleton<TimeProvider>(new ShiftedTime(now))
                    .AddPurserEmbedded(options =>
                    {
                        options.OpenLedger = (_, _) => Task.FromResult<IStore>(seen);
                        options.Retention = TimeSpan.FromDays(7);
                    }).BuildServiceProvider();
                var purser = services.GetRequiredService<EmbeddedPurser>();
                await purser.StartAsync(CancellationToken.None);
                var patience = Conformance.Servers.ServerProcess.Patience;
                await then(purser, (erased.Task.WaitAsync(patience), purged.Task.WaitAsync(patience)));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Records_are_kept_for_a_day_at_least_and_for_a_hundred_years_at_most()
    {
        Assert.Equal(TimeSpan.FromDays(90), new EmbeddedPurserOptions().Retention);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddedPurserOptions { Retention = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddedPurserOptions { Retention = TimeSpan.MaxValue });
    }

    [Fact]
    public async Task A_hold_whose_settlement_says_nothing_that_can_be_booked_is_told_so()
    {
        await using var purser = await EmbeddedPurser.OpenAsync(new() { InMemory = true });
        await purser.Budget.ReserveAsync("a", new Estimate { Id = "h", Tokens = 10 });
        var refused = await Assert.ThrowsAsync<PurserException>(() => purser.Budget.SettleAsync("a", "h", new()
        {
            Raw = new() { ["foo"] = 1 },
        }));
        Assert.Equal(422, refused.Status);
        var told = await purser.Authority.SendAsync("a", new GetReservation("h"));
        using var end = new CancellationTokenSource(Conformance.Servers.ServerProcess.Patience);
        await foreach (var entry in purser.FollowAsync(0, end.Token))
            if (entry.Events.OfType<SettleRefused>().SingleOrDefault() is { } written)
            {
                Assert.Equal("h", written.ReservationId);
                break;
            }
        Assert.Equal(Core.ReservationState.Active, ((ReservationView)told.Answer!).State);
    }

    [Fact]
    public async Task What_happens_is_raised_in_order_whatever_a_subscriber_throws()
    {
        await using var purser = await EmbeddedPurser.OpenAsync(new() { InMemory = true });
        await purser.Budget.RecordUsageAsync("a", new Usage { Id = "before", InputTokens = 5 });
        var told = Channel.CreateUnbounded<string>();
        purser.Happened += (_, _) => throw new InvalidOperationException("a fault of the subscriber");
        void Tell(object? sender, Engine.FeedEntry entry)
        {
            foreach (var booked in entry.Events.OfType<Recorded>()) told.Writer.TryWrite(booked.Record.Id);
        }
        purser.Happened += Tell;
        var ids = Enumerable.Range(0, 20).Select(number => $"u{number}").ToArray();
        foreach (var id in ids) await purser.Budget.RecordUsageAsync("a", new Usage { Id = id, InputTokens = 5 });
        using var end = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        foreach (var id in ids) Assert.Equal(id, await told.Reader.ReadAsync(end.Token));

        // Who left hears nothing more: a later subscriber hears the next one, and this one did not.
        purser.Happened -= Tell;
        var last = new TaskCompletionSource();
        purser.Happened += (_, _) => last.TrySetResult();
        await purser.Budget.RecordUsageAsync("a", new Usage { Id = "after", InputTokens = 5 });
        await last.Task.WaitAsync(end.Token);
        Assert.False(told.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Before_its_start_it_says_so()
    {
        await using var provider = new ServiceCollection().AddPurserEmbedded(options => options.InMemory = true).BuildServiceProvider();
        var thrown = Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<IBudget>());
        Assert.Contains("not started", thrown.Message, StringComparison.Ordinal);
    }
}
