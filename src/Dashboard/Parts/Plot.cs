// What plots are drawn from: at most so many points that they can be told apart, with their peaks kept.
namespace Purser.Dashboard.Parts;

/// <summary>A place on the axis by its words, and a value. Plots take binary fractions; words come from the decimal.</summary>
public sealed record PlotPoint(string Name, decimal Value)
{
    public double Height => (double)Value;
}

static class Points
{
    public const int Most = 400;

    /// <summary>Where there are too many, of each so many in a row the largest.</summary>
    public static IReadOnlyList<PlotPoint> Thinned(IReadOnlyList<PlotPoint> all)
    {
        if (all.Count <= Most) return all;
        var each = (all.Count + Most - 1) / Most;
        return [.. all.Chunk(each).Select(some => some.MaxBy(point => point.Value)!)];
    }

    static readonly string[] colours = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"];

    /// <summary>The last colour is that of "Other".</summary>
    public static string Colour(int index) => index < colours.Length ? colours[index] : "var(--c0)";

    /// <summary>The largest, and one for all others together, so that the sum stays the sum.</summary>
    public static IReadOnlyList<PlotPoint> Top(IEnumerable<PlotPoint> all, int most = 6)
    {
        var ordered = all.Where(point => point.Value != 0).OrderByDescending(point => point.Value).ToList();
        if (ordered.Count <= most) return ordered;
        return [.. ordered.Take(most), new($"Other ({ordered.Count - most})", ordered.Skip(most).Sum(point => point.Value))];
    }
}
