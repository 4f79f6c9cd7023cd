// `restore FILE`: a backup into an empty ledger, of either kind.
using System.CommandLine;
using System.Text.Json.Nodes;
using Purser.Engine;
using Purser.Ledgers.Sqlite;
using Spectre.Console;

namespace Purser.Api;

static class RestoreCommand
{
    /// <summary>The ledger is made here first: a restore that breaks off leaves nothing that a host would take for whole.</summary>
    const string UnfinishedFolder = "restore.part";

    public static Command Build(IAnsiConsole console)
    {
        var file = new Argument<string>("FILE") { Description = "A file that `backup` wrote, of whichever ledger." };
        CommandLine.NotAnOption(file);
        var access = new LedgerAccess();
        var command = new Command(
            "restore", "Read a backup into an empty ledger: a new PURSER_DATA folder, or a new database. No host may run on it.") { file };
        access.AddTo(command, throughHost: false);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            if (settings.Ledger == "memory")
                throw new NoLedgerException("PURSER_LEDGER=memory: there is nothing to restore into", ExitCodes.WrongUsage);
            await using var from = File.OpenRead(parsed.GetValue(file)!);
            var count = settings.Ledger == "sqlite"
                ? await IntoFolderAsync(settings.Data, from, screen, cancellation)
                    : await IntoDatabaseAsync(settings, from, screen, cancellation);
            if (screen.Json)
                return screen.Print(new JsonObject
                {
                    ["accounts"] = count.Accounts, ["entries"] = count.Entries, ["events"] = count.Events,
                    ["into"] = LedgerAccess.NameOf(settings),
                });
            screen.Say(
                $"{OperationScreen.Number(count.Accounts)} accounts, {OperationScreen.Number(count.Entries)} entries, "
                    + $"{OperationScreen.Number(count.Events)} events are in {LedgerAccess.NameOf(settings)}");
            return ExitCodes.Done;
        });
        return command;
    }

    static async Task<BackupCount> IntoFolderAsync(string data, Stream from, OperationScreen screen, CancellationToken cancellation)
    {
        if (SqliteLedger.IsHeld(data))
            throw new NoLedgerException(
                $"a host has {Path.GetFullPath(data)}; a backup is restored into a new folder (--data), or after the host has ended and "
                    + $"its folder was put aside", ExitCodes.NotReachable);
        if (SqliteLedger.ExistsIn(data))
            throw new LedgerNotEmptyException(
                $"there is a ledger in {Path.GetFullPath(data)} already; a backup is restored into a new folder: put this one aside, or "
                    + $"give another with --data");
        await Backup.CheckAsync(from, cancellation);
        from.Position = 0;
        var unfinished = Path.Combine(data, UnfinishedFolder);
        if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        try
        {
            BackupCount count;
            await using (var ledger = await SqliteLedger.OpenAsync(unfinished)) count = await ReadAsync(from, ledger, screen, cancellation);
            // Closed, the ledger is one file, and its mark. Without the file the mark is that of a ledger that is gone, and says so.
            File.Move(Path.Combine(unfinished, SqliteLedger.MarkName), Path.Combine(data, SqliteLedger.MarkName), overwrite: true);
            File.Move(Path.Combine(unfinished, SqliteLedger.FileName), Path.Combine(data, SqliteLedger.FileName), overwrite: false);
            return count;
        }
        finally
        {
            if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        }
    }

    static async Task<BackupCount> IntoDatabaseAsync(ServerOptions settings, Stream from, OperationScreen screen,
        CancellationToken cancellation)
    {
        await Backup.CheckAsync(from, cancellation);
        from.Position = 0;
        await using var ledger = await EmbeddedHost.OpenLedgerAsync(settings);
        var started = false;
        try
        {
            return await screen.FollowAsync("restore", "entries", progress => Backup.ReadAsync(from, ledger, done =>
            {
                started = true;
                progress(done);
            }, cancellation));
        }
        catch (Exception) when (started)
        {
            if (!screen.Json)
                screen.Say(
                    "The restore broke off: drop this database and begin with a new one. It holds a part of the backup, which must not be "
                        + "served.");
            throw;
        }
    }

    static Task<BackupCount> ReadAsync(Stream from, SqliteLedger ledger, OperationScreen screen, CancellationToken cancellation) =>
        screen.FollowAsync("restore", "entries", progress => Backup.ReadAsync(from, ledger, progress, cancellation));
}
