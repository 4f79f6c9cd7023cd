// The port for reading usage: records one by one, sums by any dimensions, and the list of accounts.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Engine;

/// <summary>What a filter wants of a dimension: one of some values, exactly, or one that fits one of some globs, ignoring case.</summary>
public sealed record Wanted(IReadOnlyList<string> Values, IReadOnlyList<string> Globs)
{
    /// <summary>Exactly this value, whatever characters it has.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(value))]
    public static implicit operator Wanted?(string? value) => value is null ? null : new([value], []);

    /// <summary>Texts of a caller: those with `*` or `?` are globs.</summary>
    public static Wanted? Of(IReadOnlyList<string> texts) =>
        texts.Count == 0 ? null : new([.. texts.Where(text => !Glob.IsGlob(text))], [.. texts.Where(Glob.IsGlob)]);

    /// <summary>The same, and for each value another name of the same thing, where it has one.</summary>
    public Wanted With(Func<string, string?> otherName) => this with
    {
        Values = [.. Values.Concat(Values.Select(otherName).OfType<string>()).Distinct()],
    };

    public bool Fits(string? value) => value is not null && (Values.Contains(value) || Globs.Any(glob => Glob.Fits(glob, value)));
}

/// <summary>Which records; null means any. Times are half-open [From, To) over <see cref="UsageRecord.At"/>.</summary>
public sealed record UsageFilter
{
    /// <summary>The one account whose records they are.</summary>
    public string? Account { get; init; }

    /// <summary>Accounts among all, where <see cref="Account"/> is not said.</summary>
    public Wanted? Accounts { get; init; }
    public Wanted? Orchestrator { get; init; }
    public Wanted? User { get; init; }
    public Wanted? Tenant { get; init; }
    public Wanted? Session { get; init; }
    public Wanted? Provider { get; init; }
    public Wanted? Model { get; init; }
    public Wanted? Tool { get; init; }

    /// <summary>Every one of these tags with a wanted value.</summary>
    public SortedDictionary<string, Wanted>? Tags { get; init; }
    public bool? Success { get; init; }

    /// <summary>Whether they have no price: none was known when they were booked, and they were not rated since.</summary>
    public bool? Unpriced { get; init; }

    /// <summary>Whether their reports hold counts that nobody read; asked for, those that somebody corrected or took back are left
    /// out.</summary>
    public bool? Unread { get; init; }

    /// <summary>Whether their reports contradict themselves; asked for, those that somebody corrected or took back are left out.</summary>
    public bool? Disputed { get; init; }
    public Wanted? Id { get; init; }
    public Wanted? RequestId { get; init; }
    public Wanted? ReservationId { get; init; }
    public Instant? From { get; init; }
    public Instant? To { get; init; }

    /// <summary>The same, where providers and models that are told under another of their names are found as well: records are booked
    /// under the name that prices have.</summary>
    public UsageFilter ByNamesOf(PriceBook prices) => this with
    {
        Provider = Provider?.With(prices.ProviderOf),
        Model = Model?.With(name => prices.Find(null, name)?.Canonical),
    };

    IEnumerable<Wanted?> Texts => [Orchestrator, User, Tenant, Session, Provider, Model, Tool, Id, RequestId, ReservationId];

    /// <summary>Whether columns can not answer all of it, so that the whole record has to be looked at.</summary>
    public bool NeedsLook => Tags is { Count: > 0 } || Unread is not null || Disputed is not null || Accounts is not null
        || Texts.Any(wanted => wanted is { Globs.Count: > 0 });
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

    /// <summary>Whether only the whole record has the value, and neither a rollup nor a column does.</summary>
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

    /// <summary>Kinds of tokens and units, where the question asks for them and a record has some.</summary>
    public PartSums? Parts { get; init; }

    /// <summary>Whether there is money in it, booked or told by providers.</summary>
    [JsonIgnore]
    public bool HasMoney => CostNanos != 0 || Parts is { Reported: > 0 };
}

