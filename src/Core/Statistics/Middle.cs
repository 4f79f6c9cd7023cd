// The median of a few numbers.
namespace Purser.Core.Statistics;

static class Middle
{
    /// <summary>Sorts what it is given. There must be at least one number.</summary>
    public static double Of(Span<double> numbers)
    {
        numbers.Sort();
        var half = numbers.Length / 2;
        return numbers.Length % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
    }
}
