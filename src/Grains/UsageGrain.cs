// Answers questions about usage (records, sums, sessions, audit) for apis, which have no ledger: the nearest silo reads it.
using NodaTime;
using Orleans.Concurrency;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>Reentrant: the grain has no state, and one slow report holds up nobody.</summary>
[Reentrant]
[StatelessWorker]
[GrainType("usage")]
public sealed class UsageGrain(IUsageQueries queries, IUsageUpkeep upkeep) : Grain, IUsageGrain
{
    public Task<Immutable<Page<AccountRecord>>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(() => queries.FindAsync(filter, cursor, limit, cancellation));

    public Task<Immutable<UsageAnswers>> AskAsync(UsageQuestion[] questions, CancellationToken cancellation) =>
        AskAsync(() => queries.AskAsync(questions, cancellation));

    public Task<Immutable<Page<SessionUse>>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation) => AskAsync(() => queries.SessionsAsync(account, session, cursor, limit, cancellation));

    public Task<Immutable<AuditPage>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(async () => AuditPage.Of(await queries.AuditAsync(account, cursor, limit, cancellation)));

    public Task<Immutable<AuditPage>> HoldsAsync(string account, long from, long to, string? cursor, int limit,
        CancellationToken cancellation) => AskAsync(async () => AuditPage.Of(await queries.HoldsAsync(
            account, Instant.FromUnixTimeMilliseconds(from), Instant.FromUnixTimeMilliseconds(to), cursor, limit, cancellation)));

    public Task<Immutable<string[]>> WaitingAsync(long until, int most, CancellationToken cancellation) => AskAsync(async () =>
        (await queries.WaitingAsync(Instant.FromUnixTimeMilliseconds(until), most, cancellation)).ToArray());

    public Task<Immutable<long?>> KeptSinceAsync(CancellationToken cancellation) =>
        AskAsync(async () => (await queries.KeptSinceAsync(cancellation))?.ToUnixTimeMilliseconds());

    public Task<Immutable<Page<string>>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation) =>
        AskAsync(() => queries.AccountsAsync(search, cursor, limit, cancellation));

    public Task<Immutable<long>> UnfoldedAsync(CancellationToken cancellation) => AskAsync(upkeep.UnfoldedAsync);

    static Task<Immutable<T>> AskAsync<T>(Func<Task<T>> ask) => Reaching.LedgerAsync(async () => new Immutable<T>(await ask()));
}