/// <summary>
/// Figures that do not add up from groups: distinct values, and the largest single record. Sessions are counted exactly while what is
/// asked for has no more than some hundreds of them in a day, and within about 2 % beyond that.
/// </summary>
public sealed record UsageExtent(long Accounts, long Sessions, Instant? PeakAt, Int128 PeakTokens);

/// <summary>
/// Asks for the sums of the records that a filter lets through, by keys and steps; or, where it <see cref="IsExtent"/>, for the figures
/// that do not add up.
/// </summary>
public sealed record UsageQuestion(UsageFilter Filter, IReadOnlyList<UsageKey> By, UsageStep Step, bool IsExtent = false)
{
    /// <summary>Whether <see cref="UsageSum.Parts"/> are asked for: only whole records have them, for as long as they are
    /// kept.</summary>
    public bool WithParts { get; init; }

    public static UsageQuestion Extent(UsageFilter filter) => new(filter, [], UsageStep.Whole, IsExtent: true);
}

/// <summary><see cref="Extent"/> is there where it was asked for, and <see cref="Sums"/> where they were.</summary>
public sealed record UsageAnswer(IReadOnlyList<UsageSum> Sums, UsageExtent? Extent);

/// <summary>
/// The answers in the order of the questions, all of one moment. Records that were booked before <see cref="KeptSince"/> are gone, or may
/// go any moment; null where none ever went.
/// </summary>
public sealed record UsageAnswers(IReadOnlyList<UsageAnswer> Items, Instant? KeptSince);

/// <summary>
/// A session as the records that are kept show it: its sums, one for each currency, when its first and last call were, and the last record.
/// </summary>
public sealed record SessionUse(string Session, IReadOnlyList<UsageSum> Sums, Instant First, UsageRecord Last);

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
    /// Answers several questions from one snapshot, so that their figures agree with each other while usage is booked. Whole quarters of an
    /// hour are read from rollups, and outlast the records. What rollups do not have (sessions, tags, minutes, ids) and the ragged edges of
    /// the range are read from records, for as long as those are kept.
    /// </summary>
    Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default);

    /// <summary>The sessions that records of an account name, in order; only <paramref name="session"/> where it is given.</summary>
    Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default);

    /// <summary>What somebody did to an account, in order (see <see cref="AuditTrail"/>). The cursor is a version of the journal.</summary>
    Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default);

    /// <summary>
    /// What was held, extended and given back in an account in a time, in order (see <see cref="HoldTrail"/>). A page is made of so many
    /// entries of the journal, and may be empty; the cursor is a version of it.
    /// </summary>
    Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
        CancellationToken cancellation = default);

    /// <summary>Accounts in which time alone makes something happen until then (a hold runs out, a window ends), the soonest
    /// first.</summary>
    Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default);

    /// <summary>Records that were booked before this are gone, or may go any moment; null where none ever went.</summary>
    Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default);

    /// <summary>Account ids in order, those that contain <paramref name="search"/> (ignoring case) where it is given.</summary>
    Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default);
}

/// <summary>Single questions.</summary>
public static class UsageQuestions
{
    public static async Task<IReadOnlyList<UsageSum>> SumAsync(
        this IUsageQueries queries, UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step,
        CancellationToken cancellation = default) =>
        (await queries.AskAsync([new(filter, by, step)], cancellation).ConfigureAwait(false)).Items[0].Sums;

    public static async Task<UsageExtent> ExtentAsync(
        this IUsageQueries queries, UsageFilter filter, CancellationToken cancellation = default) =>
        (await queries.AskAsync([UsageQuestion.Extent(filter)], cancellation).ConfigureAwait(false)).Items[0].Extent!;
}

/// <summary>Recent usage and what was found abnormal in it, per account.</summary>
public interface IUsageHistories
{
    /// <summary>
    /// The history of an account with everything acknowledged before the call; an empty one for an unknown account. May throw
    /// <see cref="LedgerUnavailableException"/>.
    /// </summary>
    Task<UsageHistoryView> ReadAsync(string account, CancellationToken cancellation = default);

    /// <summary>Only the anomalies that were found, ended or withdrawn since a moment: much less to read than everything.</summary>
    Task<IReadOnlyList<Anomaly>> FindsAsync(string account, Instant since, CancellationToken cancellation = default);
}
