// Answers that a page asked for when it was made and did not wait for: the page that comes to life takes them, so that nothing is asked
// twice.
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Purser.Dashboard;

/// <summary>The handovers of one host: a page that comes to life on another host asks that one.</summary>
public sealed class Handovers(TimeProvider? time = null)
{
    /// <summary>So many wait at most: pages that nobody comes back for keep no memory.</summary>
    const int Most = 1000;

    static readonly TimeSpan keptFor = TimeSpan.FromSeconds(30);

    readonly TimeProvider time = time ?? TimeProvider.System;
    readonly ConcurrentDictionary<string, Left> waiting = new(StringComparer.Ordinal);

    sealed record Left(string Who, IReadOnlyDictionary<string, Task<Answer>> Asked, DateTimeOffset Until);

    /// <summary>The ticket by which the same visitor gets them; null where too many wait.</summary>
    public string? Leave(string who, IReadOnlyDictionary<string, Task<Answer>> asked)
    {
        var now = time.GetUtcNow();
        foreach (var (old, left) in waiting)
            if (left.Until <= now) waiting.TryRemove(old, out _);
        if (waiting.Count >= Most) return null;
        var ticket = RandomNumberGenerator.GetHexString(32);
        waiting[ticket] = new(who, asked, now + keptFor);
        return ticket;
    }

    /// <summary>Once; nothing where there is none, or where somebody else left it.</summary>
    public IReadOnlyDictionary<string, Task<Answer>>? Take(string ticket, string who) =>
        waiting.TryGetValue(ticket, out var left) && left.Who == who && waiting.TryRemove(ticket, out _) ? left.Asked : null;
}
