// The feed in process, as a sequence without an end: on the embedded host, in a silo, or in a service beside the silos.
using System.Runtime.CompilerServices;

namespace Purser.Engine;

/// <summary>Thrown to whoever follows from before entries that were compacted away: <see cref="GoneTo"/> is where to go on from.</summary>
public sealed class FeedGoneException(long goneTo)
    : InvalidOperationException($"some entries up to position {goneTo} were compacted away: go on from there")
{
    public long GoneTo => goneTo;
}

/// <param name="feed">What is followed.</param>
/// <param name="written">Rings where this process writes something: that is told at once.</param>
/// <param name="time">What waits are measured by.</param>
public sealed class FeedFollower(IEventFeed feed, Bell written, TimeProvider time)
{
    const int EntriesAtOnce = 256;
    static readonly TimeSpan shortest = TimeSpan.FromMilliseconds(50);

    /// <summary>What other processes write is told after at most about this.</summary>
    static readonly TimeSpan longest = TimeSpan.FromSeconds(1);

    /// <summary>Everything that happens, from behind a position on (0 is the beginning), in one order: what comes is waited for. Nothing is
    /// kept for who reads slowly: it has a position, and costs others nothing.</summary>
    public async IAsyncEnumerable<FeedEntry> FollowAsync(long after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (var page in PagesAsync(after, cancellation).ConfigureAwait(false))
            foreach (var entry in page.Entries)
                yield return entry;
    }

    /// <summary>The same by pages, none of them without entries; the position may move further than the last of them.</summary>
    public async IAsyncEnumerable<FeedPage> PagesAsync(long after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var lookout = new Lookout(written, time, shortest);
        while (true)
        {
            lookout.Look();
            var page = await feed.ReadAsync(after, EntriesAtOnce, cancellation);
            if (page.GoneTo > after) throw new FeedGoneException(page.GoneTo);
            if (page.Entries.Count > 0) yield return page;
            after = Math.Max(after, page.ReachedTo);
            if (page.Entries.Count < EntriesAtOnce) await lookout.WaitAsync(page.Entries.Count > 0, longest, cancellation);
        }
    }
}
