// Walks the audit trail of an account and tells where what stands in it does not follow what stood before.
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// What a trail has: of <see cref="Entries"/> those before the chain began are <see cref="Unlinked"/>. <see cref="Link"/> is the last link,
/// of the entry <see cref="Version"/>; null where there is none.
/// </summary>
public sealed record AuditWalk(long Entries, long Unlinked, long Version, string? Link, IReadOnlyList<string> Breaks)
{
    /// <summary>The last link of each entry that was asked for.</summary>
    public IReadOnlyDictionary<long, string?> Asked { get; init; } = new Dictionary<long, string?>();
}

public static class AuditChain
{
    const int PerRead = 500;

    /// <summary>So many breaks of one trail are listed; more of them say nothing new.</summary>
    const int MostBreaks = 10;

    /// <param name="asked">Journal entries whose links are to be told.</param>
    public static async Task<AuditWalk> WalkAsync(IUsageQueries ledger, string account, IReadOnlyCollection<long>? asked = null,
        CancellationToken cancellation = default)
    {
        var (entries, unlinked, version, link) = (0L, 0L, 0L, (string?)null);
        var breaks = new List<string>();
        var found = new Dictionary<long, string?>();
        string? cursor = null;
        do
        {
            var page = await ledger.AuditAsync(account, cursor, PerRead, cancellation);
            foreach (var entry in page.Items)
            {
                entries++;
                if (asked?.Contains(entry.Version) == true) found[entry.Version] = entry.Event.Link;
                if (entry.Event.Link is not { } own)
                {
                    if (link is null) unlinked++;
                    else Broken($"entry {entry.Version} of the audit trail has no link, and others before it have");
                    continue;
                }
                if (own != AuditRules.LinkOf(link, account, entry.Version, entry.Event))
                    Broken($"entry {entry.Version} of the audit trail does not follow what stands before it");
                (version, link) = (entry.Version, own);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return new(entries, unlinked, version, link, breaks) { Asked = found };

        void Broken(string what)
        {
            if (breaks.Count < MostBreaks) breaks.Add(what);
        }
    }
}
