// What every host of budgets promises, in real time and over whatever lies between caller and ledger. One subclass for each host.
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Calls;

namespace Purser.Conformance;

public abstract class AuthorityConformance : IAsyncLifetime
{
    IAuthorityHost host = null!;

    protected abstract Task<IAuthorityHost> StartAsync();

    public async Task InitializeAsync() => host = await StartAsync();

    public async Task DisposeAsync() => await host.DisposeAsync();

    IBudgetAuthority Authority => host.Authority;

    static string NewAccount() => "acct-" + Guid.NewGuid().ToString("N");

    async Task<string> AccountWithAsync(params Limit[] limits)
    {
        var account = NewAccount();
        await Authority.ExpectAsync(account, new SetPolicy(Policy(limits)));
        return account;
    }

    [Fact]
    public async Task Fifty_parallel_holds_of_400_on_an_hourly_1000_admit_exactly_two()
    {
        for (var round = 0; round < 100; round++)
        {
            var account = await AccountWithAsync(Tokens("hourly", "lifetime", 1000));
            var outcomes = await Task.WhenAll(
                Enumerable.Range(0, 50).Select(i => Task.Run(() => Authority.SendAsync(account, Reserve($"hold-{i}", 400)))));
            Assert.Equal(2, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Done));
            Assert.All(outcomes.Where(outcome => outcome.Status != OutcomeStatus.Done), outcome =>
            {
                Assert.Equal(OutcomeStatus.Refused, outcome.Status);
                var blocker = Assert.Single(((Decision)outcome.Answer!).BlockedBy);
                Assert.Equal("hourly", blocker.Limit.LimitId);
                Assert.Equal(200, blocker.Limit.Remaining!.Value.Value);
            });
        }
    }

    [Fact]
    public async Task A_refusal_names_the_limit_what_is_left_and_when_it_begins_anew()
    {
        // Of a window that does not end while this runs, on hosts whose clock goes on.
        var account = await AccountWithAsync(Tokens("yearly", "year", 1000), Tokens("ever", "lifetime", 500));
        await Authority.ExpectAsync(account, Reserve("first", 400));
        var refused = (Decision)(await Authority.ExpectAsync(account, Reserve("second", 700), OutcomeStatus.Refused)).Answer!;
        Assert.Equal(["yearly", "ever"], refused.BlockedBy.Select(blocker => blocker.Limit.LimitId));
        Assert.Equal(600, refused.BlockedBy[0].Limit.Remaining!.Value.Value);
        Assert.NotNull(refused.BlockedBy[0].Limit.ResetsAt);
        Assert.InRange(refused.BlockedBy[0].RetryAfterSeconds!.Value, 1, 366 * 24 * 3600);
        Assert.Null(refused.BlockedBy[1].RetryAfterSeconds);
    }

    [Fact]
    public async Task One_id_sent_by_many_at_once_is_one_hold()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => Task.Run(() => Authority.SendAsync(account, Reserve("same", 400)))));
        Assert.All(outcomes, outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));
        Assert.Equal(400, (await Authority.OnlyLimitAsync(account)).Held.Value);
    }

    [Fact]
    public async Task Every_identified_command_twice_is_once()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        BudgetCommand[] commands =
        [
            Reserve("hold", 1000),
            new Extend("hold", "more", 60, new() { Tokens = 500 }),
            Settle("hold", "part", 300, final: false),
            Settle("hold", "rest", 200),
            Record("direct", 50),
            new AddOverride("raise", new() { LimitId = "ever", Additional = 100, Reason = "launch", CreatedBy = "ops",
                ExpiresAt = NodaTime.Instant.FromUtc(2100, 1, 1, 0, 0) }),
        ];
        foreach (var command in commands)
        {
            var first = await Authority.ExpectAsync(account, command);
            var again = await Authority.ExpectAsync(account, command);
            Assert.Equal(first.Answer!.GetType(), again.Answer!.GetType());
        }
        await host.RestartAsync();
        foreach (var command in commands) await Authority.ExpectAsync(account, command);
        var limit = await Authority.OnlyLimitAsync(account);
        Assert.Equal((550, 0, 10_100), ((long)limit.Settled.Value, (long)limit.Held.Value, (long)limit.Amount!.Value.Value));
    }

    [Fact]
    public async Task One_id_with_another_body_is_told_so_and_changes_nothing()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        await Authority.ExpectAsync(account, Reserve("hold", 1000));
        await Authority.ExpectAsync(account, Reserve("hold", 1001), OutcomeStatus.IdempotencyMismatch);
        await Authority.ExpectAsync(account, Settle("hold", "u", 300));
        await Authority.ExpectAsync(account, Settle("hold", "u", 301), OutcomeStatus.IdempotencyMismatch);
        await Authority.ExpectAsync(account, Record("u", 300), OutcomeStatus.IdempotencyMismatch);
        await Authority.ExpectAsync(account, Settle("hold", "v", 300), OutcomeStatus.Conflict);
        await host.RestartAsync();
        await Authority.ExpectAsync(account, Reserve("hold", 1001), OutcomeStatus.IdempotencyMismatch);
        await Authority.ExpectAsync(account, Settle("hold", "u", 301), OutcomeStatus.IdempotencyMismatch);
        await Authority.ExpectAsync(account, Settle("hold", "v", 300), OutcomeStatus.Conflict);
        Assert.Equal(300, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    [Fact]
    public async Task A_retry_from_before_a_restart_is_answered_although_the_limit_is_used_up_since()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 1000));
        await Authority.ExpectAsync(account, Reserve("old", 600));
        await Authority.ExpectAsync(account, Settle("old", "used", 600));
        await Authority.ExpectAsync(account, Record("rest", 400));
        await host.RestartAsync();
        await Authority.ExpectAsync(account, Reserve("new", 1), OutcomeStatus.Refused);
        await Authority.ExpectAsync(account, Reserve("old", 600));
        await Authority.ExpectAsync(account, Record("rest", 400));
        Assert.Equal(1000, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    [Fact]
    public async Task Commands_that_come_together_are_decided_like_one_after_another_also_when_memory_has_forgotten_their_ids()
    {
        var (together, single) = (await AccountWithAsync(Tokens("ever", "lifetime", 3000)),
            await AccountWithAsync(Tokens("ever", "lifetime", 3000)));
        var random = new Random(7);
        for (var round = 0; round < 24; round++)
        {
            var commands = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Any()).ToArray();
            var wanted = new List<Outcome>();
            foreach (var command in commands) wanted.Add(await Authority.SendAsync(single, command));
            var outcomes = await Authority.SendAllAsync(together, commands);
            for (var i = 0; i < commands.Length; i++)
                Assert.True((wanted[i].Status, wanted[i].Field, Told(wanted[i])) == (outcomes[i].Status, outcomes[i].Field,
                    Told(outcomes[i])),
                    $"round {round}, {commands[i]}: {wanted[i]} alone, {outcomes[i]} together");
            if (round % 8 == 7) await host.RestartAsync();
        }
        var (one, other) = (await Authority.OnlyLimitAsync(together), await Authority.OnlyLimitAsync(single));
        Assert.Equal((other.Settled, other.Held), (one.Settled, one.Held));
        Assert.Empty(await Authority.SendAllAsync(together, []));

        // Few ids, so that most of them were there before; the same body for each.
        BudgetCommand Any()
        {
            var id = $"h{random.Next(14)}";
            return random.Next(8) switch
            {
                < 3 => Reserve(id, 200),
                < 6 => Settle(id, id, 150),
                6 => new Release(id),
                _ => Record(id + "-direct", 20),
            };
        }

        static string? Told(Outcome outcome) => outcome.Answer switch
        {
            Decision decision => $"{decision.Allowed} {decision.Reservation?.Id} {decision.Reservation?.State}",
            Settlement settlement => $"{settlement.UsageId} {settlement.Tokens} {settlement.Late} {settlement.Overrun}",
            ReservationView view => $"{view.Id} {view.State}",
            _ => null,
        };
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        await Authority.ExpectAsync(account, Reserve("open", 1000));
        await Authority.ExpectAsync(account, Reserve("settled", 1000));
        await Authority.ExpectAsync(account, Settle("settled", "u1", 600, 100));
        await Authority.ExpectAsync(account, Reserve("released", 1000));
        await Authority.ExpectAsync(account, new Release("released"));
        await Authority.ExpectAsync(account, Record("u2", 5, 7));
        await Authority.ExpectAsync(account, new Pause("audit"));
        await host.RestartAsync();
        var status = (AccountStatus)(await Authority.ExpectAsync(account, new GetStatus())).Answer!;
        var limit = Assert.Single(status.Limits);
        Assert.Equal((712, 1000), ((long)limit.Settled.Value, (long)limit.Held.Value));
        Assert.True(status.Paused);
        Assert.Equal("audit", status.PausedReason);
        Assert.Equal(1, status.ActiveReservations);
        await Authority.ExpectAsync(account, Reserve("blocked", 1), OutcomeStatus.Paused);
        await Authority.ExpectAsync(account, new Resume());
        await Authority.ExpectAsync(account, Settle("open", "u3", 1));
        await Authority.ExpectAsync(account, Settle("released", "u4", 2));
        Assert.Equal(715, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    [Fact]
    public async Task Credits_of_a_usage_never_add_up_to_more_than_it_has()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        await Authority.ExpectAsync(account, Record("u", 100));
        await Authority.ExpectAsync(account, Record("other", 1000));
        await Authority.ExpectAsync(account, Credit("c1", 60, "u"));
        await Authority.ExpectAsync(account, Credit("c2", 41, "u"), OutcomeStatus.Unprocessable);
        await host.RestartAsync();
        await Authority.ExpectAsync(account, Credit("c3", 41, "u"), OutcomeStatus.Unprocessable);
        await Authority.ExpectAsync(account, Credit("fresh", 41, "u") with { FreshId = true }, OutcomeStatus.Unprocessable);
        // A retry is the credit that it was, and another usage under its id is a mistake.
        await Authority.ExpectAsync(account, Credit("c1", 60, "u"));
        await Authority.ExpectAsync(account, Credit("c1", 60, "other"), OutcomeStatus.IdempotencyMismatch);
        Assert.Equal(1040, (await Authority.OnlyLimitAsync(account)).Settled.Value);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => Task.Run(() => Authority.SendAsync(account, Credit($"p{i}", 15, "u")))));
        Assert.Equal(2, outcomes.Count(outcome => outcome.Status == OutcomeStatus.Done));
        Assert.All(outcomes.Where(outcome => outcome.Status != OutcomeStatus.Done),
            outcome => Assert.Equal(OutcomeStatus.Unprocessable, outcome.Status));
        Assert.Equal(1010, (await Authority.OnlyLimitAsync(account)).Settled.Value);

        await host.RestartAsync();
        var taken = (Adjusted)(await Authority.ExpectAsync(account, new VoidUsage("u", "eve", "never made"))).Answer!;
        Assert.Equal(("void:u", -10), (taken.AdjustmentId, taken.Tokens));
        await host.RestartAsync();
        Assert.Null(((Adjusted)(await Authority.ExpectAsync(account, new VoidUsage("u", "eve", "again"))).Answer!).AdjustmentId);
        await Authority.ExpectAsync(account, Credit("late", 1, "u"), OutcomeStatus.Unprocessable);
        await Authority.ExpectAsync(account, new CorrectUsage("u", new() { InputTokens = 5 }, "eve", "no"), OutcomeStatus.Conflict);
        Assert.Equal(1000, (await Authority.OnlyLimitAsync(account)).Settled.Value);
        var sum = Assert.Single(await host.Queries.SumAsync(new() { Account = account }, [], UsageStep.Whole));
        Assert.Equal((1000, 1), ((long)sum.InputTokens + (long)sum.OutputTokens, (long)sum.Requests));
    }

    [Fact]
    public async Task What_was_erased_can_not_be_taken_back_or_credited()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 10_000));
        await Authority.ExpectAsync(account, new Record("u", new() { InputTokens = 100, Dimensions = new() { User = "ann" } }));
        await Authority.ExpectAsync(account, new Record("v", new() { InputTokens = 100, Dimensions = new() { User = "bob" } }));
        await Authority.ExpectAsync(account, Credit("c1", 60, "u"));
        await Authority.ExpectAsync(account, new EraseUsage("ann"));
        await Authority.ExpectAsync(account, new VoidUsage("u", "eve", "never made"), OutcomeStatus.NotFound);
        await host.RestartAsync();
        await Authority.ExpectAsync(account, Credit("c2", 1, "u"), OutcomeStatus.NotFound);
        await Authority.ExpectAsync(account, new VoidUsage("u", "eve", "never made"), OutcomeStatus.NotFound);
        await Authority.ExpectAsync(account, new VoidUsage("v", "eve", "never made"));
        Assert.Equal(40, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    [Fact]
    public async Task Usage_is_in_the_queries_as_soon_as_it_is_acknowledged()
    {
        var account = NewAccount();
        for (var i = 0; i < 20; i++)
        {
            await Authority.ExpectAsync(
                account,
                    new Record(
                        $"u{i}", new() { InputTokens = 10, OutputTokens = 1, Dimensions = new() { Model = "gpt-4o-mini", User = "ann" } }));
            var sum = Assert.Single(await host.Queries.SumAsync(new() { Account = account }, [UsageKey.Model, UsageKey.Provider],
                UsageStep.Whole));
            Assert.Equal(["gpt-4o-mini", "openai"], sum.Keys);
            Assert.Equal((10 * (i + 1), i + 1), ((long)sum.InputTokens, (long)sum.Requests));
        }
    }

    [Fact]
    public async Task Many_accounts_at_once_do_not_mix()
    {
        var accounts = Enumerable.Range(0, 200).Select(_ => NewAccount()).ToArray();
        await Task.WhenAll(accounts.Select((account, i) => Task.Run(async () =>
        {
            await Authority.ExpectAsync(account, new SetPolicy(Policy(Tokens("ever", "lifetime", 1000))));
            await Authority.ExpectAsync(account, Reserve("h", 500));
            await Authority.ExpectAsync(account, Settle("h", "u", i));
        })));
        for (var i = 0; i < accounts.Length; i++)
            Assert.Equal(i, (await Authority.OnlyLimitAsync(accounts[i])).Settled.Value);
    }

    [Fact]
    public async Task An_account_that_was_only_refused_or_asked_about_does_not_exist()
    {
        var account = NewAccount();
        await Authority.ExpectAsync(account, new GetPolicy(), OutcomeStatus.UnknownAccount);
        var status = (AccountStatus)(await Authority.SendAsync(account, new GetStatus())).Answer!;
        Assert.Equal((account, true, "healthy"), (status.Account, status.IsUnknown, status.Status));
        await Authority.ExpectAsync(account, Check(5));
        await Authority.ExpectAsync(account, new Release("nothing"), OutcomeStatus.NotFound);
        await Authority.ExpectAsync(account, Reserve("bad", -1), OutcomeStatus.Invalid);
        await Authority.ExpectAsync(account, new GetPolicy(), OutcomeStatus.UnknownAccount);
    }

    [Fact]
    public async Task An_account_id_that_is_none_is_refused_whoever_calls()
    {
        BudgetCommand[] commands = [Reserve("h", 1), Record("u", 1), new GetStatus(), new SetPolicy(new())];
        foreach (var id in (string[])["", " ", "a/b", "..", "ä", "a\n", new('a', 201)])
        {
            var outcomes = (await Task.WhenAll(commands.Select(command => Authority.SendAsync(id, command))))
                .Concat(await Authority.SendAllAsync(id, commands));
            Assert.All(outcomes, outcome => Assert.Equal((OutcomeStatus.Invalid, "account"), (outcome.Status, outcome.Field)));
        }
    }

    [Fact]
    public async Task A_new_limit_counts_the_usage_and_the_holds_of_its_window()
    {
        var account = NewAccount();
        await Authority.ExpectAsync(account, Record("u", 300));
        await Authority.ExpectAsync(account, Reserve("open", 200));
        await Authority.ExpectAsync(account, new SetPolicy(Policy(Tokens("ever", "lifetime", 1000))));
        var limit = await Authority.OnlyLimitAsync(account);
        Assert.Equal((300, 200), ((long)limit.Settled.Value, (long)limit.Held.Value));
        await Authority.ExpectAsync(account, Settle("open", "v", 150));
        limit = await Authority.OnlyLimitAsync(account);
        Assert.Equal((450, 0), ((long)limit.Settled.Value, (long)limit.Held.Value));
        // Another shape of the same limit counts anew, from the records.
        await Authority.ExpectAsync(account, new SetPolicy(Policy(Tokens("ever", "year", 2000))));
        Assert.Equal(450, (await Authority.OnlyLimitAsync(account)).Settled.Value);
    }

    [Fact]
    public async Task The_default_policy_holds_for_accounts_old_and_new_until_they_say_otherwise()
    {
        var known = NewAccount();
        await Authority.ExpectAsync(known, Record("u", 70));
        var before = await Authority.SettingsAsync();
        Assert.Null((await Authority.PutDefaultPolicyAsync(Policy(Tokens("company", "lifetime", 100)), before.DefaultsVersion)).Refusal);
        Assert.Equal(OutcomeStatus.VersionMismatch,
            (await Authority.PutDefaultPolicyAsync(Purser.Core.Policy.Empty, before.DefaultsVersion)).Refusal?.Status);
        try
        {
            await Authority.ExpectAsync(known, Reserve("h", 31), OutcomeStatus.Refused);
            await Authority.ExpectAsync(known, Reserve("h", 30));
            var fresh = NewAccount();
            await Authority.ExpectAsync(fresh, Reserve("h", 101), OutcomeStatus.Refused);
            await Authority.ExpectAsync(fresh, new GetPolicy(), OutcomeStatus.UnknownAccount);
            await Authority.ExpectAsync(fresh, new SetPolicy(Policy(Tokens("company", "lifetime", 500))));
            await Authority.ExpectAsync(fresh, Reserve("h", 101));
        }
        finally
        {
            await Authority.PutDefaultPolicyAsync(Purser.Core.Policy.Empty);
        }
    }

    [Fact]
    public async Task A_catalogue_that_was_put_outlives_a_restart()
    {
        var edit = new PutCatalogue(Catalogues.Bytes(Catalogues.With("lasting", "4"))) { At = NodaTime.Instant.FromUtc(2026, 11, 21, 0, 0),
            ChangedBy = "ann" };
        var put = await Authority.EditSettingsAsync(edit);
        Assert.Null(put.Refusal);
        try
        {
            await host.RestartAsync();
            Assert.Equal(put.Settings.Body.Catalogue, (await Authority.SettingsAsync()).Body.Catalogue);
            var booked =
                (await Authority.ExpectAsync(
                    NewAccount(),
                        new Record("u", new() { Dimensions = new() { Model = "lasting" }, InputTokens = 1_000_000 }))).Answer as Settlement;
            Assert.Equal(("4", put.Settings.Prices.Version), (booked!.Cost, booked.PriceVersion));
            // The same once more is nothing new.
            Assert.Equal(put.Settings.Version, (await Authority.EditSettingsAsync(edit)).Settings.Version);
        }
        finally
        {
            Assert.Null((await Authority.EditSettingsAsync(new RemoveCatalogue())).Refusal);
        }
        Assert.Equal(Catalogue.BuiltIn.Version, (await Authority.SettingsAsync()).Prices.Version);
    }

    [Fact]
    public async Task Snapshots_change_no_answer()
    {
        var account = await AccountWithAsync(Tokens("ever", "lifetime", 1_000_000));
        for (var i = 0; i < 300; i++)
        {
            await Authority.ExpectAsync(account, Reserve($"h{i}", 10));
            if (i % 3 == 0) await Authority.ExpectAsync(account, Settle($"h{i}", $"u{i}", 7));
        }
        await host.RestartAsync();
        var with = await Authority.OnlyLimitAsync(account);
        await host.DeleteSnapshotsAsync();
        await host.RestartAsync();
        var without = await Authority.OnlyLimitAsync(account);
        Assert.Equal((700, 2000), ((long)with.Settled.Value, (long)with.Held.Value));
        Assert.Equal(with, without);
        await Authority.ExpectAsync(account, Reserve("h0", 10));
        await Authority.ExpectAsync(account, Settle("h0", "u0", 7));
        await Authority.ExpectAsync(account, Settle("h0", "other", 7), OutcomeStatus.Conflict);
        Assert.Equal(without, await Authority.OnlyLimitAsync(account));
    }
}

/// <summary>A running host under test.</summary>
public interface IAuthorityHost : IAsyncDisposable
{
    IBudgetAuthority Authority { get; }

    IUsageQueries Queries { get; }

    /// <summary>Ends everything that holds state in memory and starts it again on what is durable.</summary>
    Task RestartAsync();

    Task DeleteSnapshotsAsync();
}
