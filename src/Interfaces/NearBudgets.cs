// Budgets that are active in this process: who is here already hands its calls to their sessions, and takes no way through the cluster.
using System.Collections.Concurrent;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>What is in here may be out of date at any moment: a session that is handed over answers so, and the call takes the way through
/// the grain.</summary>
public sealed class NearBudgets(TimeProvider time)
{
    /// <summary>A grain that is never called counts as idle, so a call goes through it this often. Much less than what idle grains are
    /// left.</summary>
    static readonly TimeSpan believed = TimeSpan.FromMinutes(1);

    readonly ConcurrentDictionary<string, NearBudget> budgets = new(StringComparer.Ordinal);

    public NearBudget Add(BudgetSession session) => budgets[session.Account] = new(session, time);

    public void Remove(NearBudget budget) => budgets.TryRemove(new(budget.Account, budget));

    /// <summary>The accounts that are active here, in no order.</summary>
    public IEnumerable<string> Accounts => budgets.Select(budget => budget.Key);

    /// <summary>Those called longest ago, where more are active than <paramref name="most"/>.</summary>
    public IEnumerable<string> Coldest(int most) => ColdAccounts.Of(budgets, most, budget => budget.Value.LastUsed)
        .Select(budget => budget.Key);

    /// <summary>Null where the grain has to be called: the budget is not active here, or nobody has called its grain for a while.</summary>
    public NearBudget? Find(string account) => budgets.TryGetValue(account, out var budget) && budget.SinceCalled < believed
        ? budget : null;
}

/// <summary>One budget, answering alike whether a call came through its grain or not.</summary>
public sealed class NearBudget(BudgetSession session, TimeProvider time)
{
    long called = time.GetTimestamp();

    public string Account => session.Account;

    internal NodaTime.Instant LastUsed => session.LastUsed;

    internal TimeSpan SinceCalled => time.GetElapsedTime(Volatile.Read(ref called));

    /// <summary>Its grain was called.</summary>
    public void Called() => Volatile.Write(ref called, time.GetTimestamp());

    /// <param name="command">What is to be decided.</param>
    /// <param name="trace">The context of the call, where it was made in another process.</param>
    public Task<Outcome> SendAsync(BudgetCommand command, string? trace = null)
    {
        Fingerprints.FillForRepetition(command);
        return session.SendAsync(command, trace);
    }

    /// <summary>Several, decided in their order and answered in it.</summary>
    public Task<Outcome[]> SendAllAsync(IReadOnlyList<BudgetCommand> commands, string? trace = null)
    {
        foreach (var command in commands) Fingerprints.FillForRepetition(command);
        return session.SendAllAsync(commands, trace);
    }
}
