// Newer time zone data in place of what came with the program: what is taken, and what is refused.
using System.Text;
using NodaTime.TimeZones;

namespace Purser.Core.Tests;

public sealed class TimeZonesTests
{
    /// <summary>What the library brings, as a file of the same form, under another version.</summary>
    static MemoryStream Data(string? version = null)
    {
        using var shipped = typeof(TzdbDateTimeZoneSource).Assembly.GetManifestResourceStream("NodaTime.TimeZones.Tzdb.nzd")!;
        using var bytes = new MemoryStream();
        shipped.CopyTo(bytes);
        var text = Encoding.Latin1.GetString(bytes.ToArray());
        return new(Encoding.Latin1.GetBytes(version is null ? text : text.Replace(TimeZones.Shipped, version, StringComparison.Ordinal)));
    }

    [Fact]
    public void Data_of_the_same_or_a_newer_version_is_taken()
    {
        Assert.Equal(TimeZones.Shipped, TimeZones.Read(Data()).TzdbVersion);
        var newer = TimeZones.Read(Data("2031a"));
        Assert.Equal("2031a", newer.TzdbVersion);
        Assert.NotNull(newer.ForId("America/Winnipeg"));
    }

    [Fact]
    public void Older_data_and_other_files_are_refused()
    {
        Assert.Contains("its version is 2019a", Assert.Throws<InvalidDataException>(() => TimeZones.Read(Data("2019a"))).Message,
            StringComparison.Ordinal);
        foreach (var other in (string[])["", "not time zones at all", "\0\0\0\0"])
            Assert.Contains("no time zone data", Assert.Throws<InvalidDataException>(
                () => TimeZones.Read(new MemoryStream(Encoding.UTF8.GetBytes(other)))).Message, StringComparison.Ordinal);
    }
}
