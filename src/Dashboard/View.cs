// How whoever looks reads: their zone, their language, and how they write numbers; the script of the page says so in a cookie.
using System.Globalization;
using NodaTime;
using Purser.Core;

namespace Purser.Dashboard;

public sealed record View(DateTimeZone Zone, string Language, NumberFormatInfo Numbers)
{
    public const string Cookie = "purser-view";

    public static readonly View Usual = new(DateTimeZone.Utc, "en", NumberFormatInfo.InvariantInfo);

    /// <summary>`zone|language|decimal sign|group sign`; what can not be read is as usual.</summary>
    public static View Parse(string? text)
    {
        if (text is null || Uri.UnescapeDataString(text).Split('|') is not [var zone, var language, var point, var group]) return Usual;
        var numbers = (NumberFormatInfo)NumberFormatInfo.InvariantInfo.Clone();
        if (point.Length == 1 && group.Length <= 1)
            (numbers.NumberDecimalSeparator, numbers.NumberGroupSeparator) = (point, group);
        return new(TimeZones.Find(zone) ?? DateTimeZone.Utc, language, numbers);
    }

    public string Number(decimal value, int decimals = 0) => value.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), Numbers);

    /// <summary>Short for axes: 1.2M, 340k.</summary>
    public string Brief(decimal value) => Math.Abs(value) switch
    {
        >= 1_000_000_000 => Scaled(value / 1_000_000_000, "B"),
        >= 1_000_000 => Scaled(value / 1_000_000, "M"),
        >= 10_000 => Scaled(value / 1000, "k"),
        >= 100 => Number(value),
        0 => "0",
        >= 1 => Scaled(value, ""),
        _ => value.ToString("G2", Numbers),
    };

    string Scaled(decimal value, string unit) => value.ToString("0.#", Numbers) + unit;

    public LocalDate Today(Instant now) => now.InZone(Zone).Date;
}
