// An account as it stands, and lists of accounts.
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>`worstLimit` is the limit that is used up most; null where the account has none. `percentUsed` is its.</summary>
public sealed record AccountDocument(string Account, string Status, bool Paused, decimal PercentUsed, LimitViewDocument? WorstLimit)
{
    internal static AccountDocument Of(AccountStanding standing) => new(
        standing.Account, standing.Status, standing.Paused, standing.Worst?.PercentUsed ?? 0, standing.Worst is { } worst
            ? new(worst) : null);
}

/// <summary>What is left of a budget, without its past.</summary>
public sealed record RemainingDocument(string Account, string Status, bool Paused, string? PausedReason,
    IReadOnlyList<LimitViewDocument> Limits);

public sealed record AccountsDocument(IReadOnlyList<AccountDocument> Items, string? NextCursor);

public sealed record HeldDocument(long Active, long Tokens);

/// <summary>The usage of a period: the last 30 days where none was asked for.</summary>
public sealed record UsageBreakdownDocument(
    Instant From, Instant To, Amount InputTokens, Amount OutputTokens, Amount TotalTokens, Amount TotalRequests, Amount FailedRequests,
        string TotalCost);

public sealed record TopModelDocument(string? Model, Amount TotalTokens, Amount TotalRequests, string TotalCost, decimal Percentage);

public sealed class StatusDocument
{
    internal StatusDocument(AccountOverview overview)
    {
        var (status, usage) = (overview.Status, overview.Usage);
        Account = status.Account;
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

    public string Account { get; }
    /// <summary>The worst word of the limits that hold for the whole account; those with `each` have one per key.</summary>
    public string Status { get; }
    public bool Paused { get; }
    public string? PausedReason { get; }
    public IReadOnlyList<LimitViewDocument> Limits { get; }

    /// <summary>Give it as `cursor` for the limits that follow; null at the end.</summary>
    public string? NextCursor { get; }
    public HeldDocument Reservations { get; }
    public UsageBreakdownDocument Breakdown { get; }
    public IReadOnlyList<TopModelDocument> TopModels { get; }
    public IReadOnlyList<OverrideDocument> Overrides { get; }
}

public sealed class PauseDocument
{
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
public sealed record SessionDocument(
    string Session, Amount TotalInputTokens, Amount TotalOutputTokens, Amount TotalTokens, Amount TotalRequests, Amount FailedRequests,
        string TotalCost, string Currency, Instant? StartedAt, Instant? LastUsedAt, long DurationSeconds, bool Active, string? User,
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

public sealed record SessionsDocument(IReadOnlyList<SessionDocument> Items, string? NextCursor);
