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

/// <summary>A month day by day: the sums so far, and in a straight line from there to where the month is expected to end.</summary>
public sealed record MonthAhead(IReadOnlyList<PlotPoint> Done, IReadOnlyList<PlotPoint> Expected, IReadOnlyList<PlotBand> Band)
{
    /// <param name="days">All days of the month by their words.</param>
    /// <param name="costs">What each day cost that has begun.</param>
    public static MonthAhead Of(IReadOnlyList<string> days, IReadOnlyList<decimal> costs, decimal end, decimal low, decimal high)
    {
        if (costs.Count == 0) return new([], [], []);
        var sum = 0m;
        PlotPoint[] done = [.. costs.Select((cost, day) => new PlotPoint(days[day], sum += cost))];
        // A line has two points: on the last day it comes from the day before.
        var (from, last) = (Math.Max(0, Math.Min(costs.Count - 1, days.Count - 2)), days.Count - 1);
        decimal At(decimal to, int day) => day == last ? to : done[from].Value + (to - done[from].Value) * (day - from) / (last - from);
        var ahead = Enumerable.Range(from, last - from + 1).ToList();
        return new(done, [.. ahead.Select(day => new PlotPoint(days[day], At(end, day)))],
            [.. ahead.Select(day => new PlotBand(days[day], At(low, day), At(high, day)))]);
    }
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
