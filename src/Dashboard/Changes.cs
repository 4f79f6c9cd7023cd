// Which events change what several pages show.
namespace Purser.Dashboard;

static class Changes
{
    /// <summary>Sums over records, and records themselves: what is booked, taken back, credited, corrected and erased.</summary>
    public static bool Usage(Happening happened) => happened.Is("usage.");

    /// <summary>How limits stand: what counts against them, what is held, and what they are.</summary>
    public static bool Limits(Happening happened) => Usage(happened) || happened.Is("reservation.") || happened.Is("override.")
        || happened.Type is "policy.changed" or "default-policy.changed" or "tenant.changed" or "window.reset";

    public static bool Is(this Happening happened, string begins) => happened.Type.StartsWith(begins, StringComparison.Ordinal);
}
