// Follows the feed by an observer: a silo brings what comes, and where that silo dies another goes on from the position that was reached.
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class FeedSubscriptions(IGrainFactory grains, TimeProvider time)
{
    static readonly TimeSpan keepEvery = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Everything that happens, from behind a position on, each entry once and in one order, over the death of any silo. Who reads slowly
    /// is brought the next page when the one before is read; nothing is kept for it anywhere.
    /// </summary>
    public async IAsyncEnumerable<FeedEntry> FollowAsync(long after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        // Orleans does not keep it alive: this method does.
        using var observer = new Observer(after);
        var reference = grains.CreateObjectReference<IFeedObserver>(observer);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var subscription = grains.GetGrain<IFeedSubscriptionGrain>(Guid.NewGuid());
        var keeping = KeepAsync(subscription, reference, observer, ends.Token);
        try
        {
            await foreach (var page in observer.Pages.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                if (page.GoneTo > page.ReachedTo) throw new FeedGoneException(page.GoneTo);
                foreach (var entry in page.Entries) yield return entry.ToEntry();
            }
        }
        finally
        {
            await ends.CancelAsync();
            await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            grains.DeleteObjectReference<IFeedObserver>(reference);
            // The subscription ends by itself where this does not reach it.
            subscription.EndAsync().Ignore();
        }
    }

    async Task KeepAsync(IFeedSubscriptionGrain subscription, IFeedObserver reference, Observer observer, CancellationToken end)
    {
        while (true)
        {
            try
            {
                // While a page waits for the reader no other is asked for, so that no more than that one is ever on the way.
                if (!observer.IsFull) await subscription.KeepAsync(reference, observer.Position).WaitAsync(end);
            }
#pragma warning disable CA1031 // Whatever it was, who listens would hear nothing any more, and not be told.
            catch (Exception) when (!end.IsCancellationRequested)
#pragma warning restore CA1031
            {
                // No silo answered; the next time one will.
            }
            await Task.Delay(keepEvery, time, end);
        }
    }

    /// <summary>
    /// Takes one page at a time. A silo that was given up may go on bringing for a while: what was taken is not taken again, and a page
    /// that would leave a gap is refused.
    /// </summary>
    sealed class Observer(long after) : IFeedObserver, IDisposable
    {
        readonly Channel<FeedPageAnswer> pages = Channel.CreateBounded<FeedPageAnswer>(1);
        readonly SemaphoreSlim turn = new(1, 1);
        long position = after;

        public long Position => Volatile.Read(ref position);

        /// <summary>Whether a page waits for the reader behind the one that is next.</summary>
        public bool IsFull => turn.CurrentCount == 0;

        public ChannelReader<FeedPageAnswer> Pages => pages.Reader;

        public async Task TakeAsync(long after, Immutable<FeedPageAnswer> page)
        {
            await turn.WaitAsync();
            try
            {
                var known = Position;
                if (after > known) throw new InvalidOperationException($"a page from {after} on, and {known} was reached");
                var (entries, reached, gone) = page.Value;
                if (reached <= known && gone <= known) return;
                await pages.Writer.WriteAsync(new([.. entries.Where(entry => entry.Position > known)], reached, gone));
                Volatile.Write(ref position, Math.Max(known, reached));
            }
            finally
            {
                turn.Release();
            }
        }

        /// <summary>A page that waits is refused.</summary>
        public void Dispose() => pages.Writer.TryComplete();
    }
}
