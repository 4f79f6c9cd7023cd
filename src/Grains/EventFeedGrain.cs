// The feed, as the nearest silo reads it from the ledger.
using Orleans.Concurrency;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

[Reentrant]
[StatelessWorker]
[GrainType("feed")]
public sealed class EventFeedGrain(IEventFeed feed) : Grain, IEventFeedGrain
{
    public Task<Immutable<FeedPageAnswer>> ReadAsync(long after, int most, CancellationToken cancellation) => Reaching.LedgerAsync(
        async () => new Immutable<FeedPageAnswer>(FeedPageAnswer.Of(await feed.ReadAsync(after, most, cancellation))));

    public Task<long> HeadAsync(CancellationToken cancellation) => Reaching.LedgerAsync(() => feed.HeadAsync(cancellation));

    public Task<bool> AnnounceAsync(AnnouncementAnswer announcement) =>
        Reaching.LedgerAsync(() => feed.AnnounceAsync(announcement.ToAnnouncement()));
}
