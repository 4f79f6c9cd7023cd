// Usage as callers without a ledger read it: any silo answers.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterQueries(IGrainFactory grains, Repetition repetition) : IUsageQueries
{
    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default) =>
        AskAsync(usage => usage.FindAsync(filter, cursor, limit, cancellation), cancellation);

    public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) =>
        AskAsync(usage => usage.AskAsync([.. questions], cancellation), cancellation);

    public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default) =>
        AskAsync(usage => usage.SessionsAsync(account, session, cursor, limit, cancellation), cancellation);

    public async Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default)
    {
        // Here, where a cursor that makes no sense is still its own exception.
        AuditTrail.After(cursor);
        return (await AskAsync(usage => usage.AuditAsync(account, cursor, limit, cancellation), cancellation)).ToPage();
    }

    public async Task<Page<AuditEntry>> HoldsAsync(string account, NodaTime.Instant from, NodaTime.Instant to, string? cursor, int limit,
        CancellationToken cancellation = default)
    {
        AuditTrail.After(cursor);
        return (await AskAsync(usage => usage.HoldsAsync(
            account, from.ToUnixTimeMilliseconds(), to.ToUnixTimeMilliseconds(), cursor, limit, cancellation), cancellation)).ToPage();
    }

    public async Task<IReadOnlyList<string>> WaitingAsync(NodaTime.Instant until, int most, CancellationToken cancellation = default) =>
        await AskAsync(usage => usage.WaitingAsync(until.ToUnixTimeMilliseconds(), most, cancellation), cancellation);

    public async Task<NodaTime.Instant?> KeptSinceAsync(CancellationToken cancellation = default) =>
        await AskAsync(usage => usage.KeptSinceAsync(cancellation), cancellation) is { } millis
            ? NodaTime.Instant.FromUnixTimeMilliseconds(millis) : null;

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) =>
        AskAsync(usage => usage.AccountsAsync(search, cursor, limit, cancellation), cancellation);

    /// <summary>About how many booked records the rollups do not have yet.</summary>
    public Task<long> UnfoldedAsync(CancellationToken cancellation = default) =>
        AskAsync(usage => usage.UnfoldedAsync(cancellation), cancellation);

    Task<T> AskAsync<T>(Func<IUsageGrain, Task<Immutable<T>>> ask, CancellationToken cancellation)
    {
        var usage = grains.GetGrain<IUsageGrain>(0);
        return repetition.CallAsync(
            async _ => (await ask(usage)).Value, _ => false,
            why => throw new LedgerUnavailableException($"no silo answered ({why})"), cancellation);
    }
}
