// Reading usage, for callers that have no ledger of their own.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Key: 0; any silo answers. The methods are those of <see cref="IUsageQueries"/>.</summary>
[Alias("purser.usage")]
public interface IUsageGrain : IGrainWithIntegerKey
{
    [Alias("find")]
    Task<Immutable<Page<AccountRecord>>> FindAsync([Immutable] UsageFilter filter, string? cursor, int limit, CancellationToken cancellation);

    [Alias("sum")]
    Task<Immutable<UsageSum[]>> SumAsync([Immutable] UsageFilter filter, [Immutable] UsageKey[] by, bool perQuarterHour, CancellationToken cancellation);

    [Alias("extent")]
    Task<Immutable<UsageExtent>> ExtentAsync([Immutable] UsageFilter filter, CancellationToken cancellation);

    [Alias("accounts")]
    Task<Immutable<Page<string>>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation);
}
