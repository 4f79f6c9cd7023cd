// `rebuild`: makes what reports are read from again out of the journal.
using System.CommandLine;
using System.Text.Json.Nodes;
using Purser.Engine;
using Spectre.Console;

namespace Purser.Api;

static class RebuildCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var access = new LedgerAccess();
        var command = new Command(
            "rebuild",
                "Make the rollups that reports are read from again out of the journal. Hosts may go on working, and reports stay right.");
        access.AddTo(command, throughHost: true);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            using var host = access.HostOf(parsed, settings);
            if (host is not null)
                return Show(await screen.FollowAsync($"rebuild through the host at {host.Url}", "", _ => host.RebuildAsync(cancellation)),
                    screen);
            await using var ledger = await LedgerAccess.OpenAsync(settings);
            return Show(await screen.FollowAsync(
                "rebuild", "accounts", progress => JournalRebuild.RunAsync(ledger, ledger, progress,
                    cancellation)), screen);
        });
        return command;
    }

    static int Show(RebuildCount rebuilt, OperationScreen screen)
    {
        if (screen.Json) return screen.Print(new JsonObject { ["accounts"] = rebuilt.Accounts, ["compacted"] = rebuilt.Compacted });
        screen.Say($"{OperationScreen.Number(rebuilt.Accounts)} accounts: rollups are made again");
        if (rebuilt.Compacted > 0)
            screen.Say(
                $"{OperationScreen.Number(rebuilt.Compacted)} of them from their checkpoint on: usage before it was compacted, and is "
                    + $"taken as it was added up then");
        return ExitCodes.Done;
    }
}
