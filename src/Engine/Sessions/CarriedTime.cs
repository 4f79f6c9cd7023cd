// Time that is carried by a monotonic clock and follows another one, its source: gently while the two differ by little, and not at all
// where the source jumps. It never runs backwards and never stands still.
using NodaTime;

namespace Purser.Engine;

/// <summary>Immutable: what holds from one measurement to the next. Timestamps are ticks (of 100 ns) of the monotonic clock.</summary>
sealed record CarriedTime
{
    /// <summary>Of the time that passes, at most this part is added or left out to come closer to the source.</summary>
    public const long GivenBack = 1000;

    /// <summary>Two readings of one clock over a network differ by so much without meaning anything.</summary>
    static readonly Duration noise = Duration.FromMilliseconds(20);

    /// <summary>A source that is ahead by no more than this is followed at once.</summary>
    static readonly Duration followed = Duration.FromSeconds(5);

    public long Timestamp { get; private init; }

    /// <summary>The time at <see cref="Timestamp"/>.</summary>
    public Instant At { get; private init; }

    /// <summary>How far this time is known to be ahead of its source; it is given back little by little.</summary>
    public Duration Lead { get; private init; }

    /// <summary>How far the source is from where it was expected, where that is more than is tolerated; else zero.</summary>
    public Duration Held { get; private init; }

    /// <summary>Began ahead of its source, which was behind the newest entry: once the source is past it, it is right again.</summary>
    public bool BeganAhead { get; private init; }

    /// <summary>
    /// The beginning. <paramref name="newest"/>: the time of the newest entry, which no later one may be before.
    /// <paramref name="accepted"/>: how far ahead of the source this time may be, because an operator said so.
    /// </summary>
    public static CarriedTime Start(long timestamp, Instant source, Instant? newest, Duration accepted)
    {
        var at = Instant.Max(source + accepted, newest ?? Instant.MinValue);
        var lead = at - source;
        return lead <= accepted + LedgerClock.Tolerated ? new() { Timestamp = timestamp, At = at, Lead = lead }
            : new() { Timestamp = timestamp, At = at, Held = -lead, BeganAhead = true };
    }

    public Instant Now(long timestamp)
    {
        var passed = Duration.FromTicks(Math.Max(0, timestamp - Timestamp));
        return At + passed - Part(passed);
    }

    /// <summary>What is given back (or, where it is behind, made up) in so much time.</summary>
    Duration Part(Duration passed) => Lead >= Duration.Zero ? Duration.Min(Lead, passed / GivenBack)
        : Duration.Max(Lead, -passed / GivenBack);

    /// <summary>The source was read. <paramref name="slept"/>: how long the machine slept, while the monotonic clock stood still.</summary>
    public CarriedTime Measured(long timestamp, Instant source, Duration slept)
    {
        var passed = Duration.FromTicks(Math.Max(0, timestamp - Timestamp));
        var (now, expected) = (Now(timestamp) + slept, Lead - Part(passed));
        var lead = now - source;
        var carried = this with { Timestamp = timestamp, At = now, Lead = expected };
        if (BeganAhead && lead <= Duration.Zero) return carried with { At = source, Lead = default, Held = default, BeganAhead = false };
        var off = expected - lead;
        var worse = Size(lead) > Size(expected) + followed;
        if (Size(off) > LedgerClock.Tolerated || (worse && Size(lead) > LedgerClock.Tolerated)) return carried with { Held = off };
        carried = carried with { Held = default, BeganAhead = false };
        return lead < -noise && lead >= -followed ? carried with { At = source, Lead = default } : carried with { Lead = lead };
    }

    /// <summary>The source is right, an operator says: it is followed where it is ahead; where it is behind, the lead is
    /// accepted.</summary>
    public CarriedTime Accepted() => Held > Lead ? this with { At = At + Held - Lead, Lead = default, Held = default, BeganAhead = false }
        : this with { Lead = Lead - Held, Held = default, BeganAhead = false };

    static Duration Size(Duration duration) => Duration.Max(duration, -duration);
}
