// The median of what several rounds measured.
namespace Purser.Bench;

static class Middle
{
    /// <summary>Of an even number, what lies between the two in the middle.</summary>
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
