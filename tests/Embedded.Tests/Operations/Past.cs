// A past with everything in it that a budget can have: open, settled, late, charged, in parts; overrides, thresholds, closed windows.
using System.Reflection;
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Operations;

sealed class Past
{
    public const string Account = "acct-1";
    static readonly string[] accounts = [Account, "acct-2", "acct-3"];

    readonly List<(string Account, BudgetCommand Command)> identified = [];

    public ManualTime Time { get; } = new();

    /// <summary>Lives the past on a ledger.</summary>
    public static async Task<Past> OnAsync(IStore ledger)
    {
        var past = new Past();
        await past.LiveAsync(ledger);
        return past;
    }

    EmbeddedAuthority HostOn(IStore ledger) =>
        new(WithoutClock.Of(ledger), Time, new() { DeadlinePoll = Timeout.InfiniteTimeSpan, ClockPoll = TimeSpan.FromDays(300) });

    async Task LiveAsync(IStore ledger)
    {
        await using var host = HostOn(ledger);
        await host.PutDefaultPolicyAsync(Policy(Tokens("company", "day", 50_000)));
        await host.PutDefaultPolicyAsync(Policy(Tokens("company", "day", 60_000)));
        foreach (var account in accounts)
        {
            await host.ExpectAsync(account, new SetPolicy(Policy(
                Tokens("ever", "lifetime", 2000), Tokens("users", "hour", 900) with { Each = "user" },
                    Tokens("rolls", "rolling:PT2H", 5000)) with
            {
                Holds = account == accounts[1] ? new(OnExpiry: ExpiryRule.Charge) : null,
            }));
            await SendAsync(
                host, account, new Reserve("open", new() { Tokens = 100, Dimensions = new() { User = "ann", Model = "gpt-4o-mini" } },
                    86_400));
            await SendAsync(host, account, Reserve("settled", 200));
            await SendAsync(host, account, Settle("settled", "u1", 150, 7));
            await SendAsync(host, account, Reserve("parts", 300, 86_400));
            await SendAsync(host, account, Settle("parts", "u2", 50, final: false));
            await SendAsync(host, account, Reserve("late", 100, 60));
            await SendAsync(host, account, Reserve("ran-out", 90, 60));
            await SendAsync(host, account, new Reserve("grown", new() { Tokens = 40 }, 3600));
            await SendAsync(host, account, new Extend("grown", "x1", 7200, new() { Tokens = 25 }));
            await host.ExpectAsync(account, Reserve("released", 70));
            await host.ExpectAsync(account, new Release("released"));
            await SendAsync(host, account, new Record("u3", new()
            {
                InputTokens = 11, OutputTokens = 13, Success = false, Error = "timeout",
                    Dimensions = new() { User = "Zoë \"🦊\"", Model = "no-such-model", Session = "s" },
            }));
            await SendAsync(host, account, new AddOverride("raise", new()
            {
                LimitId = "ever", Additional = 500, Reason = "launch", CreatedBy = "ops", ExpiresAt = Instant.FromUtc(2100, 1, 1, 0, 0),
            }));
        }
        // Long enough that hosts have forgotten the closed holds and ask the ledger for them.
        Time.Advance(TimeSpan.FromMinutes(70));
        foreach (var account in accounts)
        {
            await host.ExpectAsync(account, new Tick());
            await SendAsync(host, account, Settle("late", "u4", 120));
            await SendAsync(host, account, Record("u5", 1400));
            await SendAsync(host, account, Record("u6", 30));
            await SendAsync(host, account, Credit("c1", 10, "u6"));
            await host.ExpectAsync(account, new VoidUsage("u6", "eve", "never made"));
            await SendAsync(host, account, Credit("c2", 4, "u5"));
            await host.ExpectAsync(account, new CorrectUsage("u3", new() { InputTokens = 12, OutputTokens = 13 }, "eve", "counted anew"));
        }
        await host.ExpectAsync(accounts[2], new Pause("audit"));
        await host.ExpectAsync(accounts[2], new Tick());
    }

    async Task SendAsync(EmbeddedAuthority host, string account, IdentifiedCommand command)
    {
        await host.ExpectAsync(account, command);
        identified.Add((account, command));
    }

    /// <summary>Everything that can be asked and repeated, and what a host on this ledger answers.</summary>
    public async Task<IReadOnlyList<object?>> AnswersAsync(IStore ledger, IUsageQueries queries)
    {
        await using var host = HostOn(ledger);
        var answers = new List<object?>();
        foreach (var (account, command) in identified)
        {
            // A hold that ran out is not had again by asking for it again.
            var ranOut = command is Reserve { Id: "ran-out" };
            var outcome = await host.ExpectAsync(account, command, ranOut ? OutcomeStatus.Conflict : OutcomeStatus.Done);
            answers.Add(ranOut ? outcome.Detail : outcome.Answer);
        }
        foreach (var account in accounts)
        {
            foreach (var id in (string[])["open", "settled", "parts", "late", "ran-out", "grown", "released"])
                answers.Add((await host.ExpectAsync(account, new GetReservation(id))).Answer);
            answers.Add((await host.ExpectAsync(account, new GetStatus())).Answer);
            answers.Add((await host.ExpectAsync(account, new GetPolicy())).Answer);
            answers.Add((await host.ExpectAsync(account, new ListOverrides())).Answer);
            answers.Add((await host.SendAsync(account, Check(5000))).Answer);
            // A second final settlement and another body are conflicts for ever.
            answers.Add((await host.ExpectAsync(account, Settle("late", "other", 1), OutcomeStatus.Conflict)).Detail);
            answers.Add((await host.ExpectAsync(account, Record("u3", 1), OutcomeStatus.IdempotencyMismatch)).Detail);
            answers.Add(await queries.SumAsync(new() { Account = account }, [UsageKey.User, UsageKey.Model, UsageKey.Session],
                UsageStep.Quarter));
            answers.Add(await queries.ExtentAsync(new() { Account = account }));
            answers.Add((await queries.FindAsync(new() { Account = account }, null, 100)).Items.Select(item => Samples.Text(item.Record))
                .ToList());
        }
        answers.Add((await queries.AccountsAsync(null, null, 100)).Items);
        answers.Add((await host.SettingsAsync()).DefaultPolicy);
        answers.Add(await ledger.DueAsync(Instant.FromUtc(2100, 1, 1, 0, 0), 100));
        return answers;
    }
}

/// <summary>A ledger whose clock is not asked for: the past has a time of its own, on PostgreSQL too.</summary>
public class WithoutClock : DispatchProxy
{
    IStore inner = null!;

    public static IStore Of(IStore inner)
    {
        var store = Create<IStore, WithoutClock>();
        ((WithoutClock)(object)store).inner = inner;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name == nameof(IStore.TimeAsync)
            ? Task.FromResult<Instant?>(null) : targetMethod.Invoke(inner, BindingFlags.DoNotWrapExceptions, null, args, null);
}
