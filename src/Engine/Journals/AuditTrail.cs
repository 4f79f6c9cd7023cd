// What stands in the audit trail of an account: what somebody decided about it, and not what its calls did.
using Purser.Core;

namespace Purser.Engine;

/// <summary>One event of the trail; <see cref="Version"/> is the journal entry that it stands in.</summary>
public sealed record AuditEntry(long Version, BudgetEvent Event);

public static class AuditTrail
{
    public static bool Has(BudgetEvent happened) => AuditRules.Has(happened);

    /// <summary>A page of the trail, from the entries that have some of it; <paramref name="entries"/> is one longer than the page where it
    /// goes on.</summary>
    public static Page<AuditEntry> PageOf(IReadOnlyList<JournalEntry> entries, int limit)
    {
        var shown = entries.Take(limit).ToArray();
        var items = shown.SelectMany(entry => entry.Events.Where(Has).Select(happened => new AuditEntry(entry.Version, happened)))
            .ToArray();
        return new(items, entries.Count > limit && limit > 0 ? CursorOf(shown[^1].Version) : null);
    }

    /// <summary>The cursor of what follows an entry.</summary>
    internal static string CursorOf(long version) => version.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Reads a cursor; a <see cref="FormatException"/> where it is none.</summary>
    public static long After(string? cursor) => cursor is null ? 0
        : long.TryParse(cursor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var version)
            ? version : throw new FormatException("the cursor is not one that a page ended with");

    /// <summary>The records of a journal after a version and up to another, without those that were erased later, one by one.</summary>
    public static async IAsyncEnumerable<UsageRecord> RecordsAsync(
        IJournal ledger, string account, long after, long upTo, IReadOnlyList<(long Version, UsageErased Erased)> erasures)
    {
        await foreach (var entry in JournalFold.EntriesAsync(ledger, account, after, upTo))
            foreach (var record in entry.Events.Select(Append.RecordOf).OfType<UsageRecord>())
                if (LeftOf(record, entry.Version, erasures) is { } left)
                    yield return left;
    }

    /// <summary>What later erasures leave of a record of an entry; null where nothing.</summary>
    public static UsageRecord? LeftOf(UsageRecord record, long version, IReadOnlyList<(long Version, UsageErased Erased)> erasures)
    {
        UsageRecord? left = record;
        foreach (var erasure in erasures)
            if (left is not null && erasure.Version >= version) left = erasure.Erased.LeftOf(left);
        return left;
    }

    /// <summary>What an erasure puts in the place of a record; null where it concerns another.</summary>
    public static UsageRecord? ReplacedBy(this UsageRecord record, UsageErased erased) =>
        erased.Erases(record) ? record.Erased() : erased.AnonymousOf(record);

    /// <summary>What is left of a record that was erased: its identity, so that a retry books nothing again.</summary>
    public static UsageRecord Erased(this UsageRecord record) => record with
    {
        Usage = new() { Success = record.Usage.Success, Requests = record.Usage.Requests },
        CanonicalProvider = null,
        CanonicalModel = null,
        IsErased = true,
    };

    /// <summary>Every erasure in the trail of an account.</summary>
    public static Task<IReadOnlyList<(long Version, UsageErased Erased)>> ErasuresAsync(IUsageQueries queries, string account) =>
        new KnownErasures(queries).OfAsync(account);
}

/// <summary>The erasures of accounts for who asks for them again and again: each time only the trail since the last time is read. For one
/// caller at a time.</summary>
public sealed class KnownErasures(IUsageQueries queries)
{
    readonly Dictionary<string, (string? ReadTo, List<(long Version, UsageErased Erased)> Found)> known = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<(long Version, UsageErased Erased)>> OfAsync(string account)
    {
        var (readTo, found) = known.TryGetValue(account, out var before) ? before : (null, []);
        for (string? next = readTo; ;)
        {
            var page = await queries.AuditAsync(account, next, 500);
            found.AddRange(page.Items.Where(item => item.Event is UsageErased).Select(item => (item.Version, (UsageErased)item.Event)));
            if (page.Items.Count > 0) readTo = AuditTrail.CursorOf(page.Items[^1].Version);
            known[account] = (readTo, found);
            if ((next = page.Next) is null) return found;
        }
    }
}
