// Short words for the commands that tests send again and again.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance;

public static class Calls
{
    public static Limit Tokens(string id, string window, long? amount, Enforcement enforcement = Enforcement.Hard) => new()
    {
        Id = id,
        Unit = LimitUnit.Tokens,
        Window = Window.TryParse(window, out var parsed) ? parsed : throw new ArgumentException(window),
        Amount = amount,
        Enforcement = enforcement,
    };

    public static Policy Policy(params Limit[] limits) => new() { Limits = limits };

    public static Reserve Reserve(string id, long tokens, long? ttlSeconds = null) => new(id, new() { Tokens = tokens }, ttlSeconds);

    public static Settle Settle(string reservation, string id, long input, long output = 0, bool final = true) =>
        new(reservation, id, new() { InputTokens = input, OutputTokens = output }, final);

    public static Record Record(string id, long input, long output = 0) => new(id, new() { InputTokens = input, OutputTokens = output });

    public static Credit Credit(string id, long tokens, string usage) =>
        new(id, new() { UsageId = usage, Amount = tokens, Unit = LimitUnit.Tokens, By = "eve", Reason = "outage" });

    public static Check Check(long tokens) => new(new Estimate { Tokens = tokens });

    /// <summary>Sends and expects an answer of this status.</summary>
    public static async Task<Outcome> ExpectAsync(this IBudgetAuthority authority, string account, BudgetCommand command,
        OutcomeStatus status = OutcomeStatus.Done)
    {
        var outcome = await authority.SendAsync(account, command);
        Assert.True(outcome.Status == status,
            $"{command.GetType().Name}: expected {status}, got {outcome.Status} ({outcome.Field}: {outcome.Detail})");
        return outcome;
    }

    /// <summary>Puts the policy under every account.</summary>
    public static Task<SettingsEdited> PutDefaultPolicyAsync(this IBudgetAuthority authority, Policy policy, long? ifVersion = null) =>
        authority.EditSettingsAsync(new PutDefaultPolicy(policy)
        {
            IfVersion = ifVersion, At = SystemClock.Instance.GetCurrentInstant(), ChangedBy = "tests",
        });

    /// <summary>The one limit of an account, as its status shows it.</summary>
    public static async Task<LimitView> OnlyLimitAsync(this IBudgetAuthority authority, string account)
    {
        var outcome = await authority.ExpectAsync(account, new GetStatus());
        return Assert.Single(((AccountStatus)outcome.Answer!).Limits);
    }
}
