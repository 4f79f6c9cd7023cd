// Usage histories as callers read them, wherever they are kept.
using NodaTime;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterHistories(IGrainFactory grains, Repetition repetition) : IUsageHistories
{
    /// <summary>The history of an account with everything acknowledged before the call. Throws <see cref="LedgerUnavailableException"/>
    /// where no silo answers.</summary>
    public Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default) =>
        AskAsync(account, async history => (await history.ReadAsync()).Value, cancellation);

    public async Task<IReadOnlyList<Anomaly>> FindsAsync(string account, Instant since, CancellationToken cancellation = default) =>
        (await AskAsync(account, async history => (await history.FindsAsync(since.ToUnixTimeMilliseconds())).Value, cancellation))
            .Anomalies;

    Task<UsageHistoryView> AskAsync(string account, Func<IUsageHistoryGrain, Task<UsageHistoryView>> ask, CancellationToken cancellation)
    {
        var history = grains.GetUsageHistory(account);
        return repetition.CallAsync(
            async _ => await ask(history), _ => false, why =>
                throw new LedgerUnavailableException($"no silo answered ({why})"), cancellation);
    }
}
