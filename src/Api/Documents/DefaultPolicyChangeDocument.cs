// Who changed the default policy, from what to what, and why: for its history and for the event of the change.
using System.Text.Json;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <param name="Items">What was changed lately, newest last.</param>
public sealed record DefaultPolicyHistoryDocument(IReadOnlyList<DefaultPolicyChangeDocument> Items);

/// <param name="Version">The version of the default policy that the change made.</param>
/// <param name="ChangedAt">When.</param>
/// <param name="By">Who changed it.</param>
/// <param name="KeyId">The key that they showed; null where none was needed.</param>
/// <param name="Reason">Why, for the audit trail.</param>
/// <param name="Before">The policy before; null where nobody had put one.</param>
/// <param name="After">The policy since.</param>
public sealed record DefaultPolicyChangeDocument(long Version, Instant ChangedAt, string? By, string? KeyId, string? Reason,
    PolicyDocument? Before, PolicyDocument After)
{
    internal static DefaultPolicyChangeDocument Of(SettingsChange change) => new(change.Version, change.At, change.ChangedBy,
        change.KeyId, change.Reason, OfKept(change.Before), OfKept(change.After)!);

    static PolicyDocument? OfKept(string? kept) =>
        kept is not null && JsonSerializer.Deserialize(kept, CoreJson.Default.Policy) is { } policy
            ? PolicyDocument.Of(policy, null) : null;

    /// <summary>A policy as settings keep it, in the form of the document; null where there was none.</summary>
    internal static string? TextOf(string? kept) =>
        OfKept(kept) is { } document ? JsonSerializer.Serialize(document, ApiJson.Default.PolicyDocument) : null;
}
