// Whether a limit lasts to the end of its window if it goes on being used as since the window's beginning.
using NodaTime;

namespace Purser.Core.Statistics;

public static class WindowPace
{
    /// <summary>So much of its window must have passed before what was used in it is a pace.</summary>
    const decimal LeastElapsedPart = 0.1m;

    /// <summary>When the whole amount will be used; null where it lasts, is used up already, or it is too early to tell.</summary>
    public static Instant? ExhaustedAt(Span window, Instant now, decimal settled, decimal amount)
    {
        if (settled <= 0 || settled >= amount) return null;
        if (now <= window.Start || window == Span.Always || window.End == Instant.MaxValue) return null;
        var (elapsed, length) = ((decimal)(now - window.Start).TotalMilliseconds, (decimal)(window.End - window.Start).TotalMilliseconds);
        if (elapsed / length < LeastElapsedPart) return null;
        var at = elapsed * (amount / settled);
        return at < length ? window.Start + Duration.FromMilliseconds((double)decimal.Floor(at)) : null;
    }
}
