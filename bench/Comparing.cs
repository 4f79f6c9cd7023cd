// Two runs side by side: what each figure was, what it is, and how many times as much that is.
using System.Globalization;

namespace Purser.Bench;

static class Comparing
{
    public static void Print(TextWriter to, Results before, Results now)
    {
        to.WriteLine();
        to.WriteLine($"before: {before.Machine}; {before.Settings}");
        to.WriteLine($"now:    {now.Machine}; {now.Settings}");
        var old = before.Rows.ToDictionary(row => (row.Name, row.Unit));
        var both = now.Rows.Select(row => (Now: row, Before: old.GetValueOrDefault((row.Name, row.Unit)))).ToArray();
        foreach (var group in both.GroupBy(one => one.Now.Unit))
        {
            var width = group.Max(one => one.Now.Name.Length);
            to.WriteLine();
            to.WriteLine($"{group.Key.PadRight(Math.Max(width, group.Key.Length))} {"before",12} {"now",12} {"now/before",11}");
            foreach (var (row, was) in group)
                to.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{row.Name.PadRight(Math.Max(width, group.Key.Length))} {(was is null ? "-" : Results.Figure(was.Value)),12} "
                        + $"{Results.Figure(row.Value),12} {RatioOf(was?.Value, row.Value),11}"));
        }
        var missing = old.Keys.Except(now.Rows.Select(row => (row.Name, row.Unit))).ToArray();
        if (missing.Length == 0) return;
        to.WriteLine();
        foreach (var (name, unit) in missing) to.WriteLine($"only before: {name}, {unit}");
    }

    static string RatioOf(double? before, double now) =>
        before is > 0 or < 0 ? string.Create(CultureInfo.InvariantCulture, $"{now / before:0.00} x") : "";
}
