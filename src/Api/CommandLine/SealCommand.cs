// `seal FILE`: where the audit trail of every account stands, signed, to be kept away from the ledger.
using System.CommandLine;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Engine;
using Spectre.Console;

namespace Purser.Api;

static class SealCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var file = new Argument<string>("FILE") { Description = "The file to write; one that is there already is not touched." };
        CommandLine.NotAnOption(file);
        var access = new LedgerAccess();
        var command = new Command("seal",
            "Write where the audit trail of every account stands, signed. Kept away from the ledger, `verify --seal FILE` proves with it "
                + "that nothing that was decided before was changed since.") { file };
        access.AddTo(command, throughHost: true, sealing: true);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            var path = Path.GetFullPath(parsed.GetValue(file)!);
            if (File.Exists(path)) throw new NoLedgerException($"{path} is there already; give another name", ExitCodes.WrongUsage);
            if (Path.GetDirectoryName(path) is { } folder && !Directory.Exists(folder))
                throw new NoLedgerException($"there is no folder {folder}", ExitCodes.WrongUsage);
            using var host = access.HostOf(parsed, settings);
            var part = path + ".part";
            try
            {
                await using var to = new FileStream(part, FileMode.Create, FileAccess.Write);
                if (host is not null)
                    await screen.FollowAsync("seal through the host", "bytes", async progress =>
                    {
                        await host.SealAsync(to, progress, cancellation);
                        return 0;
                    });
                else
                {
                    using var key = access.AuditKeyOf(parsed);
                    if (!key.CanSign)
                        throw new NoLedgerException("PURSER_AUDIT_KEY has only the public key, which makes no seals", ExitCodes.WrongUsage);
                    await using var ledger = await LedgerAccess.OpenAsync(settings);
                    await screen.FollowAsync("seal", "accounts", progress => AuditSeal.WriteAsync(ledger, key, to,
                        Instant.FromDateTimeOffset(TimeProvider.System.GetUtcNow()), progress, cancellation));
                }
                to.Flush(flushToDisk: true);
            }
            catch
            {
                File.Delete(part);
                throw;
            }
            File.Move(part, path);
            var from = host is null ? LedgerAccess.NameOf(settings) : $"the host at {host.Url}";
            if (screen.Json)
                return screen.Print(new JsonObject { ["file"] = path, ["bytes"] = new FileInfo(path).Length, ["from"] = from });
            screen.Say($"the audit trails of {from} are sealed in {path}; keep it where nobody who can write to the ledger can write");
            return ExitCodes.Done;
        });
        return command;
    }
}
