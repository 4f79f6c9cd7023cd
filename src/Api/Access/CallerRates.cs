// How often a key may ask: a quota of its own or the one of the settings, kept by the framework's limiter, and told in every answer.
using System.Globalization;
using System.Threading.RateLimiting;

namespace Purser.Api.Access;

/// <summary>So many requests in so many seconds.</summary>
public sealed record RateQuota(int Requests, int Seconds)
{
    public const int MostRequests = 1_000_000, LongestSeconds = 86_400;

    /// <summary>`600/60`; null where it is none.</summary>
    public static RateQuota? Of(string? text) =>
        text?.Split('/') is [var requests, var seconds] && int.TryParse(requests, NumberStyles.None, CultureInfo.InvariantCulture,
            out var q)
            && int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var w) && Fits(q, w) ? new(q, w) : null;

    public static bool Fits(long requests, long seconds) => requests is >= 1 and <= MostRequests && seconds is >= 1 and <= LongestSeconds;

    /// <summary>Whether nobody with the other quota could ask more than with this one.</summary>
    public bool Holds(RateQuota other) => other.Requests <= Requests && (long)other.Requests * Seconds <= (long)Requests * other.Seconds;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Requests}/{Seconds}");
}

/// <summary>
/// A key that was quiet may send its whole quota at once; what it sent comes back evenly over the seconds. Each host counts what it is
/// asked itself. The first key, and callers where no key is needed, have no quota: whoever runs the service must get in.
/// </summary>
sealed class CallerRates(AccessOptions access) : IDisposable
{
    /// <summary>The limiter looks about so often whether something came back.</summary>
    const double shortest = 0.1;

    readonly PartitionedRateLimiter<Caller> limiter = PartitionedRateLimiter.Create<Caller, (string, RateQuota)>(caller =>
        RateLimitPartition.GetTokenBucketLimiter((caller.Id, QuotaOf(caller, access)!), static key => Bucket(key.Item2)));

    static TokenBucketRateLimiterOptions Bucket(RateQuota quota)
    {
        var tokens = Math.Max(1, (int)Math.Ceiling(shortest * quota.Requests / quota.Seconds));
        return new()
        {
            TokenLimit = quota.Requests,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)quota.Seconds * tokens / quota.Requests),
            QueueLimit = 0,
        };
    }

    static RateQuota? QuotaOf(Caller caller, AccessOptions access) => caller.RateLimit
        ?? (ReferenceEquals(caller, Caller.Admin) || ReferenceEquals(caller, Caller.Everybody) ? null : access.RateLimit);

    public RateQuota? QuotaOf(Caller caller) => QuotaOf(caller, access);

    /// <summary>Takes one request off the caller's quota, and tells in headers what is left. Where nothing is: how many seconds to
    /// wait.</summary>
    public int? Refuses(Caller caller, IHeaderDictionary answer)
    {
        if (QuotaOf(caller) is not { } quota) return null;
        using var lease = limiter.AttemptAcquire(caller);
        int? wait = lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1;
        if (wait is not null) Metrics.HttpMeasures.CountTurnedAway(Metrics.HttpMeasures.Reason.Rate);
        var left = wait is null ? limiter.GetStatistics(caller)?.CurrentAvailablePermits ?? 0 : 0;
        answer["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"key\";q={quota.Requests};w={quota.Seconds}");
        answer["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"key\";r={left}{(wait is null ? "" : $";t={wait}")}");
        return wait;
    }

    public void Dispose() => limiter.Dispose();
}
