// Whether a call may be made and why: decision, reservation, limit views, and the refusal that carries all of it.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public class LimitViewDocument
{
    internal LimitViewDocument(LimitView view)
    {
        LimitId = view.LimitId;
        Unit = view.Unit;
        Window = view.Window;
        Key = view.Key;
        Amount = Amount.Of(view.Amount);
        Settled = Amount.Of(view.Settled);
        Held = Amount.Of(view.Held);
        Remaining = Amount.Of(view.Remaining);
        PercentUsed = view.PercentUsed;
        PercentCommitted = view.PercentCommitted;
        Status = view.Status;
        WindowStart = view.WindowStart;
        ResetsAt = view.ResetsAt;
        Enforcement = view.Enforcement;
        CountedSince = view.CountedSince;
    }

    public string LimitId { get; }
    public LimitUnit Unit { get; }
    public Window Window { get; }
    public string? Key { get; }
    public Amount Amount { get; }
    public Amount Settled { get; }
    public Amount Held { get; }
    public Amount Remaining { get; }
    public decimal PercentUsed { get; }
    public decimal PercentCommitted { get; }
    public string Status { get; }
    public Instant? WindowStart { get; }
    public Instant? ResetsAt { get; }

    /// <summary>What the limit does to a call that does not fit: refuse it (hard), degrade it (adaptive), or only warn (soft).</summary>
    public Enforcement Enforcement { get; }

    /// <summary>Since when the count is complete, where records of the window were gone when the limit came; only shown there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? CountedSince { get; }

    internal static LimitViewDocument[] Of(IReadOnlyList<LimitView> views)
    {
        var documents = new LimitViewDocument[views.Count];
        for (var i = 0; i < documents.Length; i++) documents[i] = new(views[i]);
        return documents;
    }
}

/// <summary>A limit that stands in the way. `retryAfterSeconds` is null where waiting can not help.</summary>
public sealed class BlockerDocument : LimitViewDocument
{
    internal BlockerDocument(Blocker blocker) : base(blocker.Limit)
    {
        Requested = Amount.Of(blocker.Requested);
        RetryAfterSeconds = blocker.RetryAfterSeconds;
    }

    [JsonPropertyOrder(1)]
    public Amount Requested { get; }

    [JsonPropertyOrder(1)]
    public long? RetryAfterSeconds { get; }

    internal static BlockerDocument[] Of(IReadOnlyList<Blocker> blockers) => blockers.Count == 0
        ? [] : [.. blockers.Select(blocker => new BlockerDocument(blocker))];
}

public sealed class SuggestionDocument
{
    internal SuggestionDocument(Suggestion suggestion)
    {
        Action = suggestion.Action;
        LimitId = suggestion.LimitId;
        MaxOutputTokens = suggestion.MaxOutputTokens;
        Provider = suggestion.Provider;
        Model = suggestion.Model;
        Cost = suggestion.Cost;
        Seconds = suggestion.Seconds;
        Until = suggestion.Until;
        Additional = suggestion.Additional is { } additional ? Amount.Of(additional) : null;
    }

    public string Action { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LimitId { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxOutputTokens { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Provider { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Model { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cost { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seconds { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? Until { get; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Amount? Additional { get; }

    internal static SuggestionDocument[] Of(IReadOnlyList<Suggestion> suggestions) =>
        suggestions.Count == 0 ? [] : [.. suggestions.Select(suggestion => new SuggestionDocument(suggestion))];
}

public sealed class ReservationDocument
{
    internal ReservationDocument(ReservationView view)
    {
        Id = view.Id;
        Account = view.Account;
        Tokens = view.Tokens;
        Cost = view.Cost;
        Currency = view.Currency;
        CreatedAt = view.CreatedAt;
        ExpiresAt = view.ExpiresAt;
        State = view.State;
    }

    public string Id { get; }
    public string Account { get; }
    public long Tokens { get; }
    public string Cost { get; }
    public string Currency { get; }
    public Instant CreatedAt { get; }
    public Instant ExpiresAt { get; }
    public ReservationState State { get; }
}

/// <summary>How the call has to be changed so that it is the one that was admitted; a member is null where it stays as it was asked
/// for.</summary>
public sealed class ChangesDocument
{
    internal ChangesDocument(CallChanges changes)
    {
        Provider = changes.Provider;
        Model = changes.Model;
        MaxOutputTokens = changes.MaxOutputTokens;
        DisableTools = changes.DisableTools;
        Temperature = changes.Temperature;
        Measures = [.. changes.Measures.Select(AdaptiveDocument.WordOf)];
        Saving = changes.Saving;
    }

    public string? Provider { get; }
    public string? Model { get; }
    public long? MaxOutputTokens { get; }
    public bool DisableTools { get; }
    public decimal? Temperature { get; }

    /// <summary>What was done, in the policy's order.</summary>
    public IReadOnlyList<string> Measures { get; }

    /// <summary>How much less the changed call is expected to cost; null where either cost is not known.</summary>
    public string? Saving { get; }
}

public class DecisionDocument
{
    internal DecisionDocument(Decision decision)
    {
        Allowed = decision.Allowed;
        Reservation = decision.Reservation is { } reservation ? new(reservation) : null;
        Limits = LimitViewDocument.Of(decision.Limits);
        BlockedBy = BlockerDocument.Of(decision.BlockedBy);
        Suggestions = SuggestionDocument.Of(decision.Suggestions);
        Changes = decision.Changes is { } changes ? new(changes) : null;
        ShadowBlockedBy = decision.ShadowBlockedBy.Count == 0 ? null : BlockerDocument.Of(decision.ShadowBlockedBy);
        Warnings = BlockerDocument.Of(decision.Warnings);
        PausedReason = decision.PausedReason;
    }

    public bool Allowed { get; }
    public ReservationDocument? Reservation { get; }
    public IReadOnlyList<LimitViewDocument> Limits { get; }
    public IReadOnlyList<BlockerDocument> BlockedBy { get; }
    public IReadOnlyList<SuggestionDocument> Suggestions { get; }
    public ChangesDocument? Changes { get; }

    /// <summary>Soft limits that the call goes beyond; they refuse nothing.</summary>
    public IReadOnlyList<BlockerDocument> Warnings { get; }

    /// <summary>Limits in shadow mode that would have refused; only shown where there are any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BlockerDocument>? ShadowBlockedBy { get; }

    /// <summary>Why the account is paused; only shown where it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PausedReason { get; }
}

/// <summary>A decision against a call, as problem details.</summary>
public sealed class RefusalDocument : DecisionDocument
{
    internal RefusalDocument(ProblemDocument problem, Decision decision) : base(decision)
    {
        Type = problem.Type;
        Title = problem.Title;
        Status = problem.Status;
        Detail = problem.Detail;
    }

    [JsonPropertyOrder(-4)]
    public string Type { get; }

    [JsonPropertyOrder(-3)]
    public string Title { get; }

    [JsonPropertyOrder(-2)]
    public long Status { get; }

    [JsonPropertyOrder(-1)]
    public string? Detail { get; }
}
