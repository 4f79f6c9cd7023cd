// Usage histories as callers read them, wherever they are kept.
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterHistories(IGrainFactory grains, Repetition repetition) : IUsageHistories
{
    /// <summary>The history of an account with everything acknowledged before the call. Throws <see cref="LedgerUnavailableException"/>
    /// where no silo answers.</summary>
    public Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default)
    {
        var history = grains.GetUsageHistory(account);
        return repetition.CallAsync(
            async _ => (await history.ReadAsync()).Value, _ => false, why =>
                throw new LedgerUnavailableException($"no silo answered ({why})"), cancellation);
    }
}
