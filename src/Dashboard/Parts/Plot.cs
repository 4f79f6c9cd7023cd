// What plots are drawn from: at most so many points that they can be told apart, with their peaks kept.
namespace Purser.Dashboard.Parts;

/// <summary>A place on the axis by its words, and a value. Plots take binary fractions; words come from the decimal.</summary>
public sealed record PlotPoint(string Name, decimal Value)
{
    public double Height => (double)Value;
}

/// <summary>One of several lines over the same places of the axis.</summary>
public sealed record PlotLine(string Name, IReadOnlyList<PlotPoint> Points)
{
    public decimal Sum => Points.Sum(point => point.Value);
}

/// <summary>Between which two values something is expected at a place of the axis.</summary>
public sealed record PlotBand(string Name, decimal Low, decimal High)
{
    public double LowHeight => (double)Low;

    public double HighHeight => (double)High;
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

    public static string ColourOf(string name, int index) => name == Others ? "var(--c0)" : Colour(index);

    /// <summary>Lines, and one for what they leave of the whole, so that together they are the whole.</summary>
    public static IReadOnlyList<PlotLine> WithOthers(IReadOnlyList<PlotLine> lines, IReadOnlyList<PlotPoint> whole)
    {
        PlotPoint[] rest = [.. whole.Select((point, i) => point with
        {
            Value = point.Value - lines.Sum(line => i < line.Points.Count ? line.Points[i].Value : 0),
        })];
        return rest.All(point => point.Value == 0) ? lines : [.. lines, new(Others, rest)];
    }

    public const string Others = "all others";

    /// <summary>The largest, and one for all others together, so that the sum stays the sum.</summary>
    public static IReadOnlyList<PlotPoint> Top(IEnumerable<PlotPoint> all, int most = 6)
    {
        var ordered = all.Where(point => point.Value != 0).OrderByDescending(point => point.Value).ToList();
        if (ordered.Count <= most) return ordered;
        return [.. ordered.Take(most), new($"Other ({ordered.Count - most})", ordered.Skip(most).Sum(point => point.Value))];
    }
}
