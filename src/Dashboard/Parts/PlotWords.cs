// The words of steps on an axis.
using System.Globalization;
using NodaTime;

namespace Purser.Dashboard.Parts;

static class PlotWords
{
    public static string Of(DateTimeOffset? start, string granularity, DateTimeZone zone)
    {
        if (start is not { } at) return "";
        var local = Instant.FromDateTimeOffset(at).InZone(zone);
        return granularity switch
        {
            "hour" => local.ToString("d MMM HH:mm", CultureInfo.InvariantCulture),
            "year" => local.ToString("yyyy", CultureInfo.InvariantCulture),
            "month" => local.ToString("MMM yyyy", CultureInfo.InvariantCulture),
            _ => local.ToString("d MMM", CultureInfo.InvariantCulture),
        };
    }
}
