// The feed over PostgreSQL: positions come from one sequence, and a page ends before the first one that may still be taken.
using System.Diagnostics;
using NodaTime;
using Npgsql;
using NpgsqlTypes;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    Task<FeedPage> IEventFeed.ReadAsync(long after, int most, CancellationToken cancellation) => ReachAsync(async () =>
    {
        var settled = await SettledFeedAsync(after, cancellation);
        var entries = new List<FeedEntry>();
        // Where nothing is new, nothing but the newest position was asked for.
        if (settled <= after) return new FeedPage([], after, 0);
        await using (var journal = source.CreateCommand(
            "select position, account, version, at, events from journal where position > $1 and position <= $2 order by position limit $3"))
        {
            Between(journal, after, settled, most);
            await using var reader = await journal.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                entries.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2),
                    Instant.FromUnixTimeMilliseconds(reader.GetInt64(3)), reader.GetFieldValue<byte[]>(4)));
        }
        var upTo = entries.Count == most && most > 0 ? entries[^1].Position : settled;
        await using (var announced = source.CreateCommand(
            "select position, id, type, account, at, subject, severity, json from announcements where position > $1 and position <= $2 "
                + "order by position limit $3"))
        {
            Between(announced, after, upTo, most);
            await using var reader = await announced.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation)) entries.Add(AnnouncedOf(reader));
        }
        return FeedPage.Of(entries, most, upTo, await GoneToAsync(cancellation));
    });

    /// <summary>How far the feed was settled the last time that it was: what is settled stays so. -1 until it is seen.</summary>
    long settledFeed = -1;

    /// <summary>A place that is known is answered at once where somebody takes long, if it is behind by what came since. Where none is, 0
    /// would be the whole history: then it is waited for, and in the end refused.</summary>
    Task<long> IEventFeed.HeadAsync(CancellationToken cancellation) => ReachAsync(async () =>
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await SettledFeedAsync(-1, cancellation) is >= 0 and var settled) return settled;
            if (patience != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(since) >= patience)
                throw new LedgerUnavailableException(
                    "a transaction in PostgreSQL has written to the journal for so long that nobody can say where the events end: look in "
                        + "pg_stat_activity for what is idle in transaction, and end it (pg_terminate_backend)");
        }
    });

    /// <summary>What can be seen of the newest entries: nothing may come between the two reads, and nothing has to be settled.</summary>
    Task<Instant?> IEventFeed.NewestAtAsync() => ReachAsync(async () =>
    {
        await using var command = source.CreateCommand(
            """
            select max(at) from (
              (select at from journal order by position desc limit $1)
              union all (select at from announcements order by position desc limit $1)
            ) as last
            """);
        command.Parameters.Add(new() { Value = IEventFeed.LastEntries });
        return await command.ExecuteScalarAsync() is long at ? Instant.FromUnixTimeMilliseconds(at) : (Instant?)null;
    });

    Task<bool> IEventFeed.AnnounceAsync(Announcement announcement) => ReachAsync(async () =>
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // As the journal's writers do, before a position is taken: readers wait for who holds this.
        await using (
            var join = new NpgsqlCommand("lock table journal in row exclusive mode", connection)) await join.ExecuteNonQueryAsync();
        await using var add = new NpgsqlCommand(
            "insert into announcements (id, type, account, at, subject, severity, json) select $1, $2, $3, $4, $5, $6, $7 "
                + "where not exists (select 1 from announcements where id = $1) on conflict (id) do nothing", connection);
        foreach (var text in (string?[])[announcement.Id, announcement.Type, announcement.Account])
            add.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        add.Parameters.Add(new() { Value = announcement.At.ToUnixTimeMilliseconds() });
        foreach (var text in (string?[])[announcement.Subject, announcement.Severity, announcement.Json])
            add.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        var added = await add.ExecuteNonQueryAsync() == 1;
        await transaction.CommitAsync();
        return added;
    });

    /// <summary>The newest position below which nothing can come any more; where somebody takes long to end, the newest that is known to be
    /// such, <paramref name="known"/> at least.</summary>
    async Task<long> SettledFeedAsync(long known, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var newest = new NpgsqlCommand("select case when is_called then last_value else 0 end from feed_position", connection);
        var taken = (long)(await newest.ExecuteScalarAsync(cancellation))!;
        if (taken <= known) return taken;
        var seen = Volatile.Read(ref settledFeed);
        if (!await HaveEndedAsync(connection, "journal", cancellation)) return Math.Max(known, Volatile.Read(ref settledFeed));
        for (long other; seen < taken && (other = Interlocked.CompareExchange(ref settledFeed, taken, seen)) != seen;) seen = other;
        return taken;
    }

    async Task<long> GoneToAsync(CancellationToken cancellation)
    {
        await using var gone = source.CreateCommand("select gone_to from feed_state");
        return (long)(await gone.ExecuteScalarAsync(cancellation) ?? 0L);
    }

    static void Between(NpgsqlCommand command, long after, long upTo, int most)
    {
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = upTo });
        command.Parameters.Add(new() { Value = most });
    }

    static FeedEntry AnnouncedOf(NpgsqlDataReader reader)
    {
        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        var at = Instant.FromUnixTimeMilliseconds(reader.GetInt64(4));
        return new(reader.GetInt64(0), Text(3), 0, at, default,
            new(reader.GetString(1), reader.GetString(2), Text(3), at, Text(5), Text(6), reader.GetString(7)));
    }
}
