// How many calls of one account go into one write: as many as wait, but few while the process serves other accounts too.
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// What one write brings back is answered at once, and on busy processors the calls of others are behind those answers. A small part of a
/// flood in each write keeps it as busy, since the next part is decided while the answers go out; without others a large one costs less.
/// </summary>
sealed class Neighbours
{
    /// <summary>Answering so many takes about as long as a quick write.</summary>
    public const int FewCalls = 16;

    /// <summary>Where a write takes longer, more may come back with it before their answers take as long as it did.</summary>
    const int CallsPerMilli = 10;

    /// <summary>So long after a call of another account the process still serves others.</summary>
    const long RememberedMillis = 1000;

    /// <summary>Whose batch was taken last.</summary>
    string? last;

    /// <summary>When batches of two accounts last followed each other, in milliseconds since 1970.</summary>
    long othersAt = long.MinValue / 2;

    /// <summary>The most single calls in the next batch of an account; commands that came together are answered by one answer, and are not
    /// counted.</summary>
    /// <param name="account">Whose batch is taken now.</param>
    /// <param name="now">This process's time.</param>
    /// <param name="usualMillis">How long its batches take.</param>
    public int MostCalls(string account, Instant now, int usualMillis)
    {
        var millis = now.ToUnixTimeMilliseconds();
        if (Interlocked.Exchange(ref last, account) is { } before && before != account) Volatile.Write(ref othersAt, millis);
        return millis - Volatile.Read(ref othersAt) > RememberedMillis ? int.MaxValue
            : (int)Math.Clamp((long)CallsPerMilli * usualMillis, FewCalls, int.MaxValue);
    }
}
