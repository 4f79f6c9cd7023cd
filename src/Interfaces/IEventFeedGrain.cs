// The feed of everything that happened, for callers that have no ledger of their own.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Key: 0; any silo answers. The methods are those of <see cref="IEventFeed"/>.</summary>
[Alias("purser.feed")]
[GrainInterfaceType("purser.feed")]
public interface IEventFeedGrain : IGrainWithIntegerKey
{
    [Alias("read")]
    Task<Immutable<FeedPageAnswer>> ReadAsync(long after, int most, CancellationToken cancellation);

    [Alias("head")]
    Task<long> HeadAsync(CancellationToken cancellation);

    [Alias("announce")]
    Task<bool> AnnounceAsync([Immutable] AnnouncementAnswer announcement);
}

/// <summary>A page as it travels; events in the form of the journal.</summary>
[GenerateSerializer]
[Alias("purser.feed-page")]
public sealed record FeedPageAnswer(
    [property: Id(0)] FeedEntryAnswer[] Entries, [property: Id(1)] long ReachedTo, [property: Id(2)] long GoneTo)
{
    public static FeedPageAnswer Of(FeedPage page) =>
        new([.. page.Entries.Select(FeedEntryAnswer.Of)], page.ReachedTo, page.GoneTo);

    public FeedPage ToPage() => new([.. Entries.Select(entry => entry.ToEntry())], ReachedTo, GoneTo);
}

[GenerateSerializer]
[Alias("purser.feed-entry")]
public sealed record FeedEntryAnswer(
    [property: Id(0)] long Position, [property: Id(1)] string? Account, [property: Id(2)] long Version, [property: Id(3)] long AtMillis,
    [property: Id(4)] byte[] Events, [property: Id(5)] AnnouncementAnswer? Announcement)
{
    public static FeedEntryAnswer Of(FeedEntry entry) => new(
        entry.Position, entry.Account, entry.Version, entry.At.ToUnixTimeMilliseconds(),
        entry.Encoded.ToArray(),
        entry.Announcement is { } announcement ? AnnouncementAnswer.Of(announcement) : null);

    public FeedEntry ToEntry() => new(
        Position, Account, Version, NodaTime.Instant.FromUnixTimeMilliseconds(AtMillis),
        Events, Announcement?.ToAnnouncement());
}

[GenerateSerializer]
[Alias("purser.announcement")]
public sealed record AnnouncementAnswer(
    [property: Id(0)] string AnnouncementId, [property: Id(1)] string Type, [property: Id(2)] string? Account,
        [property: Id(3)] long AtMillis,
    [property: Id(4)] string? Subject, [property: Id(5)] string? Severity, [property: Id(6)] string Json)
{
    public static AnnouncementAnswer Of(Announcement announcement) => new(
        announcement.Id, announcement.Type, announcement.Account, announcement.At.ToUnixTimeMilliseconds(), announcement.Subject,
        announcement.Severity, announcement.Json);

    public Announcement ToAnnouncement() =>
        new(AnnouncementId, Type, Account, NodaTime.Instant.FromUnixTimeMilliseconds(AtMillis), Subject, Severity, Json);
}
