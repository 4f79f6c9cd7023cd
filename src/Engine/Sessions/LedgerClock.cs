// The time that decisions are made in: whole milliseconds, carried by the monotonic clock. It follows the ledger's clock, or this
// machine's where the ledger has none, and holds jumps of it back until somebody says that they are right.
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;

namespace Purser.Engine;

/// <param name="shared">Where is written down what operators accepted; without it nothing can be accepted.</param>
/// <param name="newest">The time of the newest entry, which no later one may be before.</param>
public sealed class LedgerClock(
    TimeProvider time, ISharedState? shared = null, Func<Task<Instant?>>? newest = null, ILogger? log = null)
{
    /// <summary>A clock further off than this is reported.</summary>
    public static readonly Duration Reported = Duration.FromSeconds(5);

    /// <summary>With a clock further off than this, or a larger jump held back, a host does not call itself ready.</summary>
    public static readonly Duration Tolerated = Duration.FromMinutes(5);

    /// <summary>A measurement that took longer says too little.</summary>
    static readonly TimeSpan longestMeasurement = TimeSpan.FromSeconds(2);

    /// <summary>Readings of two clocks of one machine that are further apart were interrupted in between.</summary>
    static readonly TimeSpan sameMoment = TimeSpan.FromMilliseconds(100);

    /// <summary>What the two clocks of the kernel may differ by without the machine having slept.</summary>
    static readonly Duration shortestSleep = Duration.FromSeconds(1);

    readonly ILogger log = log ?? NullLogger.Instance;
    readonly Func<TimeSpan?> sinceBoot = time == TimeProvider.System ? Uptime.Read : () => null;

    /// <summary>Guards the measurement that is under way, and the one after it: there is one at a time.</summary>
    readonly Lock gate = new();
    Task measuring = Task.CompletedTask;
    Task next = Task.CompletedTask;
    volatile bool started;

    /// <summary>From the beginning this machine's time; the first measurement sets it right.</summary>
    volatile CarriedTime carried = CarriedTime.Start(0, Instant.FromDateTimeOffset(time.GetUtcNow()), null, Duration.Zero);
    readonly long origin = time.GetTimestamp();
    (long Timestamp, TimeSpan Boot)? lastBoot;

    /// <summary>The version of what operators accepted when the jump was first held back.</summary>
    long acceptedVersion;

    long offsetMillis;
    long machineMillis;

    public Instant Now => Instant.FromUnixTimeMilliseconds(carried.Now(Ticks).ToUnixTimeMilliseconds());

    /// <summary>How far this machine's clock is behind this time, as last measured.</summary>
    public Duration Offset => Duration.FromMilliseconds(Volatile.Read(ref offsetMillis));

    /// <summary>How far this machine's clock is behind the ledger's, where that has one of its own.</summary>
    public Duration MachineOff => Duration.FromMilliseconds(Volatile.Read(ref machineMillis));

    /// <summary>The jump that is held back: how far the clock that is followed is ahead of where it should be; zero where none
    /// is.</summary>
    public Duration Held => carried.Held;

    /// <summary>How far this time is known to be ahead of the clock that it follows.</summary>
    public Duration Lead => carried.Lead;

    /// <summary>What is wrong with the clocks, in a sentence; null where a host may serve.</summary>
    public string? Trouble
    {
        get
        {
            var held = carried.Held;
            if (held != Duration.Zero)
                return $"the clock jumped {Spoken(held)}, which is held back: set it right, or `purser clock --accept` where it is right";
            return MachineOff is var off && Size(off) > Tolerated
                ? $"this machine's clock is {Spoken(-off)} than the ledger's: set it right" : null;
        }
    }

    /// <summary>Completes when the time was measured, and compared with the newest entry, for the first time.</summary>
    public ValueTask StartedAsync(IStore ledger) => started ? default : new(MeasureAsync(ledger));

    /// <summary>Asks the ledger for its time.</summary>
    public Task MeasureAsync(IStore ledger) => MeasureAsync(ledger.TimeAsync);

    /// <summary>Asks whoever knows the ledger's time; the answer is taken for the middle of the round trip. Null: this machine's time is
    /// it.</summary>
    public Task MeasureAsync(Func<Task<Instant?>> ask)
    {
        lock (gate)
        {
            if (measuring.IsCompleted) return measuring = MeasureOnceAsync(ask);
            // One that is under way may have asked already: whoever comes meanwhile waits for the next.
            return next.IsCompleted ? next = AfterAsync(measuring, ask) : next;
        }
    }

    async Task AfterAsync(Task before, Func<Task<Instant?>> ask)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task mine;
        lock (gate) mine = measuring = MeasureOnceAsync(ask);
        await mine;
    }

    async Task MeasureOnceAsync(Func<Task<Instant?>> ask)
    {
        if (await ReadAsync(ask) is not var (timestamp, source, wall)) return;
        var slept = Slept(timestamp);
        if (started) await FollowAsync(timestamp, source, slept);
        else await StartAsync(timestamp, source);
        Volatile.Write(ref offsetMillis, (long)(carried.At - wall).TotalMilliseconds);
        Report(source - wall);
        Measures.Clock(Offset.TotalSeconds, carried.Held.TotalSeconds);
    }

    /// <summary>Says for every host on this ledger that a clock which jumped is right; one that holds a jump back follows within a
    /// measurement.</summary>
    public async Task<ClockNote?> AcceptAsync(string by, string? reason)
    {
        if (shared is null) return null;
        while (true)
        {
            var known = await shared.LoadAsync(ClockNotes.Document) ?? SharedDocument.Missing;
            var now = carried;
            var note = new ClockNote(Now.ToUnixTimeMilliseconds(), (long)now.Held.TotalMilliseconds,
                Math.Max(0, (long)(now.Lead - now.Held).TotalMilliseconds), by, reason);
            if (await shared.SaveAsync(ClockNotes.Document, known.Version, ClockNotes.With(known.Body, note))) return note;
        }
    }

    /// <summary>What was accepted so far, newest first.</summary>
    public async Task<IReadOnlyList<ClockNote>> AcceptedAsync() =>
        shared is null ? [] : ClockNotes.Read((await shared.LoadAsync(ClockNotes.Document) ?? SharedDocument.Missing).Body);

    async Task<(long Timestamp, Instant Source, Instant Wall)?> ReadAsync(Func<Task<Instant?>> ask)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var before = Ticks;
            var there = await ask();
            var after = Ticks;
            if (there is { } told)
            {
                if (TimeSpan.FromTicks(after - before) > longestMeasurement) continue;
                return (before + ((after - before) / 2), told, Instant.FromDateTimeOffset(time.GetUtcNow()) - Duration.FromTicks(
                    (after - before) / 2));
            }
            before = Ticks;
            var wall = Instant.FromDateTimeOffset(time.GetUtcNow());
            if (TimeSpan.FromTicks(Ticks - before) <= sameMoment) return (before, wall, wall);
        }
        return null;
    }

    void Report(Duration machine)
    {
        var (before, now) = (MachineOff, (long)machine.TotalMilliseconds);
        Volatile.Write(ref machineMillis, now);
        if (Size(before) <= Reported && Size(machine) > Reported)
            log.LogWarning("This machine's clock is {Off} than the ledger's; it is corrected for, but should be set right",
                Spoken(-machine));
        else if (Size(before) > Reported && Size(machine) <= Reported) log.LogWarning("This machine's clock is right again");
    }

    async Task StartAsync(long timestamp, Instant source)
    {
        var newestAt = newest is null ? null : await newest();
        var lead = Duration.Zero;
        if (shared is not null && newestAt > source + Tolerated)
        {
            var known = await shared.LoadAsync(ClockNotes.Document) ?? SharedDocument.Missing;
            acceptedVersion = known.Version;
            lead = ClockNotes.LeadAt(known.Body, source);
        }
        carried = CarriedTime.Start(timestamp, source, newestAt, lead);
        started = true;
        if (carried.Held != Duration.Zero)
            log.LogError(
                "The clock says {Source}, {Off} than the newest entry: time goes on from there, and this host is not ready. Set the "
                + "clock right, or `purser clock --accept` where it is right", source, Spoken(carried.Held));
    }

    async Task FollowAsync(long timestamp, Instant source, Duration slept)
    {
        var (before, next) = (carried, carried.Measured(timestamp, source, slept));
        if (slept > Duration.Zero) log.LogWarning("This machine slept for {Seconds} s", (long)slept.TotalSeconds);
        if (next.Held == Duration.Zero)
        {
            carried = next;
            if (before.Held != Duration.Zero) log.LogWarning("The clock is right again: it says {Source}", source);
            return;
        }
        if (await IsAcceptedAsync(next, isNew: before.Held == Duration.Zero))
        {
            next = next.Accepted();
            log.LogWarning("The clock was accepted as it is: time goes on from {Now}, {Lead} s ahead of it", next.At,
                (long)next.Lead.TotalSeconds);
        }
        else if (before.Held == Duration.Zero)
            log.LogError(
                "The clock jumped {Off}, to {Source}. The jump is held back: time goes on from {Now}, and this host is not ready. Set "
                + "the clock right, or `purser clock --accept` where it is right", Spoken(next.Held), source, next.At);
        carried = next;
    }

    /// <summary>Whether an operator has accepted the jump: since it was noticed here, or just before. One host notices it after another,
    /// and one that goes by the time of others only once those have followed it.</summary>
    async Task<bool> IsAcceptedAsync(CarriedTime now, bool isNew)
    {
        if (shared is null) return false;
        if (!isNew) return await shared.LoadAsync(ClockNotes.Document, acceptedVersion) is { } newer && newer.Version > acceptedVersion;
        var known = await shared.LoadAsync(ClockNotes.Document) ?? SharedDocument.Missing;
        acceptedVersion = known.Version;
        return ClockNotes.IsOf(known.Body, now.Held, now.At);
    }

    /// <summary>How long the machine slept since the last measurement: the kernel counts that in one of its clocks only.</summary>
    Duration Slept(long timestamp)
    {
        if (sinceBoot() is not { } boot) return Duration.Zero;
        var slept = lastBoot is { } last
            ? Duration.FromTimeSpan(boot - last.Boot) - Duration.FromTicks(Ticks - last.Timestamp) : Duration.Zero;
        lastBoot = (Ticks, boot);
        return slept >= shortestSleep ? slept : Duration.Zero;
    }

    /// <summary>The monotonic clock, since this object was made.</summary>
    long Ticks => time.GetElapsedTime(origin, time.GetTimestamp()).Ticks;

    static Duration Size(Duration duration) => Duration.Max(duration, -duration);

    static string Spoken(Duration off) => string.Create(CultureInfo.InvariantCulture,
        $"{Math.Abs(off.TotalSeconds):0} s {(off > Duration.Zero ? "later" : "earlier")}");
}

/// <summary>How long the machine has been up, sleep included, where the system says so.</summary>
static class Uptime
{
    const string File = "/proc/uptime";

    static readonly bool isThere = OperatingSystem.IsLinux() && System.IO.File.Exists(File);

    public static TimeSpan? Read()
    {
        if (!isThere) return null;
        try
        {
            var text = System.IO.File.ReadAllText(File);
            return double.TryParse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture,
                out var seconds)
                ? TimeSpan.FromSeconds(seconds) : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
