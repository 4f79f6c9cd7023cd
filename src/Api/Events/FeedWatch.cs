// Reads the feed once for everything in this program that acts on it by itself (announcements, alerts), from a position that is kept in the
// ledger. Of several hosts one reads: who holds the lease. One that dies loses it by not renewing it, and another goes on from the position
// that was kept; what was read after that is read again, so whoever takes entries has to be able to take them twice.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Events;

/// <summary>Something that acts on entries of the feed.</summary>
public interface IFeedTaker
{
    /// <summary>Entries in their order. May throw <see cref="LedgerUnavailableException"/>: then they come again.</summary>
    Task TakeAsync(IReadOnlyList<FeedEntry> entries, CancellationToken cancellation);

    /// <summary>Runs from time to time, whether or not an entry came.</summary>
    Task BeatAsync(CancellationToken cancellation);

    /// <summary>The oldest position of what was taken and is not done yet; null where all is done.</summary>
    long? Pending { get; }

    /// <summary>Whether somebody outside hears what it tells: then what other hosts wrote is looked for once a second.</summary>
    bool IsHeard { get; }

    /// <summary>This host begins to read, or begins again: what was remembered may be out of date.</summary>
    Task BeginAsync(CancellationToken cancellation);

    /// <summary>This host does not read any more, for now.</summary>
    void End() { }
}

public sealed class FeedWatch(
    IEventFeed feed, ISharedState shared, IEnumerable<IFeedTaker> takers, Bell written, Func<bool> isFollowed, LedgerClock clock,
    TimeProvider time, ILogger<FeedWatch> log) : BackgroundService
{
    const string Document = "feed-watch";
    const int PerRead = 500;
    static readonly TimeSpan shortest = TimeSpan.FromMilliseconds(250);

    /// <summary>What other hosts wrote is noticed after at most about this while somebody hears of it, and while nobody does. What this
    /// host wrote is noticed at once.</summary>
    static readonly TimeSpan longestHeard = TimeSpan.FromSeconds(1), longest = TimeSpan.FromSeconds(5);

    static readonly TimeSpan afterFailure = TimeSpan.FromSeconds(2);
    static readonly TimeSpan renewEvery = TimeSpan.FromSeconds(4);
    static readonly Duration leaseTime = Duration.FromSeconds(12);

    readonly string owner = Guid.NewGuid().ToString("N");
    readonly IFeedTaker[] takers = [.. takers];

    long version;
    long position;
    long kept;
    long renewedAt;

    /// <summary>How long the turn of another host lasts at least.</summary>
    TimeSpan othersTurn;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            othersTurn = afterFailure;
            try
            {
                if (await TakeTurnAsync(stoppingToken)) await ReadAsync(stoppingToken);
                failing = false;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // A host that ends closes what is read from, too: that is no fault of the feed.
                break;
            }
            catch (Exception failed)
            {
                if (!failing) log.LogWarning(failed, "The feed can not be read; announcements and alerts are late until it can");
                failing = true;
            }
            foreach (var taker in takers) taker.End();
            await Task.Delay(othersTurn, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (renewedAt != 0) await LeaveAsync();
    }

    /// <summary>False where another host reads.</summary>
    async Task<bool> TakeTurnAsync(CancellationToken stopping)
    {
        var (newest, known) = await shared.LoadAsync(Document, FeedWatchJson.Default.FeedTurn);
        // A lease that reaches far ahead was taken by a clock that was wrong, and would hold for as long.
        var left = Duration.FromMilliseconds((known?.UntilMillis ?? 0) - clock.Now.ToUnixTimeMilliseconds());
        if (known is { Owner: { } other } && other != owner && left > Duration.Zero && left < 6 * leaseTime)
        {
            // One that ends says so: its turn is not waited for to its end.
            othersTurn = Duration.Min(Duration.FromTimeSpan(longest), left).ToTimeSpan();
            return false;
        }
        (version, position) = (newest, known?.Position ?? await BeginningAsync(stopping));
        kept = position;
        if (!await RenewAsync()) return false;
        foreach (var taker in takers) await taker.BeginAsync(stopping);
        return true;
    }

    /// <summary>Where nobody ever read: a ledger that has just begun is read whole, and of an old one what comes from now on.</summary>
    async Task<long> BeginningAsync(CancellationToken stopping) => await feed.HeadAsync(stopping) is var head && head > PerRead ? head : 0;

    Task<bool> RenewAsync() => SaveAsync(owner, clock.Now + leaseTime);

    Task<bool> SaveAsync(string? holder, Instant until)
    {
        kept = Math.Max(kept, takers.Aggregate(position, (least, taker) => Math.Min(least, taker.Pending - 1 ?? least)));
        return KeepAsync(holder, until);
    }

    async Task<bool> KeepAsync(string? holder, Instant until)
    {
        var turn = new FeedTurn(kept, holder, until.ToUnixTimeMilliseconds());
        if (!await shared.SaveAsync(Document, version, turn, FeedWatchJson.Default.FeedTurn)) return false;
        (version, renewedAt) = (version + 1, time.GetTimestamp());
        return true;
    }

    /// <summary>Waits for a taker and keeps the lease meanwhile, with the position that was kept last; false where another host has
    /// it.</summary>
    Task<bool> HoldWhileAsync(Task taking) => LeaseKeeping.WhileAsync(taking,
        () => TimeSpan.FromTicks(Math.Max(1, (renewEvery - time.GetElapsedTime(renewedAt)).Ticks)),
        () => KeepAsync(owner, clock.Now + leaseTime), time);

    /// <summary>A host that ends lets the next one read at once.</summary>
    async Task LeaveAsync()
    {
        try
        {
            await SaveAsync(null, clock.Now);
        }
        catch (Exception)
        {
            // The ledger is away or closed already: the lease runs out.
        }
    }

    async Task ReadAsync(CancellationToken stopping)
    {
        var lookout = new Lookout(written, time, shortest);
        while (!stopping.IsCancellationRequested)
        {
            lookout.Look();
            var page = await feed.ReadAsync(position, PerRead, stopping);
            if (page.GoneTo > position && position > 0)
                log.LogWarning("Entries up to position {Position} were compacted before they were looked at", page.GoneTo);
            foreach (var taker in takers)
            {
                if (page.Entries.Count > 0 && !await HoldWhileAsync(taker.TakeAsync(page.Entries, stopping))) return;
                if (!await HoldWhileAsync(taker.BeatAsync(stopping))) return;
            }
            position = Math.Max(position, page.ReachedTo);
            if (time.GetElapsedTime(renewedAt) >= renewEvery && !await RenewAsync()) return;
            if (page.Entries.Count == PerRead) continue;
            var busy = page.Entries.Count > 0 || takers.Any(taker => taker.Pending is not null);
            await lookout.WaitAsync(busy, isFollowed() || takers.Any(taker => taker.IsHeard) ? longestHeard : longest, stopping);
        }
    }
}

/// <summary>The position up to which every entry was acted upon, and the host that reads until a moment.</summary>
sealed record FeedTurn(long Position, string? Owner, long UntilMillis);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FeedTurn))]
sealed partial class FeedWatchJson : JsonSerializerContext;
