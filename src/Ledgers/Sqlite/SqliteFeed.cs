// The feed over the SQLite file: positions are given under its one write lock, so commit order is their order.
using NodaTime;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    Task<FeedPage> IEventFeed.ReadAsync(long after, int most, CancellationToken cancellation) => Read(database =>
    {
        var head = HeadOf(database);
        var gone = database.Scalar("SELECT gone_to FROM feed_state") ?? 0;
        var entries = new List<FeedEntry>();
        using (var journal = database.Prepare(
            """
            SELECT position, accounts.account, version, at, events FROM journal JOIN accounts ON accounts.no = journal.account
            WHERE position > ? ORDER BY position LIMIT ?
            """))
        {
            journal.Add(after).Add(most);
            while (journal.Read())
                entries.Add(new(journal.Long(0), journal.Text(1), journal.Long(2), Instant.FromUnixTimeMilliseconds(journal.Long(3)),
                    journal.Blob(4).ToArray()));
        }
        var upTo = entries.Count == most ? entries[^1].Position : head;
        using (var announced = database.Prepare(
            "SELECT position, id, type, account, at, subject, severity, json FROM announcements WHERE position > ? AND position <= ? "
                + "ORDER BY position LIMIT ?"))
        {
            announced.Add(after).Add(upTo).Add(most);
            while (announced.Read())
            {
                var at = Instant.FromUnixTimeMilliseconds(announced.Long(4));
                entries.Add(new(announced.Long(0), announced.TextOrNull(3), 0, at, default, new(
                    announced.Text(1), announced.Text(2), announced.TextOrNull(3), at, announced.TextOrNull(5), announced.TextOrNull(6),
                    announced.Text(7))));
            }
        }
        return FeedPage.Of(entries, most, upTo, gone);
    }, cancellation);

    Task<long> IEventFeed.HeadAsync(CancellationToken cancellation) => Read(HeadOf, cancellation);

    Task<bool> IEventFeed.AnnounceAsync(Announcement announcement) => Writer.AnnounceAsync(announcement);

    static long HeadOf(Database database) => Math.Max(
        database.Scalar("SELECT max(position) FROM journal") ?? 0, database.Scalar("SELECT max(position) FROM announcements") ?? 0);
}
