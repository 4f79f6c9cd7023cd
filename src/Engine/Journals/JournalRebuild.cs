// Makes the rollups of every account again from its journal, which begins with the checkpoint where entries were compacted.
namespace Purser.Engine;

/// <summary>Of <see cref="Compacted"/> accounts, usage before their checkpoints was taken as it is added up there.</summary>
public sealed record RebuildCount(long Accounts, long Compacted);

public static class JournalRebuild
{
    const int PerRead = 500;

    /// <summary>Hosts may run meanwhile.</summary>
    public static async Task<RebuildCount> RunAsync(IUsageQueries queries, IUsageUpkeep store, Action<long>? progress = null,
        CancellationToken cancellation = default)
    {
        var (rebuilt, compacted) = (0L, 0L);
        string? cursor = null;
        do
        {
            var page = await queries.AccountsAsync(null, cursor, PerRead, cancellation);
            foreach (var account in page.Items)
            {
                cancellation.ThrowIfCancellationRequested();
                if (await store.RebuildAsync(account)) compacted++;
                rebuilt++;
                progress?.Invoke(rebuilt);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return new(rebuilt, compacted);
    }
}
