// Whether a call may be made and why: decision, reservation, limit views, and the refusal that carries all of it.
using System.ComponentModel.DataAnnotations;
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
        GraceUntil = view.GraceUntil;
    }

    /// <summary>The limit, as the policy names it.</summary>
    public string LimitId { get; }

    /// <summary>What is counted.</summary>
    public LimitUnit Unit { get; }

    /// <summary>The window in which it is counted.</summary>
    public Window Window { get; }

    /// <summary>The value whose counter this is, for limits with `each`; else null.</summary>
    public string? Key { get; }

    /// <summary>How much there may be now, overrides included; null is unlimited.</summary>
    public Amount Amount { get; }

    /// <summary>What was used in the window.</summary>
    [Required]
    public Amount Settled { get; }

    /// <summary>What running calls hold in the window.</summary>
    [Required]
    public Amount Held { get; }

    /// <summary>What is left: amount less settled and held; null is unlimited.</summary>
    public Amount Remaining { get; }

    /// <summary>Settled in percent of the amount; 100 where the amount is 0, and 0 where it is unlimited.</summary>
    public decimal PercentUsed { get; }

    /// <summary>Settled and held in percent of the amount.</summary>
    public decimal PercentCommitted { get; }

    /// <summary>healthy, warning, critical or exceeded, by the policy's levels; unlimited limits are healthy.</summary>
    [AllowedValues("healthy", "warning", "critical", "exceeded")]
    public string Status { get; }

    /// <summary>When the window began; null where it has no beginning.</summary>
    public Instant? WindowStart { get; }

    /// <summary>When the window ends and the next one begins; null where it does not end by itself.</summary>
    public Instant? ResetsAt { get; }

    /// <summary>What the limit does to a call that does not fit: refuse it (hard), degrade it (adaptive), or only warn (soft).</summary>
    public Enforcement Enforcement { get; }

    /// <summary>Since when the count is complete, where records of the window were gone when the limit came; only shown there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? CountedSince { get; }

    /// <summary>Until when calls may go beyond the limit; only shown while they may.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? GraceUntil { get; }

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

    /// <summary>How much of the unit the call asks for.</summary>
    [JsonPropertyOrder(1)]
    [Required]
    public Amount Requested { get; }

    /// <summary>In how many seconds the call may fit; null where waiting can not help.</summary>
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

    /// <summary>What would help: reduceMaxOutputTokens, useModel, wait or requestOverride.</summary>
    public string Action { get; }

    /// <summary>The limit that it is about.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LimitId { get; }

    /// <summary>The largest number of output tokens that fits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxOutputTokens { get; }

    /// <summary>The provider of the model that fits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Provider { get; }

    /// <summary>The model that fits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Model { get; }

    /// <summary>What the call would cost with it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("money")]
    public string? Cost { get; }

    /// <summary>How long to wait.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seconds { get; }

    /// <summary>Until when to wait.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? Until { get; }

    /// <summary>How much an override would have to add.</summary>
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

    /// <summary>Its id: yours, or one that was made.</summary>
    public string Id { get; }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>Tokens that are held.</summary>
    public long Tokens { get; }

    /// <summary>Money that is held.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    public string Currency { get; }

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; }

    /// <summary>When it runs out, unless it is extended, settled or released.</summary>
    public Instant ExpiresAt { get; }

    /// <summary>What became of it: active, settled, released, expired or charged.</summary>
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

    /// <summary>The provider to call instead.</summary>
    public string? Provider { get; }

    /// <summary>The model to call instead.</summary>
    public string? Model { get; }

    /// <summary>The number of output tokens to ask for instead.</summary>
    public long? MaxOutputTokens { get; }

    /// <summary>Whether to call without tools.</summary>
    public bool DisableTools { get; }

    /// <summary>The temperature to call with instead.</summary>
    public decimal? Temperature { get; }

    /// <summary>What was done, in the policy's order.</summary>
    [AllowedValues("reduce_max_tokens", "use_smaller_model", "disable_tools", "reduce_temperature")]
    public IReadOnlyList<string> Measures { get; }

    /// <summary>How much less the changed call is expected to cost; null where either cost is not known.</summary>
    [DataType("money")]
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

    /// <summary>Whether the call may be made.</summary>
    public bool Allowed { get; }

    /// <summary>What is held for it; null where nothing is: after a check, or a refusal.</summary>
    public ReservationDocument? Reservation { get; }

    /// <summary>The limits that match the call, as they stand after the decision.</summary>
    public IReadOnlyList<LimitViewDocument> Limits { get; }

    /// <summary>Every limit that stands in the way; empty where the call is allowed.</summary>
    public IReadOnlyList<BlockerDocument> BlockedBy { get; }

    /// <summary>What would let a refused call pass.</summary>
    public IReadOnlyList<SuggestionDocument> Suggestions { get; }

    /// <summary>How the call has to be changed, where an adaptive limit degraded it; else null.</summary>
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

    /// <summary>What kind of problem it is: `urn:purser:problem:limit-exceeded`, `urn:purser:problem:paused` or
    /// `urn:purser:problem:rate-limited`.</summary>
    [JsonPropertyOrder(-4)]
    [DataType(DataType.Url)]
    public string Type { get; }

    /// <summary>The kind in words.</summary>
    [JsonPropertyOrder(-3)]
    public string Title { get; }

    /// <summary>The HTTP status: 429.</summary>
    [JsonPropertyOrder(-2)]
    public long Status { get; }

    /// <summary>Which limits are in the way, or why the account is paused.</summary>
    [JsonPropertyOrder(-1)]
    public string? Detail { get; }
}
