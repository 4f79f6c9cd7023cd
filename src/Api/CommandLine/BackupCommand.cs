// `backup FILE`: everything in one compressed file, while hosts run or not.
using System.CommandLine;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Engine;
using Spectre.Console;

namespace Purser.Api;

static class BackupCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var file = new Argument<string>(
            "FILE") { Description = "The file to write. One that is there already is not touched unless --overwrite is given." };
        var overwrite = new Option<bool>("--overwrite") { Description = "Put the new backup in the place of FILE." };
        CommandLine.NotAnOption(file);
        var access = new LedgerAccess();
        var command = new Command(
            "backup",
                "Write a backup of the ledger. Hosts may go on working; a host that has the SQLite folder makes the backup itself.") { file,
                    overwrite };
        access.AddTo(command, throughHost: true);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            var path = Path.GetFullPath(parsed.GetValue(file)!);
            if (File.Exists(path) && !parsed.GetValue(overwrite))
                throw new NoLedgerException($"{path} is there already; give another name or --overwrite", ExitCodes.WrongUsage);
            if (settings.Ledger == "sqlite" && IsInside(path, settings.Data) && IsOwn(Path.GetFileName(path)))
                throw new NoLedgerException($"{path} is a file of the ledger itself; give another name", ExitCodes.WrongUsage);
            if (Path.GetDirectoryName(path) is { } folder && !Directory.Exists(folder))
                throw new NoLedgerException($"there is no folder {folder}", ExitCodes.WrongUsage);

            using var host = access.HostOf(parsed, settings);
            await using var ledger = host is null ? await LedgerAccess.OpenAsync(settings) : null;
            var part = path + ".part";
            BackupCount count;
            long size;
            try
            {
                await using var to = new FileStream(part, FileMode.Create, FileAccess.ReadWrite);
                if (ledger is not null)
                    await screen.FollowAsync("backup", "entries", progress => Backup.WriteAsync(
                        ledger, to, Instant.FromDateTimeOffset(TimeProvider.System.GetUtcNow()), progress,
                            cancellation));
                else
                    await screen.FollowAsync("backup through the host", "bytes", async progress =>
                    {
                        await host!.BackupAsync(to, progress, cancellation);
                        return 0;
                    });
                to.Flush(flushToDisk: true);
                // What can not be read again is no backup.
                to.Position = 0;
                count = await screen.FollowAsync("reading it again", "", _ => Backup.CheckAsync(to, cancellation));
                size = to.Length;
            }
            catch
            {
                File.Delete(part);
                throw;
            }
            File.Move(part, path, parsed.GetValue(overwrite));
            var from = host is null ? LedgerAccess.NameOf(settings) : $"the host at {host.Url}";
            if (screen.Json)
                return screen.Print(new JsonObject
                {
                    ["file"] = path, ["bytes"] = size, ["accounts"] = count.Accounts, ["entries"] = count.Entries,
                    ["events"] = count.Events, ["from"] = from,
                });
            screen.Say(
                $"{OperationScreen.Number(count.Accounts)} accounts, {OperationScreen.Number(count.Entries)} entries, "
                    + $"{OperationScreen.Number(count.Events)} events of {from} are in {path} ({OperationScreen.Number(size)} bytes)");
            return ExitCodes.Done;
        });
        return command;
    }

    static bool IsInside(string path, string folder) => Path.GetDirectoryName(path) == Path.GetFullPath(folder).TrimEnd('/');

    static bool IsOwn(string name) => name.StartsWith("purser.", StringComparison.OrdinalIgnoreCase) || name == HostFile.FileName;
}
