// The feed as an Orleans observer: a silo follows it for a service beside the silos, and brings what comes.
using Orleans.Concurrency;

namespace Purser.Interfaces;

/// <summary>Who is told. <see cref="FeedSubscriptions"/> is one, and keeps its subscription.</summary>
[Alias("purser.feed-observer")]
[GrainInterfaceType("purser.feed-observer")]
public interface IFeedObserver : IGrainObserver
{
    /// <summary>Everything from behind a position to where the page reaches. Returns when it is taken: the next page comes then.</summary>
    [Alias("take")]
    Task TakeAsync(long after, Immutable<FeedPageAnswer> page);
}

/// <summary>Key: the subscription's own. It lives on some silo while it is kept, and follows the feed there.</summary>
[Alias("purser.feed-subscription")]
[GrainInterfaceType("purser.feed-subscription")]
public interface IFeedSubscriptionGrain : IGrainWithGuidKey
{
    /// <summary>
    /// Brings the observer everything from behind a position on. To be repeated every few seconds with the position that was reached: a
    /// subscription that is not kept ends, and one whose silo died, or that could not bring something, begins anew from there.
    /// </summary>
    [Alias("keep")]
    Task KeepAsync(IFeedObserver observer, long after);

    [Alias("end")]
    Task EndAsync();
}
