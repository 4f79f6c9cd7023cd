// What somebody decided about an account: policy changes, pauses, overrides, erasures, usage rated anew.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>
/// `action` is policyChanged, defaultPolicyAdopted, paused, resumed, overrideAdded, overrideRemoved, usageErased, usageAnonymized,
/// usageVoided, usageCorrected, credited or repriced; `version` is the journal entry that it stands in. The other members are there where
/// the action has them.
/// </summary>
public sealed class AuditItemDocument
{
    internal AuditItemDocument(AuditEntry entry)
    {
        Version = entry.Version;
        At = entry.Event.At;
        KeyId = entry.Event.KeyId;
        Link = entry.Event.Link;
        (Action, By, Reason) = entry.Event switch
        {
            PolicyChanged changed => (changed.Policy is null ? "defaultPolicyAdopted" : "policyChanged", changed.By, changed.Reason),
            AccountPaused paused => ("paused", paused.By, paused.Reason),
            AccountResumed resumed => ("resumed", resumed.By, resumed.Reason),
            OverrideAdded added => ("overrideAdded", added.Terms.CreatedBy, added.Terms.Reason),
            OverrideRemoved removed => ("overrideRemoved", removed.RemovedBy, removed.Reason),
            UsageErased erased => (erased.Anonymizes ? "usageAnonymized" : "usageErased", erased.By, erased.Reason),
            Recorded { Record: var record } => (record.Kind switch
            {
                RecordKind.Void => "usageVoided",
                RecordKind.Correction => "usageCorrected",
                RecordKind.Credit => "credited",
                _ => "repriced",
            }, record.CorrectedBy, record.Reason),
            _ => throw new System.Diagnostics.UnreachableException(entry.Event.GetType().Name),
        };
        switch (entry.Event)
        {
            case PolicyChanged { Policy: { } policy } changed:
                PolicyVersion = changed.PolicyVersion;
                Policy = PolicyDocument.Of(policy, changed.PolicyVersion);
                break;
            case OverrideAdded added:
                (OverrideId, LimitId, Key, ExpiresAt) = (added.Id, added.Terms.LimitId, added.Terms.Key, added.Terms.ExpiresAt);
                (Window, Unit) = (added.Terms.Window, added.Terms.Unit ?? added.Unit);
                Additional = Amount.Of(new Quantity(Unit ?? LimitUnit.Tokens, added.Terms.Additional));
                break;
            case OverrideRemoved removed:
                OverrideId = removed.Id;
                break;
            case Recorded { Record: var record }:
                (UsageId, Cost, Currency) = (record.Corrects, Money.Format(record.Amounts.CostNanos), record.Currency);
                break;
            case UsageErased erased:
                User = erased.User;
                break;
        }
    }

    /// <summary>The entry of the account's journal that it stands in.</summary>
    public long Version { get; }

    /// <summary>When it was decided.</summary>
    public Instant At { get; }

    /// <summary>What was decided.</summary>
    public string Action { get; }

    /// <summary>Who: whom the caller named, else the name of its key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? By { get; }

    /// <summary>The key that was shown: its id, `admin` for the first key, the subject of a token; absent where none was needed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyId { get; }

    /// <summary>Why, where they said so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; }

    /// <summary>The hash that holds the entry to the one before it; absent in entries from before there was a chain.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Link { get; }

    /// <summary>The version that the policy got.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? PolicyVersion { get; }

    /// <summary>As it was set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PolicyDocument? Policy { get; }

    /// <summary>The override.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OverrideId { get; }

    /// <summary>The limit, as the policy names it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LimitId { get; }

    /// <summary>The value whose counter the override is for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; }

    /// <summary>The window of the limits that an override is for, where it names no limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Window? Window { get; }

    /// <summary>What <see cref="Additional"/> is in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LimitUnit? Unit { get; }

    /// <summary>Tokens or requests as a number, money as a decimal string.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Amount? Additional { get; }

    /// <summary>When the override ends.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Instant? ExpiresAt { get; }

    /// <summary>The usage that was rated anew, and the difference that it made.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UsageId { get; }

    /// <summary>The difference in money.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [DataType("money")]
    public string? Cost { get; }

    /// <summary>The currency of the money beside it: three letters.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Currency { get; }

    /// <summary>Whose records were erased; absent where all were.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? User { get; }
}

/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record AuditDocument(IReadOnlyList<AuditItemDocument> Items, string? NextCursor);

/// <param name="Account">The account.</param>
/// <param name="User">The user whose records were erased; null for all.</param>
/// <param name="Erased">Whether that is done already; else it is in a moment.</param>
/// <param name="Mode">erase: the records are gone; anonymize: their amounts are left.</param>
public sealed record ErasureDocument(string Account, string? User, bool Erased, string Mode);
