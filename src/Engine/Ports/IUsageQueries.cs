// The port for reading usage: records one by one, sums by any dimensions, and the list of accounts.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>Which records; null means any. Times are half-open [From, To) over <see cref="UsageRecord.At"/>; strings match
/// exactly.</summary>
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

    /// <summary>Every one of these tags with exactly this value.</summary>
    public SortedDictionary<string, string>? Tags { get; init; }
    public bool? Success { get; init; }

    /// <summary>Whether they have no price: none was known when they were booked, and they were not rated since.</summary>
    public bool? Unpriced { get; init; }
    public string? Id { get; init; }
    public string? RequestId { get; init; }
    public string? ReservationId { get; init; }
    public Instant? From { get; init; }
    public Instant? To { get; init; }
}

public sealed record AccountRecord(string Account, UsageRecord Record);

/// <summary><see cref="Next"/> is where to go on; null at the end.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>
/// What can be grouped by. `tag` puts a record under each of its tags, as `name=value`; `tags.NAME` under the value of one. The outcome is
/// <see cref="Succeeded"/> or <see cref="Failed"/>.
/// </summary>
public readonly record struct UsageKey(string Name)
{
    public static readonly UsageKey Account = new("account"), Orchestrator = new("orchestrator"), User = new("user"),
        Tenant = new("tenant"),
        Session = new("session"), Provider = new("provider"), Model = new("model"), Tool = new("tool"), Outcome = new("outcome"),
            Tag = new("tag");

    public static readonly IReadOnlyList<UsageKey> All = [Account, Orchestrator, User, Tenant, Session, Provider, Model, Tool, Outcome,
        Tag];

    public const string Succeeded = "success";
    public const string Failed = "failure";
    const string OneTag = "tags.";

    public static UsageKey OfTag(string name) => new(OneTag + name);

    public static bool IsKey(string name) => All.Contains(new(name))
        || (name.StartsWith(OneTag, StringComparison.Ordinal) && name.Length > OneTag.Length);

    /// <summary>The tag whose value it is; null for every other key.</summary>
    public string? TagName => Name.StartsWith(OneTag, StringComparison.Ordinal) ? Name[OneTag.Length..] : null;

    /// <summary>Only the whole record has it, neither a rollup nor a column.</summary>
    public bool IsInTags => this == Tag || TagName is not null;

    public static string OutcomeOf(bool success) => success ? Succeeded : Failed;
}

/// <summary>How sums are divided in time. Steps begin at whole ones of UTC; whoever asks puts those of a zone together from them.</summary>
public enum UsageStep { Whole, Minute, Quarter, Hour, Day }

/// <summary>
/// The sum of the records that share <see cref="Keys"/> (in the order asked for; null where the records have none), the currency, and,
/// when asked for, the step that begins at <see cref="Start"/>.
/// </summary>
public sealed record UsageSum(
    IReadOnlyList<string?> Keys, Instant? Start, string Currency, long Records, Int128 InputTokens, Int128 OutputTokens, Int128 Requests,
    Int128 FailedRequests, Int128 CostNanos, Int128 DurationMs, long RecordsWithDuration, long Unpriced)
{
    public DurationSketch Durations { get; init; } = new();
}

/// <summary>
/// Figures that do not add up from groups: distinct values, and the largest single record. Sessions are counted exactly while what is
/// asked for has no more than some hundreds of them in a day, and within about 2 % beyond that.
/// </summary>
public sealed record UsageExtent(long Accounts, long Sessions, Instant? PeakAt, Int128 PeakTokens);

/// <summary>
/// Reads usage. Everything acknowledged before the call is included. Safe at any size: pages by key, never one long read.
/// May throw <see cref="LedgerUnavailableException"/>.
/// </summary>
public interface IUsageQueries
{
    /// <summary>Records by <see cref="UsageRecord.At"/>, newest first, then by the order of booking. A cursor that makes no sense is a <see
    /// cref="FormatException"/>.</summary>
    Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default);

    /// <summary>
    /// Whole quarters of an hour are read from rollups, and outlast the records. What rollups do not have (sessions, tags, minutes, ids)
    /// and the
    /// ragged edges of the range are read from records, for as long as those are kept.
    /// </summary>
    Task<IReadOnlyList<UsageSum>> SumAsync(UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step,
        CancellationToken cancellation = default);

    Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default);

    /// <summary>The sessions that records of an account name, in order.</summary>
    Task<Page<string>> SessionsAsync(string account, string? cursor, int limit, CancellationToken cancellation = default);

    /// <summary>What somebody did to an account, in order (see <see cref="AuditTrail"/>). The cursor is a version of the journal.</summary>
    Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default);

    /// <summary>Records that were booked before this are gone, or may go any moment; null where none ever went.</summary>
    Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default);

    /// <summary>Account ids in order, those that contain <paramref name="search"/> (ignoring case) where it is given.</summary>
    Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default);
}

/// <summary>Recent usage and what was found abnormal in it, per account.</summary>
public interface IUsageHistories
{
    /// <summary>
    /// The history of an account with everything acknowledged before the call; an empty one for an unknown account. May throw
    /// <see cref="LedgerUnavailableException"/>.
    /// </summary>
    Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default);
}
