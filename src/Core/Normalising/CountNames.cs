// Whether a member of a report may be a count, by the words of its name. Everything is, but for what names a time, a rate, a price or an
// identity: a count that is taken for something else would be lost in silence.
using System.Collections.Frozen;

namespace Purser.Core;

public static class CountNames
{
    static readonly FrozenSet<string> otherWords =
    [
        "time", "times", "timestamp", "latency", "duration", "ms", "millis", "ns", "nanos", "created", "updated", "expires", "started",
        "finished", "at", "ttl", "ttft", "ttfb", "speed", "per", "rate", "ratio", "percent", "percentage", "score", "temperature",
            "version",
        "id", "index", "price", "prices", "pricing", "cost", "costs", "ticks", "discount", "multiplier",
        "probability", "logprob", "logprobs", "limit", "remaining", "reset", "timings", "max", "window",
    ];

    /// <summary>Words are parted by anything but letters and by capitals: `firstByteLatency`, `queue_time`.</summary>
    public static bool MayBeCount(string name)
    {
        var start = 0;
        for (var i = 0; i <= name.Length; i++)
        {
            var ends = i == name.Length || !char.IsLetter(name[i])
                || (i > start && char.IsUpper(name[i]) && !char.IsUpper(name[i - 1]));
            if (!ends) continue;
            if (i > start && otherWords.Contains(name[start..i].ToLowerInvariant())) return false;
            start = i < name.Length && char.IsLetter(name[i]) ? i : i + 1;
        }
        return true;
    }
}
