// Says once when the ledger goes away and once when it is back, however many of a host's parts notice.
using Microsoft.Extensions.Logging;

namespace Purser.Engine;

/// <param name="log">Where it is said.</param>
/// <param name="time">The system's where none is given.</param>
public sealed class OutageLog(ILogger log, TimeProvider? time = null)
{
    /// <summary>It is back once nobody was refused for so long: while a server starts, some connections are answered and others are
    /// not.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    const string Back = "The ledger answers again";

    readonly TimeProvider time = time ?? TimeProvider.System;
    readonly Lock gate = new();
    volatile bool away;

    /// <summary>Since when everybody was answered; null while nobody is.</summary>
    long? answeredSince;

    public void Away(string why)
    {
        bool wasBack;
        lock (gate)
        {
            // Whoever asked in between was answered, and nobody asked again after that.
            wasBack = away && answeredSince is { } since && time.GetElapsedTime(since) >= Settled;
            answeredSince = null;
            if (away && !wasBack) return;
            away = true;
        }
        if (wasBack) log.LogWarning(Back);
        log.LogWarning("The ledger can not be reached: {Why}. Calls are answered 503", why);
    }

    public void Answered()
    {
        if (!away) return;
        lock (gate)
        {
            answeredSince ??= time.GetTimestamp();
            if (!away || time.GetElapsedTime(answeredSince.Value) < Settled) return;
            away = false;
        }
        log.LogWarning(Back);
    }
}
