// Writes down what the host acknowledged, one JSON line each, so that a test which kills the host can compare afterwards.
using System.Text.Json;

namespace Purser.Api;

/// <summary>
/// A line is written after its acknowledgement and handed to the operating system before the next operation of that call. Checks and
/// refusals leave no trace in a budget, so they have no line. Appends: the lines of an interrupted run stay, and may be written again.
/// </summary>
sealed class ReplayLedgerFile(string path) : IDisposable
{
    // Guards the stream: lines must not mix.
    readonly Lock guard = new();
    readonly FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read);

    public void Write(ReplayLine line)
    {
        byte[] text = [.. JsonSerializer.SerializeToUtf8Bytes(line, ReplayJson.Default.ReplayLine), (byte)'\n'];
        lock (guard)
        {
            file.Write(text);
            file.Flush();
        }
    }

    public void Dispose() => file.Dispose();
}
