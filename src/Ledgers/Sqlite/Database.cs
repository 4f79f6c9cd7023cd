// One connection to the ledger's file, with the statements prepared on it.
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Purser.Ledgers.Sqlite;

/// <summary>Used by one thread at a time.</summary>
sealed class Database : IDisposable
{
    readonly SqliteConnection connection;
    readonly Dictionary<string, Statement> kept = [];

    /// <param name="path">The file.</param>
    /// <param name="pragmas">What holds for the connection.</param>
    /// <param name="makes">Makes the file where there is none.</param>
    /// <param name="neverChanges">For reading, and as a file that nobody writes: without a lock, and without a log.</param>
    public Database(string path, IEnumerable<string> pragmas, bool makes = false, bool neverChanges = false)
    {
        // Connections are kept by the ledger, with their statements; the pool of the driver would keep only the connections.
        connection = new(new SqliteConnectionStringBuilder { DataSource = neverChanges
            ? new UriBuilder("file", "") { Path = Path.GetFullPath(path), Query = "immutable=1" }.Uri.AbsoluteUri : path,
            Mode = neverChanges ? SqliteOpenMode.ReadOnly : makes ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            Pooling = false }.ToString());
        try
        {
            connection.Open();
            raw.sqlite3_extended_result_codes(Handle, 1);
            foreach (var pragma in pragmas) Run($"PRAGMA {pragma}");
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public sqlite3 Handle => connection.Handle!;

    /// <summary>A statement that is kept for the next use of the same text. Texts come from code, never from callers, so they are
    /// few.</summary>
    public Statement Prepare(string sql)
    {
        if (kept.TryGetValue(sql, out var statement)) return statement;
        return kept[sql] = new(this, Compile(sql), kept: true);
    }

    /// <summary>A statement whose text depends on what was asked; freed after use.</summary>
    public Statement PrepareOnce(string sql) => new(this, Compile(sql), kept: false);

    sqlite3_stmt Compile(string sql)
    {
        var result = raw.sqlite3_prepare_v2(Handle, sql, out var handle);
        return result == raw.SQLITE_OK ? handle : throw Fault(result);
    }

    public void Run(string sql)
    {
        using var statement = PrepareOnce(sql);
        while (statement.Read()) { }
    }

    /// <summary>Runs a script of several statements.</summary>
    public void RunScript(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public long? Scalar(string sql)
    {
        using var statement = PrepareOnce(sql);
        return statement.Read() ? statement.LongOrNull(0) : null;
    }

    /// <summary>Leaves the log beside the file as it is when this is closed, for whoever looks at what happened.</summary>
    public void KeepLog() => raw.sqlite3_db_config(Handle, NoCheckpointOnClose, 1, out _);

    /// <summary>SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE.</summary>
    const int NoCheckpointOnClose = 1006;

    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    public SqliteException Fault(int result) => new(raw.sqlite3_errmsg(Handle).utf8_to_string(), result & 0xff, result);

    public void Dispose()
    {
        foreach (var statement in kept.Values) statement.Free();
        connection.Dispose();
    }
}
