// The time zones that calendars are computed in: the data that came with the program, or newer data that it was given at its start.
using NodaTime;
using NodaTime.TimeZones;

namespace Purser.Core;

/// <summary>
/// Governments change their clocks with less notice than programs are updated. Calendars are made from what is in force then, so newer data
/// is taken once, before the first of them.
/// </summary>
public static class TimeZones
{
    static (IDateTimeZoneProvider Zones, string Version) inForce =
        (DateTimeZoneProviders.Tzdb, TzdbDateTimeZoneSource.Default.TzdbVersion);

    /// <summary>The version that came with the program, such as 2026f; versions are ordered as texts.</summary>
    public static string Shipped => TzdbDateTimeZoneSource.Default.TzdbVersion;

    /// <summary>The version of the data in force.</summary>
    public static string Version => inForce.Version;

    public static DateTimeZone Of(string id) => inForce.Zones[id];

    /// <summary>Null where there is no zone of that name.</summary>
    public static DateTimeZone? Find(string id) => inForce.Zones.GetZoneOrNull(id);

    /// <summary>Reads data in NodaTime's own format (.nzd). Throws <see cref="InvalidDataException"/> for what is none, or is older than
    /// what came with the program.</summary>
    public static TzdbDateTimeZoneSource Read(Stream nzd)
    {
        TzdbDateTimeZoneSource source;
        try
        {
            source = TzdbDateTimeZoneSource.FromStream(nzd);
            source.Validate();
        }
#pragma warning disable CA1031 // The reader of a foreign format fails in ways of its own; whatever they are, the file is of no use.
        catch (Exception unreadable) when (unreadable is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            throw new InvalidDataException("it is no time zone data in NodaTime's format (.nzd)", unreadable);
        }
        return string.CompareOrdinal(source.TzdbVersion, Shipped) >= 0 ? source : throw new InvalidDataException(
            $"its version is {source.TzdbVersion}, and this program comes with {Shipped}, which is newer");
    }

    public static void Use(TzdbDateTimeZoneSource source) => inForce = (new DateTimeZoneCache(source), source.TzdbVersion);
}
