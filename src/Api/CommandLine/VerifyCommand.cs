// `verify`: replays the journal and compares everything that was derived from it.
using System.CommandLine;
using System.Text.Json;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;
using Spectre.Console;

namespace Purser.Api;

static class VerifyCommand
{
    /// <summary>More findings than these fill the screen and say nothing new; the last line counts all.</summary>
    const int MostShown = 100;

    public static Command Build(IAnsiConsole console)
    {
        var access = new LedgerAccess();
        var acceptLoss = new Option<bool>("--accept-loss")
        {
            Description =
                "Go on from what there is where the file lacks something that was acknowledged. The ledger announces it in its events.",
        };
        var command = new Command(
            "verify",
                "Replay the journal and compare every counter, reservation, record and total with it. Exit code 0: all holds; 1: "
                    + "findings; 2: wrong usage; 3: no ledger.");
        var seal = new Option<FileInfo?>("--seal")
        {
            Description = "Compare the audit trails with this seal, which `seal` wrote once: they must go on from it.", HelpName = "FILE",
        };
        access.AddTo(command, throughHost: true, sealing: true);
        command.Options.Add(acceptLoss);
        command.Options.Add(seal);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            using var host = access.HostOf(parsed, settings);
            if (host is not null && parsed.GetValue(acceptLoss))
                throw new NoLedgerException("--accept-loss is for a folder that no host serves", ExitCodes.WrongUsage);
            await using var sealing = parsed.GetValue(seal) is { } file ? OpenSeal(file) : null;
            if (host is not null)
                return Show(await screen.FollowAsync($"verify through the host at {host.Url}", "", _ =>
                    host.VerifyAsync(sealing, cancellation)),
                    screen);
            try
            {
                var known = sealing is null ? null : await access.ReadSealAsync(parsed, sealing, cancellation);
                await using var ledger = await LedgerAccess.OpenAsync(settings, parsed.GetValue(acceptLoss));
                return Show(VerificationDocument.Of(await screen.FollowAsync(
                    "verify", "accounts", progress => Verification.RunAsync(ledger, progress, known, cancellation))), screen);
            }
            catch (LedgerUnavailableException loss) when (loss.IsLoss)
            {
                throw new NoLedgerException(loss.Message, ExitCodes.Failed);
            }
        });
        return command;
    }

    static FileStream OpenSeal(FileInfo file) => file.Exists ? file.OpenRead()
        : throw new NoLedgerException($"there is no file {file.FullName}", ExitCodes.WrongUsage);

    static int Show(VerificationDocument report, OperationScreen screen)
    {
        if (screen.Json)
            return screen.Print(JsonSerializer.SerializeToNode(report, ApiJson.Default.VerificationDocument)!,
                report.Holds ? ExitCodes.Done : ExitCodes.Failed);
        foreach (var finding in report.Findings.Take(MostShown))
        {
            screen.Say($"{finding.Account}: {finding.What}");
            screen.Say($"    {finding.Remedy}");
        }
        if (report.FindingCount > MostShown) screen.Say($"and {OperationScreen.Number(report.FindingCount - MostShown)} more");
        var seen =
            $"{OperationScreen.Number(report.Accounts)} accounts, {OperationScreen.Number(report.Entries)} entries, "
                + $"{OperationScreen.Number(report.Records)} records";
        if (report.Compacted > 0)
            screen.Say(
                $"{OperationScreen.Number(report.Compacted)} accounts from their checkpoint on: entries before it were compacted, and "
                    + $"only their sums can be compared");
        if (report.Erasing > 0)
            screen.Say(
                $"{OperationScreen.Number(report.Erasing)} accounts without their records and reports: an erasure that somebody asked for "
                    + $"is not carried out in them yet. A host does that in seconds; verify again then");
        if (report.Audited > 0)
            screen.Say($"{OperationScreen.Number(report.Audited)} entries of audit trails"
                + (report.Unlinked > 0 ? $", {OperationScreen.Number(report.Unlinked)} of them from before there was a chain" : "")
                + (report.SealedAt is { } sealedAt ? $"; compared with the seal of {sealedAt}" : ""));
        screen.Say(report.Holds ? $"{seen}: all holds" : $"{seen}: {OperationScreen.Number(report.FindingCount)} findings");
        return report.Holds ? ExitCodes.Done : ExitCodes.Failed;
    }
}
