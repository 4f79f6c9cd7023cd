// The bench as it is started by hand: a process with its arguments, to its end.
using System.Diagnostics;

namespace Purser.Bench.Tests;

sealed record BenchProgram(int Code, string Output, string Errors)
{
    static readonly TimeSpan longest = TimeSpan.FromMinutes(15);

    public static async Task<BenchProgram> RunAsync(params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Purser.Bench"), arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(longest);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException("the bench did not end: " + await errors);
        }
        return new(process.ExitCode, await output, await errors);
    }
}
