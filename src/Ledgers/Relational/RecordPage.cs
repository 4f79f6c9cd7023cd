// One page of usage records while it is filled: what of the rows that a database finds belongs into it, and where the next page begins.
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

/// <summary>A page of at most <paramref name="limit"/> records that fit the filter.</summary>
sealed class RecordPage(UsageFilter filter, int limit)
{
    readonly List<AccountRecord> items = [];
    UsageCursor last;
    bool hasMore;

    /// <summary>Takes the next row that the database found; false where the page is full, and the row is the first of the next
    /// page.</summary>
    public bool Take(UsageCursor place, string account, UsageRecord record)
    {
        // A database may find more than was asked for: some conditions only the whole record tells.
        if (filter.NeedsLook && !record.Fits(account, filter)) return true;
        if (items.Count == limit)
        {
            hasMore = true;
            return false;
        }
        items.Add(new(account, record));
        last = place;
        return true;
    }

    public Page<AccountRecord> Made() => new(items, hasMore ? last.ToString() : null);
}
