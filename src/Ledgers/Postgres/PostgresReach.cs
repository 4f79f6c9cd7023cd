// How far a host has seen its database, and which one it is: a database that was put back under a running host is not worked on.
using System.Globalization;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger
{
    /// <summary>One look after the other: what one has seen, the next must see.</summary>
    readonly SemaphoreSlim looks = new(1);

    /// <summary>Of the one that looks.</summary>
    (string Id, long Entry)? seen;

    /// <summary>What is wrong with the database; null where nothing is.</summary>
    volatile string? lost;

    /// <summary>Compares the database with what this host has seen of it, and gives its time. Where everything is there again, it goes
    /// on.</summary>
    async Task<NodaTime.Instant> LookAsync()
    {
        await looks.WaitAsync();
        try
        {
            await using var command = source.CreateCommand(
                """
                select (extract(epoch from clock_timestamp()) * 1000)::bigint, (select id from ledger),
                  (select coalesce(max(position), 0) from journal)
                """);
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            Judge(row.GetString(1), row.GetInt64(2));
            return NodaTime.Instant.FromUnixTimeMilliseconds(row.GetInt64(0));
        }
        finally
        {
            looks.Release();
        }
    }

    void Judge(string id, long entry)
    {
        const string whatToDo = "stop all hosts on it, bring back its newest state, or go on with this one by starting them again";
        if (seen is { } known && known.Id != id)
            lost = $"the database is another ledger than the one that this host works on: {whatToDo}";
        else if (seen is { } whole && entry < whole.Entry)
            lost = string.Create(CultureInfo.InvariantCulture,
                $"the database was put back to before what it acknowledged ({whole.Entry - entry} acknowledged entries are missing): ")
                    + whatToDo;
        else (seen, lost) = ((id, entry), null);
    }

    void ThrowIfLost()
    {
        if (lost is { } why) throw new LedgerUnavailableException("PostgreSQL: " + why) { IsLoss = true };
    }

    /// <summary>An account that stands at less than what this host was told of it: either a host was wrong about it, or the database
    /// went back.</summary>
    async Task<IReadOnlyList<AppendResult>> LookAtConflictsAsync(IReadOnlyList<Append> batch, IReadOnlyList<AppendResult> results)
    {
        for (var i = 0; i < batch.Count; i++)
            if (results[i].Status == AppendStatus.Conflict && results[i].Version < batch[i].ExpectedVersion)
            {
                await LookAsync();
                ThrowIfLost();
                break;
            }
        return results;
    }
}
