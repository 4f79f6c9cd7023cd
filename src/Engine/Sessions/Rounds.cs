// Work that a host does again and again for as long as it runs: what breaks one round off is told, and the next one comes all the same.
using Microsoft.Extensions.Logging;

namespace Purser.Engine;

/// <param name="log">Where it is told.</param>
/// <param name="what">The work, as the beginning of a sentence.</param>
/// <param name="time">The system's where none is given.</param>
public sealed class Rounds(ILogger log, string what, TimeProvider? time = null)
{
    static readonly TimeSpan betweenLines = TimeSpan.FromMinutes(1);

    readonly TimeProvider time = time ?? TimeProvider.System;
    long? told;

    /// <summary>One round; false where something broke it off, which is told once a minute at most. What is thrown by work that was told to
    /// stop is its own affair.</summary>
    public async Task<bool> TryAsync(Func<Task> round, CancellationToken stopping = default)
    {
        try
        {
            await round();
            return true;
        }
#pragma warning disable CA1031 // Whatever it is: work that ended in silence would be missed when it is too late.
        catch (Exception fault) when (!stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (told is { } before && time.GetElapsedTime(before) < betweenLines) return false;
            told = time.GetTimestamp();
            log.LogError(fault, "{Work} broke off and is tried again, which is told once a minute at most: {Why}", what, fault.Message);
            return false;
        }
    }
}
