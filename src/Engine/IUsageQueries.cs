// The port for reading usage: records one by one, sums by any dimensions, and the list of accounts.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>Which records; null means any. Times are half-open [From, To) over <see cref="UsageRecord.At"/>; strings match exactly.</summary>
public sealed record UsageFilter
{
    public string? Account { get; init; }
    public string? Orchestrator { get; init; }
    public string? User { get; init; }
    public string? Tenant { get; init; }
    public string? Session { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Tool { get; init; }
    public bool? Success { get; init; }
    public string? RequestId { get; init; }
    public string? ReservationId { get; init; }
    public Instant? From { get; init; }
    public Instant? To { get; init; }
}

public sealed record AccountRecord(string Account, UsageRecord Record);

/// <summary><see cref="Next"/> is where to go on; null at the end.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>What can be grouped by.</summary>
public enum UsageKey { Account, Orchestrator, User, Tenant, Session, Provider, Model, Tool }

/// <summary>
/// The sum of the records that share <see cref="Keys"/> (in the order asked for; null where the records have none), the currency, and,
/// when asked for, the quarter of an hour that starts at <see cref="QuarterStart"/>.
/// </summary>
public sealed record UsageSum(
    IReadOnlyList<string?> Keys, Instant? QuarterStart, string Currency, long Records, Int128 InputTokens, Int128 OutputTokens, Int128 Requests,
    Int128 FailedRequests, Int128 CostNanos, Int128 DurationMs, long RecordsWithDuration, long Unpriced);

/// <summary>Figures that do not add up from groups: distinct values, and the largest single record.</summary>
public sealed record UsageExtent(long Accounts, long Sessions, Instant? PeakAt, Int128 PeakTokens);

/// <summary>
/// Reads usage. Everything acknowledged before the call is included. Safe at any size: pages by key, never one long read.
/// May throw <see cref="LedgerUnavailableException"/>.
/// </summary>
public interface IUsageQueries
{
    /// <summary>Records by <see cref="UsageRecord.At"/>, newest first, then by the order of booking. A cursor that makes no sense is a <see cref="FormatException"/>.</summary>
    Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default);

    Task<IReadOnlyList<UsageSum>> SumAsync(UsageFilter filter, IReadOnlyList<UsageKey> by, bool perQuarterHour, CancellationToken cancellation = default);

    Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default);

    /// <summary>Account ids in order, those that contain <paramref name="search"/> (ignoring case) where it is given.</summary>
    Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default);
}
