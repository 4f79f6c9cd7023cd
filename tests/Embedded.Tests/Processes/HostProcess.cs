// The product as a process of its own: started, killed and started again on the same data.
using System.Diagnostics;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

sealed class HostProcess : IAsyncDisposable
{
    readonly Process process;

    readonly Task rest;

    HostProcess(Process process, Task rest, Uri address) =>
        (this.process, this.rest, Client) = (process, rest, new() { BaseAddress = address, Timeout = ServerProcess.Patience });

    public HttpClient Client { get; }

    public int Id => process.Id;

    public bool IsRunning => !process.HasExited;

    /// <summary>Where the program is that the tests were built with.</summary>
    public static string Program => Path.Combine(AppContext.BaseDirectory, "purser");

    /// <summary>Starts a host on a free port and waits until it says that it listens.</summary>
    public static Task<HostProcess> StartAsync(params (string Name, string Value)[] settings) => StartAsync(settings, null);

    /// <param name="said">Told of each line that it writes.</param>
    public static async Task<HostProcess> StartAsync((string Name, string Value)[] settings, Action<string>? said)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PURSER_URLS"] = "http://127.0.0.1:0";
        foreach (var (name, value) in settings) start.Environment[name] = value;
        var process = ServerProcess.Start(start);
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            const string listens = "Purser listens on ";
            said?.Invoke(line);
            if (!line.StartsWith(listens, StringComparison.Ordinal)) continue;
            var rest = ReadAsync(process.StandardOutput, said);
            return new(process, rest, new(line[listens.Length..line.IndexOf(';', StringComparison.Ordinal)]));
        }
        await process.WaitForExitAsync();
        throw new InvalidOperationException($"the host ended with {process.ExitCode}: " + await errors);
    }

    static async Task ReadAsync(StreamReader from, Action<string>? said)
    {
        while (await from.ReadLineAsync() is { } line) said?.Invoke(line);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Told to end, as a supervisor does it.</summary>
    public async Task StopAsync()
    {
        ServerProcess.Send(process.Id, Signal.Terminate);
        await process.WaitForExitAsync();
        await rest;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }
}
