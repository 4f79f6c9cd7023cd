// For measurements: the same work behind messages that cost nothing to write and to read, and an echo with no work behind it.
using Orleans.Concurrency;
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Cluster.Tests;

/// <summary>Key: the account.</summary>
public interface IBareGrain : IGrainWithStringKey
{
    Task<bool> ReserveAsync(string hold, long tokens);

    Task<bool> SettleAsync(string hold, long input, long output);

    Task<string> EchoAsync(string text);
}

[Reentrant]
public sealed class BareGrain(IBudgetAuthority budgets) : Grain, IBareGrain
{
    public async Task<bool> ReserveAsync(string hold, long tokens) =>
        (await budgets.SendAsync(this.GetPrimaryKeyString(), Calls.Reserve(hold, tokens))).Status == Core.OutcomeStatus.Done;

    public async Task<bool> SettleAsync(string hold, long input, long output) =>
        (await budgets.SendAsync(this.GetPrimaryKeyString(), Calls.Settle(hold, hold, input, output))).Status == Core.OutcomeStatus.Done;

    public Task<string> EchoAsync(string text) => Task.FromResult(text);
}
