// Follows the feed for one observer. It has no state: the position is the observer's, who says it whenever it keeps the subscription.
using Microsoft.Extensions.Logging;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

[GrainType("feed-subscription")]
public sealed class FeedSubscriptionGrain(FeedFollower follower, TimeProvider time, ILogger<FeedSubscriptionGrain> log)
    : Grain, IFeedSubscriptionGrain, IDisposable
{
    /// <summary>A subscription that nobody keeps for so long is over.</summary>
    static readonly TimeSpan kept = TimeSpan.FromSeconds(20);

    CancellationTokenSource? ends;
    Task following = Task.CompletedTask;

    public Task KeepAsync(IFeedObserver observer, long after)
    {
        if (following.IsCompleted)
        {
            ends?.Dispose();
            ends = new(kept, time);
            following = BringAsync(observer, after, ends.Token);
        }
        else ends!.CancelAfter(kept);
        return Task.CompletedTask;
    }

    /// <summary>Brings events to an observer until its subscription is not kept any more, or until an event can not be brought: then the
    /// observer subscribes anew from where it is.</summary>
    async Task BringAsync(IFeedObserver observer, long after, CancellationToken end)
    {
        try
        {
            await foreach (var page in follower.PagesAsync(after, end))
            {
                await observer.TakeAsync(after, new(FeedPageAnswer.Of(page))).WaitAsync(end);
                after = page.ReachedTo;
            }
        }
        catch (FeedGoneException gone)
        {
            // A page without entries says it: the observer is where some of what follows was compacted away.
            observer.TakeAsync(after, new(new FeedPageAnswer([], after, gone.GoneTo))).Ignore();
        }
        catch (Exception e)
        {
            // An observer that does not answer or refused a page, a ledger that is away, a silo that ends.
            log.LogDebug("Subscription {Id} pauses behind position {Position}: {Why}", this.GetPrimaryKey(), after, e.Message);
        }
    }

    public async Task EndAsync()
    {
        if (ends is not null) await ends.CancelAsync();
        DeactivateOnIdle();
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (ends is not null) await ends.CancelAsync();
        await following;
    }

    public void Dispose() => ends?.Dispose();
}
