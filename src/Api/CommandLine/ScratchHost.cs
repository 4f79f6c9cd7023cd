// A host for one command: a process of its own on a free port, whose ledger is in a folder that is removed at the end.
using System.Diagnostics;

namespace Purser.Api;

sealed class ScratchHost : IAsyncDisposable
{
    const string Listens = "Purser listens on ";

    readonly Process process;
    readonly string folder;

    ScratchHost(Process process, string folder, Uri url) => (this.process, this.folder, Url) = (process, folder, url);

    public Uri Url { get; }

    public static async Task<ScratchHost> StartAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("purser-scratch-").FullName;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "purser.exe" : "purser"))
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        // Settings of the host that is in use are not for this one.
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("PURSER_", StringComparison.Ordinal) && name != "PURSER_TEST_RUN"))
            start.Environment.Remove(name);
        start.Environment["PURSER_DATA"] = Path.Combine(folder, "data");
        start.Environment["PURSER_URLS"] = "http://127.0.0.1:0";
        Process? process = null;
        try
        {
            process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
            {
                if (!line.StartsWith(Listens, StringComparison.Ordinal)) continue;
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new(process, folder, new(line[Listens.Length..line.IndexOf(';', StringComparison.Ordinal)]));
            }
            throw new NoLedgerException($"the host for this replay did not start: {StartProblems.OneLine(await errors)}",
                ExitCodes.NotReachable);
        }
        catch
        {
            await EndAsync(process, folder);
            throw;
        }
    }

    public async ValueTask DisposeAsync() => await EndAsync(process, folder);

    /// <summary>Nothing of it is kept, so it need not end in good order.</summary>
    static async Task EndAsync(Process? process, string folder)
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        process?.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
