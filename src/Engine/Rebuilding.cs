// Makes the rollups of every account again from its journal.
namespace Purser.Engine;

public static class Rebuilding
{
    const int PerRead = 500;

    /// <summary>Hosts may run meanwhile. The answer is the number of accounts.</summary>
    public static async Task<long> RunAsync(IUsageQueries queries, IUsageStore store, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        var rebuilt = 0L;
        string? cursor = null;
        do
        {
            var page = await queries.AccountsAsync(null, cursor, PerRead, cancellation);
            foreach (var account in page.Items)
            {
                cancellation.ThrowIfCancellationRequested();
                await store.RebuildAsync(account);
                rebuilt++;
                progress?.Invoke(rebuilt);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return rebuilt;
    }
}
