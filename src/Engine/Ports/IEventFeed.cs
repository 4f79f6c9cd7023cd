// The port for everything that happened, over all accounts, in one order: what events, webhooks and alerts are made from.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// The journals of all accounts as one sequence, and announcements of what is in no journal. Implementations are thread-safe; any method
/// may throw <see cref="LedgerUnavailableException"/>.
/// </summary>
public interface IEventFeed
{
    /// <summary>
    /// Up to <paramref name="most"/> entries after a position, in order. A reader never sees an entry below a position that it was shown
    /// before: what may still come below is waited for. Entries of an account are in the order of their versions.
    /// </summary>
    Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default);

    /// <summary>The newest position that a reader may be shown.</summary>
    Task<long> HeadAsync(CancellationToken cancellation = default);

    /// <summary>Several hosts write side by side: the newest time need not be in the newest entry, but is in one of the last.</summary>
    const int LastEntries = 64;

    /// <summary>The time of the newest entry; null where there is none.</summary>
    async Task<Instant?> NewestAtAsync()
    {
        var last = await ReadAsync(Math.Max(0, await HeadAsync() - LastEntries), LastEntries);
        return last.Entries.Count == 0 ? null : last.Entries.Max(entry => entry.At);
    }

    /// <summary>Adds an announcement; one with an id that is known changes nothing, and the answer is false.</summary>
    Task<bool> AnnounceAsync(Announcement announcement);
}

/// <summary>
/// One step of the feed: what an entry of an account's journal brought, or an announcement. <see cref="Encoded"/> is the entry as it is
/// stored; its events are decoded by whoever wants them.
/// </summary>
public sealed record FeedEntry(
    long Position, string? Account, long Version, Instant At, ReadOnlyMemory<byte> Encoded, Announcement? Announcement = null)
{
    BudgetEvent[]? events;

    public IReadOnlyList<BudgetEvent> Events => events ??= Encoded.IsEmpty ? [] : LedgerJson.DecodeEvents(Encoded.Span);

    /// <summary>Whether a text stands somewhere in the entry: asked before the events of thousands of entries are decoded.</summary>
    public bool Mentions(ReadOnlySpan<byte> text) => Encoded.Span.IndexOf(text) >= 0;
}

/// <summary>
/// <see cref="ReachedTo"/>: everything up to here is in the page or was before it, also where nothing is. <see cref="GoneTo"/>: of the
/// entries up to here some were compacted away, so that reading on from before it is not reading everything.
/// </summary>
public sealed record FeedPage(IReadOnlyList<FeedEntry> Entries, long ReachedTo, long GoneTo)
{
    /// <summary>The first entries of what two tables have between a position and <paramref name="upTo"/>, each at most so many.</summary>
    public static FeedPage Of(List<FeedEntry> entries, int most, long upTo, long goneTo)
    {
        entries.Sort((one, other) => one.Position.CompareTo(other.Position));
        if (entries.Count < most) return new(entries, upTo, goneTo);
        entries.RemoveRange(most, entries.Count - most);
        return new(entries, most == 0 ? 0 : entries[^1].Position, goneTo);
    }
}

/// <summary>
/// What happened but is in no journal: an anomaly, a change of prices, a key. <see cref="Id"/> is made of what it says, so that several
/// hosts that notice the same thing announce it once. <see cref="Json"/> is the event's data.
/// </summary>
public sealed record Announcement(string Id, string Type, string? Account, Instant At, string? Subject, string? Severity, string Json);
