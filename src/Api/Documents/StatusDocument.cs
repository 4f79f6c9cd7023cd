// An account as it stands, and lists of accounts.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>`worstLimit` is the limit that is used up most; null where the account has none. `percentUsed` is its.</summary>
/// <param name="Account">Its id.</param>
/// <param name="Status">How it stands: healthy, warning, critical or exceeded, by its worst limit.</param>
/// <param name="Paused">Whether every call is refused until it is resumed.</param>
/// <param name="PercentUsed">How much of its worst limit is used, in percent.</param>
/// <param name="WorstLimit">The limit that decides the status; null where it has none.</param>
public sealed record AccountDocument(string Account, string Status, bool Paused, decimal PercentUsed, LimitViewDocument? WorstLimit)
{
    internal static AccountDocument Of(AccountStanding standing) => new(
        standing.Account, standing.Status, standing.Paused, standing.Worst?.PercentUsed ?? 0, standing.Worst is { } worst
            ? new(worst) : null);
}

/// <summary>What is left of a budget, without its past.</summary>
/// <param name="Account">The account.</param>
/// <param name="Status">The worst word of its limits: healthy, warning, critical or exceeded.</param>
/// <param name="Paused">Whether every call is refused until the account is resumed.</param>
/// <param name="PausedReason">Why it is paused, where somebody said so.</param>
/// <param name="Limits">Its limits, each with its counter.</param>
public sealed record RemainingDocument(string Account, string Status, bool Paused, string? PausedReason,
    IReadOnlyList<LimitViewDocument> Limits);

/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record AccountsDocument(IReadOnlyList<AccountDocument> Items, string? NextCursor);

/// <param name="Active">How many reservations run.</param>
/// <param name="Tokens">How many tokens they hold.</param>
public sealed record HeldDocument(long Active, long Tokens);

/// <summary>The usage of a period: the last 30 days where none was asked for.</summary>
/// <param name="From">The first instant of the period.</param>
/// <param name="To">The instant before which it ends.</param>
/// <param name="InputTokens">Input tokens.</param>
/// <param name="OutputTokens">Output tokens.</param>
/// <param name="TotalTokens">Tokens, input and output together.</param>
/// <param name="TotalRequests">Requests, failed ones included.</param>
/// <param name="FailedRequests">Requests that failed.</param>
/// <param name="TotalCost">Money that was booked.</param>
public sealed record UsageBreakdownDocument(
    Instant From, Instant To, [property: DataType("whole")] Amount InputTokens, [property: DataType("whole")] Amount OutputTokens,
        [property: DataType("whole")] Amount TotalTokens, [property: DataType("whole")] Amount TotalRequests,
            [property: DataType("whole")] Amount FailedRequests,
        [property: DataType("money")] string TotalCost);

/// <param name="Model">The model; null where records name none.</param>
/// <param name="TotalTokens">Tokens, input and output together.</param>
/// <param name="TotalRequests">Requests, failed ones included.</param>
/// <param name="TotalCost">Money that was booked.</param>
/// <param name="Percentage">Its share of the tokens, in percent.</param>
public sealed record TopModelDocument(string? Model, [property: DataType("whole")] Amount TotalTokens,
    [property: DataType("whole")] Amount TotalRequests, [property: DataType("money")] string TotalCost, decimal Percentage);

public sealed class StatusDocument
{
    internal StatusDocument(AccountOverview overview)
    {
        var (status, usage) = (overview.Status, overview.Usage);
        Account = status.Account;
        Exists = status.IsUnknown ? false : null;
        Status = status.Status;
        Paused = status.Paused;
        PausedReason = status.PausedReason;
        Limits = LimitViewDocument.Of(status.Limits);
        NextCursor = status.NextCursor;
        Reservations = new(status.ActiveReservations, status.ReservedTokens);
        Breakdown = new(
            overview.From, overview.To, Amount.Whole(usage.InputTokens), Amount.Whole(usage.OutputTokens), Amount.Whole(usage.Tokens),
            Amount.Whole(usage.Requests), Amount.Whole(usage.FailedRequests), Money.Format(usage.CostNanos));
        TopModels = [.. overview.TopModels.Select(model => new TopModelDocument(
            model.Model, Amount.Whole(model.Tally.Tokens), Amount.Whole(model.Tally.Requests), Money.Format(model.Tally.CostNanos),
            model.Tally.PercentOf(usage)))];
        Overrides = [.. status.Overrides.Select(granted => new OverrideDocument(granted))];
    }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>False where nothing ever happened in it: the limits are those with which its first call would make it. Left out where it
    /// exists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Exists { get; }

