// `down`: ends the host that has the data folder, in good order, and waits until it is gone.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Purser.Ledgers.Sqlite;
using Spectre.Console;

namespace Purser.Api;

static class DownCommand
{
    /// <summary>A host takes as long as the batch in flight.</summary>
    static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    static readonly TimeSpan betweenLooks = TimeSpan.FromMilliseconds(50);

    public static Command Build(IAnsiConsole console)
    {
        var access = new LedgerAccess();
        var command = new Command("down", "End the host that has the data folder, as SIGTERM does, and wait until it is gone. Exit code "
            + "0: it is; 1: it does not end; 3: there is none.");
        access.AddTo(command, throughHost: false);
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var settings = access.SettingsOf(parsed);
            var folder = Path.GetFullPath(settings.Data);
            if (settings.Ledger != "sqlite")
                throw new NoLedgerException($"with PURSER_LEDGER={settings.Ledger} nothing says which process a host is: send it SIGTERM",
                    ExitCodes.NotReachable);
            if (!SqliteLedger.IsHeld(settings.Data) || HostFile.Read(settings.Data) is not { } host || ProcessOf(host) is not { } process)
                throw new NoLedgerException($"no host has {folder}", ExitCodes.NotReachable);
            using (process)
            {
                await TerminateAsync(host, cancellation);
                for (var since = Stopwatch.StartNew(); !process.HasExited; await Task.Delay(betweenLooks, cancellation))
                    if (since.Elapsed > patience)
                        throw new NoLedgerException(
                            $"the host of {folder} (process {host.ProcessId}) was told to end, and has not after {patience.TotalSeconds} s",
                            ExitCodes.Failed);
            }
            if (screen.Json)
                return screen.Print(new JsonObject { ["folder"] = folder, ["processId"] = host.ProcessId, ["url"] = host.Url });
            screen.Say($"the host of {folder} (process {host.ProcessId}) has ended");
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>Null where that process is gone, or is another program by now: a host that was killed leaves its file.</summary>
    static Process? ProcessOf(HostFile host)
    {
        try
        {
            var process = Process.GetProcessById(host.ProcessId);
            if (process.ProcessName == "purser" && process.Id != Environment.ProcessId) return process;
            process.Dispose();
        }
        catch (ArgumentException)
        {
            // There is no such process.
        }
        return null;
    }

    static async Task TerminateAsync(HostFile host, CancellationToken cancellation)
    {
        using var kill = Process.Start("kill", ["-TERM", host.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellation);
        if (kill.ExitCode != 0)
            throw new NoLedgerException($"this user may not end process {host.ProcessId}", ExitCodes.Failed);
    }
}
