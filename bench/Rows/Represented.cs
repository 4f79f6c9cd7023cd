// Rollups that stand for more records than a store has: each as many times over. What a report reads is then what it would read of all of
// those, and they need not be booked first.
using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

static class Represented
{
    const int PerTransaction = 5000;

    const string ReadSome = "SELECT level, start, key, sums FROM rollups WHERE (level, start, key) > (@level, @start, @key) "
        + "ORDER BY level, start, key LIMIT @most";
    const string Change = "UPDATE rollups SET sums = @sums WHERE level = @level AND start = @start AND key = @key";

    readonly record struct Rollup(int Level, long Start, int Key, byte[] Sums);

    /// <summary>Nobody has the store open meanwhile.</summary>
    /// <param name="database">A database of PostgreSQL, or null.</param>
    /// <param name="folder">A folder with a store of SQLite, where that is null.</param>
    /// <param name="times">As many times each rollup counts.</param>
    public static async Task MakeAsync(string? database, string folder, long times)
    {
        await using DbConnection connection = database is not null ? new NpgsqlConnection(database)
            : new SqliteConnection($"Data Source={Path.Combine(folder, SqliteLedger.FileName)};Pooling=False");
        await connection.OpenAsync();
        var last = new Rollup(-1, long.MinValue, 0, []);
        while (true)
        {
            var some = await ReadAsync(connection, last);
            if (some.Count == 0) return;
            await using var transaction = await connection.BeginTransactionAsync();
            await using var change = connection.CreateCommand();
            change.Transaction = transaction;
            change.CommandText = Change;
            foreach (var one in some)
            {
                change.Parameters.Clear();
                Add(change, "@sums", Multiply(one.Sums, times));
                AddPlace(change, one);
                await change.ExecuteNonQueryAsync();
            }
            await transaction.CommitAsync();
            last = some[^1];
        }
    }

    static async Task<List<Rollup>> ReadAsync(DbConnection connection, Rollup after)
    {
        await using var read = connection.CreateCommand();
        read.CommandText = ReadSome;
        AddPlace(read, after);
        Add(read, "@most", PerTransaction);
        var some = new List<Rollup>();
        await using var rows = await read.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            some.Add(new(rows.GetInt16(0), rows.GetInt64(1), rows.GetInt32(2), rows.GetFieldValue<byte[]>(3)));
        return some;
    }

    static byte[] Multiply(byte[] sums, long times)
    {
        var all = new RollupSums();
        for (var time = 0L; time < times; time++) all.Add(sums);
        return all.Encode();
    }

    static void AddPlace(DbCommand command, Rollup place)
    {
        Add(command, "@level", place.Level);
        Add(command, "@start", place.Start);
        Add(command, "@key", place.Key);
    }

    static void Add(DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