    /// <summary>The worst word of the limits that hold for the whole account; those with `each` have one per key.</summary>
    public string Status { get; }

    /// <summary>Whether every call is refused until the account is resumed.</summary>
    public bool Paused { get; }

    /// <summary>Why it is paused, where somebody said so.</summary>
    public string? PausedReason { get; }

    /// <summary>A page of its limits, each with its counter.</summary>
    public IReadOnlyList<LimitViewDocument> Limits { get; }

    /// <summary>Give it as `cursor` for the limits that follow; null at the end.</summary>
    public string? NextCursor { get; }

    /// <summary>What running calls hold.</summary>
    public HeldDocument Reservations { get; }

    /// <summary>The usage of the last 30 days.</summary>
    public UsageBreakdownDocument Breakdown { get; }

    /// <summary>The models that used most tokens in the last 30 days, at most five.</summary>
    public IReadOnlyList<TopModelDocument> TopModels { get; }

    /// <summary>Overrides that hold or are to hold.</summary>
    public IReadOnlyList<OverrideDocument> Overrides { get; }
}

public sealed class PauseDocument
{
    /// <summary>Why, for those who are refused and for the audit trail.</summary>
    public string? Reason { get; set; }

    /// <summary>Who says so, for the audit trail.</summary>
    public string? By { get; set; }
}

/// <summary>The body of operations that take nothing: absent, or an empty object.</summary>
public sealed class NothingDocument;

/// <summary>
/// A session as the records that are kept show it. `user` and `metadata` are those of its last call; `active`: the last call was less than
/// 24 hours ago, so that limits of a session's window still count it.
/// </summary>
/// <param name="Session">The session, as calls name it.</param>
/// <param name="TotalInputTokens">Input tokens.</param>
/// <param name="TotalOutputTokens">Output tokens.</param>
/// <param name="TotalTokens">Tokens, input and output together.</param>
/// <param name="TotalRequests">Requests, failed ones included.</param>
/// <param name="FailedRequests">Requests that failed.</param>
/// <param name="TotalCost">Money that was booked.</param>
/// <param name="Currency">The currency of the money beside it: three letters.</param>
/// <param name="StartedAt">When its first call was; null where there was none.</param>
/// <param name="LastUsedAt">When its last call was; null where there was none.</param>
/// <param name="DurationSeconds">Seconds between both.</param>
/// <param name="Active">Whether limits of a session's window still count it.</param>
/// <param name="User">The user of its last call.</param>
/// <param name="Metadata">The metadata of its last call.</param>
public sealed record SessionDocument(
    string Session, [property: DataType("whole")] Amount TotalInputTokens, [property: DataType("whole")] Amount TotalOutputTokens,
        [property: DataType("whole")] Amount TotalTokens, [property: DataType("whole")] Amount TotalRequests,
            [property: DataType("whole")] Amount FailedRequests,
        [property: DataType("money")] string TotalCost, string Currency, Instant? StartedAt, Instant? LastUsedAt, long DurationSeconds,
            bool Active, string? User,
        FreeObject? Metadata)
{
    static readonly Duration longestPause = Duration.FromHours(24);

    internal static SessionDocument Of(SessionUse use, Instant now)
    {
        var tally = Tally.Of(use.Sums);
        var (last, duration) = (use.Last.At, use.Last.At - use.First);
        return new(
            use.Session, Amount.Whole(tally.InputTokens), Amount.Whole(tally.OutputTokens), Amount.Whole(tally.Tokens),
            Amount.Whole(tally.Requests), Amount.Whole(tally.FailedRequests), Money.Format(tally.CostNanos), use.Sums[0].Currency,
            use.First, last, (long)duration.TotalSeconds, now - last < longestPause, use.Last.Usage.Dimensions.User,
            use.Last.Usage.Metadata is { } metadata ? new FreeObject(metadata) : null);
    }

    internal static SessionDocument Unused(string session) => new(
        session, Amount.Whole(0), Amount.Whole(0), Amount.Whole(0), Amount.Whole(0), Amount.Whole(0), Money.Format(0),
        EffectivePolicy.None.Currency, null, null, 0, false, null, null);
}

/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record SessionsDocument(IReadOnlyList<SessionDocument> Items, string? NextCursor);
