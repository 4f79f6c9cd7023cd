// Reading usage, on the nearest silo.
using Orleans.Concurrency;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>Reentrant: the grain has no state, and one slow report holds up nobody.</summary>
[Reentrant]
[StatelessWorker]
[GrainType("usage")]
public sealed class UsageGrain(IUsageQueries queries) : Grain, IUsageGrain
{
    public Task<Immutable<Page<AccountRecord>>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(() => queries.FindAsync(filter, cursor, limit, cancellation));

    public Task<Immutable<UsageSum[]>> SumAsync(UsageFilter filter, string[] by, UsageStep step, CancellationToken cancellation) =>
        AskAsync<UsageSum[]>(
            async () => [.. await queries.SumAsync(filter, [.. by.Select(name => new UsageKey(name))], step, cancellation)]);

    public Task<Immutable<UsageExtent>> ExtentAsync(UsageFilter filter, CancellationToken cancellation) =>
        AskAsync(() => queries.ExtentAsync(filter, cancellation));

    public Task<Immutable<Page<string>>> SessionsAsync(string account, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(() => queries.SessionsAsync(account, cursor, limit, cancellation));

    public Task<Immutable<AuditPage>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(async () => AuditPage.Of(await queries.AuditAsync(account, cursor, limit, cancellation)));

    public Task<Immutable<long?>> KeptSinceAsync(CancellationToken cancellation) =>
        AskAsync(async () => (await queries.KeptSinceAsync(cancellation))?.ToUnixTimeMilliseconds());

    public Task<Immutable<Page<string>>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(() => queries.AccountsAsync(search, cursor, limit, cancellation));

    static Task<Immutable<T>> AskAsync<T>(Func<Task<T>> ask) => Reaching.LedgerAsync(async () => new Immutable<T>(await ask()));
}
