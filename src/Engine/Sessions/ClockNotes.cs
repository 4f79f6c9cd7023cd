// What operators accepted about the clock, kept in the ledger for every host on it: the trail of who said what, and the lead over the
// clock that a host which starts may have.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// A clock that was accepted. Times are milliseconds since 1970. <see cref="JumpMillis"/>: how far it had jumped.
/// <see cref="LeadMillis"/>: how far the time of entries was ahead of it, which is given back little by little.
/// </summary>
public sealed record ClockNote(long AtMillis, long JumpMillis, long LeadMillis, string By, string? Reason);

static class ClockNotes
{
    public const string Document = "clock";

    const int Most = 100;

    public static IReadOnlyList<ClockNote> Read(ReadOnlyMemory<byte> body) =>
        body.Length == 0 ? [] : JsonSerializer.Deserialize(body.Span, ClockJson.Default.ClockNoteArray)!;

    public static byte[] With(ReadOnlyMemory<byte> body, ClockNote note) =>
        JsonSerializer.SerializeToUtf8Bytes([note, .. Read(body).Take(Most - 1)], ClockJson.Default.ClockNoteArray);

    /// <summary>Hosts measure every few seconds, and those that follow others after them.</summary>
    static readonly Duration noticedWithin = Duration.FromMinutes(1);

    /// <summary>Whether what was accepted last is a jump that is noticed now: it was accepted a moment ago, by somebody who saw one of
    /// about this size, or none yet.</summary>
    public static bool IsOf(ReadOnlyMemory<byte> body, Duration jump, Instant now)
    {
        if (Read(body) is not [var last, ..]) return false;
        var since = now - Instant.FromUnixTimeMilliseconds(last.AtMillis);
        var off = jump - Duration.FromMilliseconds(last.JumpMillis);
        return since >= -noticedWithin && since <= noticedWithin
            && (last.JumpMillis == 0 || (off <= LedgerClock.Tolerated && off >= -LedgerClock.Tolerated));
    }

    /// <summary>How much of the lead that was accepted last is left when the clock says <paramref name="source"/>.</summary>
    public static Duration LeadAt(ReadOnlyMemory<byte> body, Instant source)
    {
        if (Read(body) is not [var last, ..]) return Duration.Zero;
        var lead = Duration.FromMilliseconds(last.LeadMillis);
        var since = source - (Instant.FromUnixTimeMilliseconds(last.AtMillis) - lead);
        return Duration.Max(Duration.Zero, lead - Duration.Max(Duration.Zero, since / CarriedTime.GivenBack));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClockNote[]))]
sealed partial class ClockJson : JsonSerializerContext;
