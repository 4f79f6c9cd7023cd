// A SQLite ledger that can be written, and what becomes of one that for a while can only be read: it answers what it knows, and opens for
// writing as soon as that works.
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Purser.Engine;
using SQLitePCL;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    static readonly TimeSpan betweenTries = TimeSpan.FromSeconds(1);

    /// <summary>What it takes to write: the lock of the folder, the file (see <see cref="Standing"/>), the mark, the writer.</summary>
    sealed record Writable(Standing Held, Standing File, SqliteMark Mark, SqliteWriter Writer) : IDisposable
    {
        /// <summary>The writer has ended before: it writes all that waits. So have the readers.</summary>
        public void Dispose()
        {
            Mark.Dispose();
            File.Dispose();
            Held.Dispose();
        }
    }

    /// <summary>
    /// A file that is kept open to see whether it still lies under its name. One of a database is closed after every connection to it: with
    /// any descriptor of a file a process gives back the locks that it has on it, those of SQLite as well.
    /// </summary>
    sealed class Standing(FileStream file) : IDisposable
    {
        readonly string? place = PlaceOf(file);

        public static Standing Of(string path) => new(new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0));

        /// <summary>Whether it was neither removed, nor moved away, nor replaced. Where the system does not tell, a name that is there is
        /// taken for it.</summary>
        public bool IsStill => File.Exists(file.Name) && PlaceOf(file) == place;

        static string? PlaceOf(FileStream file) =>
            new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget;

        public void Dispose() => file.Dispose();
    }

    /// <summary>Null while the ledger can only be read.</summary>
    volatile Writable? writable;

    /// <summary>What the rows of heads do not say while nobody can write.</summary>
    readonly SqliteHeads headsWhileReading = new();

    internal int WaitingWrites => writable?.Writer.Waiting ?? 0;

    SqliteHeads Heads => writable?.Writer.Unwritten ?? headsWhileReading;

    /// <summary>Held by readers as long as nobody can write.</summary>
    readonly ReaderWriterLockSlim changing = new();

    readonly Lock opening = new();
    FileStream? heldForReading;
    LedgerUnavailableException? notWritable;
    long tried;

    /// <summary>Why nothing can be written; null where it can.</summary>
    public string? ReadOnlyBecause => writable is null ? notWritable?.Message : null;

    /// <summary>The writer; where there is none yet, the folder is tried again, once a second at most.</summary>
    SqliteWriter Writer
    {
        get
        {
            ThrowIfLockIsLost();
            return (writable ?? OpenAgain()).Writer;
        }
    }

    static (Writable Open, LedgerUnavailableException? Loss, LedgerReach Reach, LedgerReach Marked) OpenForWriting(
        string folder, bool acceptLoss)
    {
        var held = new Standing(Hold(folder));
        var path = Path.Combine(folder, FileName);
        Database? database = null;
        Standing? file = null;
        SqliteMark? mark = null;
        try
        {
            var marked = MarkOf(folder, acceptLoss);
            if (!acceptLoss) RefuseGone(path, marked);
            database = new(path, writerPragmas, makes: true);
            file = Standing.Of(path);
            var loss = marked is null ? null : LossOf(path, ReachOf(database), marked);
            if (loss is not null && !acceptLoss)
            {
                database.KeepLog();
                throw loss;
            }
            SqliteSchema.Migrate(database);
            var (id, reach) = ReachOf(database);
            mark = SqliteMark.Open(folder, id!, reach);
            // Positions that were shown to somebody are not given out again.
            var writer = new SqliteWriter(database, mark, reach, marked?.Reach ?? reach);
            return (new(held, file, mark, writer), loss, reach, marked?.Reach ?? reach);
        }
        catch (Exception fault)
        {
            mark?.Dispose();
            database?.Dispose();
            file?.Dispose();
            held.Dispose();
            if (fault is SqliteException refusal) throw SqliteOpening.File(path, refusal);
            if (fault is IOException or UnauthorizedAccessException) throw SqliteOpening.Folder(folder, fault);
            throw;
        }
    }

    /// <summary>Whether a ledger did not open for want of room or of the right to write, so that it may still be read.</summary>
    static bool IsWantOfWriting(LedgerUnavailableException fault) => fault.InnerException switch
    {
        SqliteException sqlite =>
            sqlite.SqliteErrorCode is raw.SQLITE_READONLY or raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN
            or raw.SQLITE_PERM,
        IOException or UnauthorizedAccessException => !SqliteOpening.IsInUse(fault.InnerException),
        _ => false,
    };

    /// <summary>Opens for reading what could not be opened for writing: a whole ledger of this schema. Everything else is the fault that
    /// it was.</summary>
    void OpenForReading(LedgerUnavailableException fault)
    {
        heldForReading = HoldForReading();
        try
        {
            var marked = MarkOf(folder, acceptLoss: false);
            RefuseGone(path, marked);
            using var database = NewReader();
            if (!SqliteSchema.IsCurrent(database)) throw fault;
            if (marked is not null && LossOf(path, ReachOf(database), marked) is { } loss) throw loss;
            headsWhileReading.Recover(database);
            (notWritable, tried) = (fault, Stopwatch.GetTimestamp());
        }
        catch (Exception unreadable) when (unreadable is SqliteException or IOException or UnauthorizedAccessException)
        {
            heldForReading?.Dispose();
            throw fault;
        }
        catch
        {
            heldForReading?.Dispose();
            throw;
        }
    }

    /// <summary>The lock, where there is a file to lock; where nobody may write, nobody can take it for writing either.</summary>
    FileStream? HoldForReading()
    {
        try
        {
            return new(Path.Combine(folder, LockName), FileMode.Open, FileAccess.Read, FileShare.None);
        }
        catch (IOException inUse) when (SqliteOpening.IsInUse(inUse))
        {
            throw SqliteOpening.Folder(folder, inUse);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A reader; without a log beside it the file is whole, and can be read where not even the index of a log can be
    /// made.</summary>
    Database NewReader() => new(path, readerPragmas,
        neverChanges: writable is null && new FileInfo(path + "-wal") is not { Exists: true, Length: > 0 });

    Writable OpenAgain()
    {
        // Whoever comes meanwhile is refused, and does not wait for a disk.
        if (!opening.TryEnter()) return writable ?? throw ForReadingOnly(notWritable ?? new("it is being opened"));
        try
        {
            if (writable is { } open) return open;
            if (closed) throw new LedgerUnavailableException("the ledger is closed");
            if (notWritable is { } known && Stopwatch.GetElapsedTime(tried) < betweenTries) throw ForReadingOnly(known);
            // Whoever reads now is let end; whoever comes meanwhile waits.
            changing.EnterWriteLock();
            try
            {
                while (readers.TryTake(out var reader)) reader.Dispose();
                heldForReading?.Dispose();
                heldForReading = null;
                writable = OpenForWriting(folder, acceptLoss: false).Open;
                notWritable = null;
                return writable;
            }
            catch (LedgerUnavailableException fault)
            {
                heldForReading = HoldForReading();
                (notWritable, tried) = (fault, Stopwatch.GetTimestamp());
                throw ForReadingOnly(fault);
            }
            finally
            {
                changing.ExitWriteLock();
            }
        }
        finally
        {
            opening.Exit();
        }
    }

    static LedgerUnavailableException ForReadingOnly(LedgerUnavailableException why) =>
        new($"nothing can be written for now, what there is can be read: {why.Message}", why)
        {
            Reason = SqliteOpening.ReasonOf(why.InnerException) ?? why.Reason,
        };

    long lookedAtLock;
    volatile string? lostLock;

    /// <summary>
    /// A lock file that somebody removed or replaced locks nobody out, and a database that was removed or replaced is written for nobody:
    /// from then on nothing is acknowledged. Looked at once a second, and whenever somebody asks.
    /// </summary>
    void ThrowIfLockIsLost(bool asked = false)
    {
        if (lostLock is null && writable is { } open
            && (asked || Stopwatch.GetElapsedTime(Volatile.Read(ref lookedAtLock)) >= betweenTries))
        {
            Volatile.Write(ref lookedAtLock, Stopwatch.GetTimestamp());
            if (!open.Held.IsStill) lostLock = LockName;
            else if (!open.File.IsStill) lostLock = FileName;
        }
        if (lostLock is { } gone)
            throw new LedgerUnavailableException(
                $"{Path.Combine(Path.GetFullPath(folder), gone)} was removed or replaced while this host had it, so that another one may "
                    + "serve the folder: stop both, and start one again")
            {
                Reason = $"{gone} was removed or replaced while this host had it",
            };
    }
}
