// Why a folder's ledger does not open, in one sentence: what is wrong, and what to do about it.
using Microsoft.Data.Sqlite;
using Purser.Engine;
using SQLitePCL;

namespace Purser.Ledgers.Sqlite;

static class SqliteOpening
{
    /// <summary>What .NET says where another process holds a file: the system's "try again" on Linux and macOS, and Windows' own.</summary>
    static readonly int[] inUse = [11, 35, unchecked((int)0x80070020)];

    /// <summary>What keeps a ledger from being written, for anybody; null where only the log can say it.</summary>
    public static string? ReasonOf(Exception? fault) => fault switch
    {
        SqliteException { SqliteErrorCode: raw.SQLITE_FULL } or IOException { HResult: NoSpace } => "the disk of the ledger is full",
        SqliteException { SqliteErrorCode: raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_CANTOPEN } or IOException
            or UnauthorizedAccessException => "the files of the ledger can not be written",
        SqliteException { SqliteErrorCode: raw.SQLITE_IOERR } => "the disk of the ledger is full, or fails",
        SqliteException { SqliteErrorCode: raw.SQLITE_BUSY or raw.SQLITE_LOCKED } => "another program holds the ledger",
        _ => null,
    };

    /// <summary>ENOSPC.</summary>
    const int NoSpace = 28;

    /// <summary>Whether another process has the file, and nothing else is wrong.</summary>
    public static bool IsInUse(Exception fault) => inUse.Contains(fault.HResult);

    /// <summary>The folder could not be made, or its lock not be taken.</summary>
    public static LedgerUnavailableException Folder(string folder, Exception fault)
    {
        var place = Path.GetFullPath(folder);
        if (IsInUse(fault))
            return new($"another host serves the data folder {place} (it holds {SqliteLedger.LockName}): stop that one or give this one a "
                + "folder of its own (PURSER_DATA); several hosts on one ledger need PURSER_LEDGER=postgres", fault);
        return FileInTheWay(place) is { } file
            ? new($"{file} is a file where the data folder {place} should be: name a folder with PURSER_DATA", fault)
            : new($"the data folder {place} can not be written ({OneLine(fault.Message)}): give this user the right to write there, or "
                + "name another folder with PURSER_DATA", fault);
    }

    /// <summary>The file could not be opened, read or brought up to date.</summary>
    public static LedgerUnavailableException File(string path, SqliteException fault) => new((fault.SqliteErrorCode switch
    {
        raw.SQLITE_NOTADB => $"the ledger {path} is not a SQLite database: restore it from a backup, or name another folder with "
            + "PURSER_DATA",
        raw.SQLITE_CORRUPT => $"the ledger {path} is damaged ({OneLine(fault.Message)}): restore it from a backup",
        raw.SQLITE_CANTOPEN => $"the ledger {path} can not be opened: see that it is a file and that this user may read and write it, or "
            + "name another folder with PURSER_DATA",
        raw.SQLITE_READONLY or raw.SQLITE_PERM => $"the ledger {path} can not be written: give this user the right to write it and the "
            + "files beside it",
        raw.SQLITE_FULL => $"the disk of the ledger {path} is full: make room there",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => $"another program holds the ledger {path}: stop it",
        _ => $"the ledger {path} can not be opened ({OneLine(fault.Message)}): if it is no ledger of Purser's, name another folder with "
            + "PURSER_DATA; if it is, restore it from a backup",
    }), fault);

    public static LedgerUnavailableException Newer(long schema, long known) => new(
        $"the ledger has schema {schema} and this program knows {known}: run the newer version of Purser that wrote it, or restore a "
            + $"backup");

    const string WhatToDo = "restore the newest backup into a new folder, or go on without them: `./run verify --accept-loss`";

    public static LedgerUnavailableException Loss(string path, string missing) => new(
        $"the ledger {path} ends before what it acknowledged ({missing} are missing): {WhatToDo}") { IsLoss = true };

    public static LedgerUnavailableException Gone(string path, string? missing) => new(
        $"the ledger {path} is gone or empty ({missing ?? "its log is still there: all that it acknowledged"} are missing): {WhatToDo}")
    {
        IsLoss = true,
    };

    public static LedgerUnavailableException Another(string path) => new(
        $"the ledger {path} is another one than that which served this folder: put the right file back, or take this one for it: "
            + "`./run verify --accept-loss`") { IsLoss = true };

    public static LedgerUnavailableException Mark(string path, Exception fault) => new(
        $"the mark {path} can not be read ({OneLine(fault.Message)}), so nobody knows whether the ledger is whole: see that it is, and "
            + $"make "
            + "a new one: `./run verify --accept-loss`", fault) { IsLoss = true };

    static string? FileInTheWay(string? path)
    {
        for (; path is not null; path = Path.GetDirectoryName(path))
            if (System.IO.File.Exists(path))
                return path;
        return null;
    }

    static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
