// The holds of a past time as the journal of an account tells them: what was taken, extended, and given back without being used.
using System.Globalization;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public static class HoldTrail
{
    /// <summary>What a hold used, in parts or charged, is told by the records of it.</summary>
    public static bool Has(BudgetEvent happened) => happened is Held or HoldExtended or Released or Expired { Charge: null };

    /// <summary>A page of entries between two instants. What was compacted is left out; a cursor that makes no sense is a <see
    /// cref="FormatException"/>.</summary>
    public static async Task<Page<AuditEntry>> ReadAsync(IJournal journal, string account, Instant from, Instant to, string? cursor,
        int limit)
    {
        var given = AuditTrail.After(cursor);
        for (; ; )
            try
            {
                var after = cursor is not null ? given : await LastBeforeAsync(journal, account, from);
                var entries = await journal.ReadJournalAsync(account, after, limit);
                var items = entries.Where(entry => entry.At < to)
                    .SelectMany(entry => entry.Events.Where(Has).Select(happened => new AuditEntry(entry.Version, happened))).ToArray();
                var goesOn = entries.Count == limit && limit > 0 && entries[^1].At < to;
                return new(items, goesOn ? entries[^1].Version.ToString(CultureInfo.InvariantCulture) : null);
            }
            catch (CompactedJournalException)
            {
                // What was to follow is gone meanwhile: the page goes on with what is there.
                given = Math.Max(given, await FirstAsync(journal, account));
            }
    }

    static async Task<long> FirstAsync(IJournal journal, string account) => (await journal.LoadCheckpointAsync(account))?.Version ?? 0;

    /// <summary>The version of the last entry before an instant: times never run backwards within a journal, so halving finds it.</summary>
    static async Task<long> LastBeforeAsync(IJournal journal, string account, Instant at)
    {
        var (before, step) = (await FirstAsync(journal, account), 1L);
        while (await IsBeforeAsync(before + step))
        {
            before += step;
            step *= 2;
        }
        for (var beyond = before + step; beyond - before > 1;)
        {
            var middle = before + (beyond - before) / 2;
            if (await IsBeforeAsync(middle)) before = middle;
            else beyond = middle;
        }
        return before;

        async Task<bool> IsBeforeAsync(long version) =>
            await journal.ReadJournalAsync(account, version - 1, 1) is [var entry] && entry.At < at;
    }
}
