// A prepared statement over the raw interface of SQLite: a batch runs thousands, and parameters by name would cost more than the insert.
using System.Text;
using SQLitePCL;

namespace Purser.Ledgers.Sqlite;

/// <summary>Used by one thread at a time. Disposing makes it ready for its next use (or frees it, where it is not kept).</summary>
sealed class Statement(Database database, sqlite3_stmt handle, bool kept) : IDisposable
{
    int bound;

    public Statement Add(long value) => Checked(raw.sqlite3_bind_int64(handle, ++bound, value));

    public Statement Add(bool value) => Add(value ? 1L : 0L);

    public Statement Add(long? value) => value is { } given ? Add(given) : Checked(raw.sqlite3_bind_null(handle, ++bound));

    public Statement Add(string? value)
    {
        if (value is null) return Checked(raw.sqlite3_bind_null(handle, ++bound));
        // An empty span has no address and would be bound as null.
        if (value.Length == 0) return Checked(raw.sqlite3_bind_text(handle, ++bound, ""));
        if (value.Length > 256) return Checked(raw.sqlite3_bind_text(handle, ++bound, (ReadOnlySpan<byte>)Encoding.UTF8.GetBytes(value)));
        Span<byte> utf8 = stackalloc byte[768];
        var length = Encoding.UTF8.GetBytes(value, utf8);
        return Checked(raw.sqlite3_bind_text(handle, ++bound, (ReadOnlySpan<byte>)utf8[..length]));
    }

    public Statement Add(ReadOnlySpan<byte> value) => Checked(raw.sqlite3_bind_blob(handle, ++bound, value));

    /// <summary>The next row; false at the end.</summary>
    public bool Read()
    {
        var result = raw.sqlite3_step(handle);
        if (result == raw.SQLITE_ROW) return true;
        if (result == raw.SQLITE_DONE) return false;
        throw database.Fault(result);
    }

    /// <summary>Runs a statement that returns no rows.</summary>
    public void Run() => Read();

    public long Long(int column) => raw.sqlite3_column_int64(handle, column);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);

    /// <summary>Valid until the next row.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    // As bytes: the text interface ends at a zero character.
    public string Text(int column) => Encoding.UTF8.GetString(Blob(column));

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    Statement Checked(int result) => result == raw.SQLITE_OK ? this : throw database.Fault(result);

    /// <summary>Ready for other values.</summary>
    public void Reset()
    {
        bound = 0;
        // The result repeats the failure of the last step, which was thrown already.
        raw.sqlite3_reset(handle);
    }

    public void Dispose()
    {
        Reset();
        if (!kept) handle.Dispose();
    }

    public void Free() => handle.Dispose();
}
