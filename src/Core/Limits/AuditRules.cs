// The audit trail of an account: which events stand in it, and the chain of hashes that holds them together.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Core;

public static class AuditRules
{
    /// <summary>What somebody decided about an account, and not what its calls did.</summary>
    public static bool Has(BudgetEvent happened) =>
        happened is PolicyChanged or AccountPaused or AccountResumed or OverrideAdded or OverrideRemoved or UsageErased
            or Recorded { Record: { Corrects: not null } or { Kind: RecordKind.Credit } };

    /// <summary>The events of a command, those of the trail with the key of whoever sent it.</summary>
    internal static IReadOnlyList<BudgetEvent> Decided(IReadOnlyList<BudgetEvent> events, string keyId) =>
        events.Any(Has) ? [.. events.Select(happened => Has(happened) ? happened with { KeyId = keyId } : happened)] : events;

    /// <summary>The events that happen to an account next, those of the trail linked to what stands in it before them.</summary>
    internal static IReadOnlyList<BudgetEvent> Linked(BudgetState state, IReadOnlyList<BudgetEvent> events)
    {
        BudgetEvent[]? linked = null;
        var last = state.AuditLink;
        for (var i = 0; i < events.Count; i++)
        {
            if (!Has(events[i])) continue;
            last = LinkOf(last, state.Account, state.Version + 1, events[i]);
            (linked ??= [.. events])[i] = events[i] with { Link = last };
        }
        return linked ?? events;
    }

    /// <summary>
    /// The link of an event: SHA-256 over the link before it, the account, the number of the journal entry and the event's JSON form, so
    /// that none can be taken out, changed or moved without breaking those behind it. The context of its call is no part of it: what was
    /// decided is the same for whoever is followed.
    /// </summary>
    public static string LinkOf(string? before, string account, long version, BudgetEvent happened)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{before}\n{account}\n{version}\n")));
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(
            happened is { Link: null, Trace: null } ? happened : happened with { Link = null, Trace = null },
                CoreJson.Default.BudgetEvent));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
