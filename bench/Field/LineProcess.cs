// A program that is asked in lines: `NUMBER QUESTION` on its input is answered with `NUMBER RESULT` on its output, in any order.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Purser.Conformance.Servers;

namespace Purser.Bench;

sealed class LineProcess : IAsyncDisposable
{
    readonly Process process;
    readonly ConcurrentDictionary<long, TaskCompletionSource<long>> waiting = new();

    /// <summary>One line is written at a time.</summary>
    readonly SemaphoreSlim writing = new(1);
    long last;
    volatile bool ended;

    LineProcess(Process process) => this.process = process;

    /// <summary>Until it says that it is ready.</summary>
    public static async Task<LineProcess> StartAsync(string program, string folder, params IEnumerable<string> arguments)
    {
        var process = ServerProcess.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        });
        var errors = process.StandardError.ReadToEndAsync();
        if (await process.StandardOutput.ReadLineAsync() != "ready")
            throw new InvalidOperationException($"{program} does not start: {await errors}");
        var started = new LineProcess(process);
        _ = started.ReadAsync();
        return started;
    }

    /// <summary>An exception where the program ends before it answers.</summary>
    public async Task<long> AskAsync(string question)
    {
        var answer = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var number = Interlocked.Increment(ref last);
        waiting[number] = answer;
        await writing.WaitAsync();
        try
        {
            await process.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{number} {question}"));
            await process.StandardInput.FlushAsync();
        }
        finally
        {
            writing.Release();
        }
        if (ended) answer.TrySetException(Gone());
        return await answer.Task;
    }

    async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (!waiting.TryRemove(long.Parse(line[..space], CultureInfo.InvariantCulture), out var answer)) continue;
            if (long.TryParse(line[(space + 1)..], CultureInfo.InvariantCulture, out var result)) answer.TrySetResult(result);
            else answer.TrySetException(new InvalidOperationException(line[(space + 1)..]));
        }
        ended = true;
        foreach (var left in waiting.Values) left.TrySetException(Gone());
    }

    static IOException Gone() => new("the program has ended");

    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
        writing.Dispose();
    }
}
