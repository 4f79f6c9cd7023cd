// Reading usage, for callers that have no ledger of their own.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Key: 0; any silo answers. The methods are those of <see cref="IUsageQueries"/>.</summary>
[Alias("purser.usage")]
[GrainInterfaceType("purser.usage")]
public interface IUsageGrain : IGrainWithIntegerKey
{
    /// <summary>A report over a long time may take this long.</summary>
    const string Patience = "00:00:15";

    [Alias("find")]
    [ResponseTimeout(Patience)]
    Task<Immutable<Page<AccountRecord>>> FindAsync([Immutable] UsageFilter filter, string? cursor, int limit,
        CancellationToken cancellation);

    [Alias("ask")]
    [ResponseTimeout(Patience)]
    Task<Immutable<UsageAnswers>> AskAsync([Immutable] UsageQuestion[] questions, CancellationToken cancellation);

    [Alias("session-uses")]
    [ResponseTimeout(Patience)]
    Task<Immutable<Page<SessionUse>>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation);

    [Alias("audit")]
    [ResponseTimeout(Patience)]
    Task<Immutable<AuditPage>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation);

    /// <summary>Times are milliseconds since 1970.</summary>
    [Alias("holds")]
    [ResponseTimeout(Patience)]
    Task<Immutable<AuditPage>> HoldsAsync(string account, long from, long to, string? cursor, int limit, CancellationToken cancellation);

    [Alias("waiting")]
    [ResponseTimeout(Patience)]
    Task<Immutable<string[]>> WaitingAsync(long until, int most, CancellationToken cancellation);

    /// <summary>Milliseconds since 1970.</summary>
    [Alias("kept-since")]
    [ResponseTimeout(Patience)]
    Task<Immutable<long?>> KeptSinceAsync(CancellationToken cancellation);

    [Alias("accounts")]
    [ResponseTimeout(Patience)]
    Task<Immutable<Page<string>>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation);

    /// <summary>About how many booked records the rollups do not have yet.</summary>
    [Alias("unfolded")]
    [ResponseTimeout(Patience)]
    Task<Immutable<long>> UnfoldedAsync(CancellationToken cancellation);
}

/// <summary>A page of a journal, such as of the audit trail: events in the form in which ledgers keep them, and the versions that they
/// stand in.</summary>
public sealed record AuditPage(IReadOnlyList<long> Versions, byte[] Events, string? Next)
{
    public static AuditPage Of(Page<AuditEntry> page) => new(
        [.. page.Items.Select(item => item.Version)], LedgerJson.EncodeEvents([.. page.Items.Select(item => item.Event)]), page.Next);

    public Page<AuditEntry> ToPage() =>
        new([.. LedgerJson.DecodeEvents(Events).Select((happened, i) => new AuditEntry(Versions[i], happened))], Next);
}
