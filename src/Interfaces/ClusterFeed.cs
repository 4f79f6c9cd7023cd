// The feed as callers without a ledger read it: any silo answers.
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterFeed(IGrainFactory grains, Repetition repetition) : IEventFeed
{
    public async Task<FeedPage> ReadAsync(long after, int most, CancellationToken cancellation = default) =>
        (await AskAsync(async feed => (await feed.ReadAsync(after, most, cancellation)).Value, cancellation)).ToPage();

    public Task<long> HeadAsync(CancellationToken cancellation = default) => AskAsync(feed => feed.HeadAsync(cancellation), cancellation);

    public Task<bool> AnnounceAsync(Announcement announcement) =>
        AskAsync(feed => feed.AnnounceAsync(AnnouncementAnswer.Of(announcement)), CancellationToken.None);

    Task<T> AskAsync<T>(Func<IEventFeedGrain, Task<T>> ask, CancellationToken cancellation)
    {
        var feed = grains.GetGrain<IEventFeedGrain>(0);
        return repetition.CallAsync(
            async _ => await ask(feed), _ => false, why => throw new LedgerUnavailableException($"no silo answered ({why})"), cancellation);
    }
}
