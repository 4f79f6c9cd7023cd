// Count, mean and variance of a stream of numbers, in one pass and without keeping them (Welford).
namespace Purser.Core.Statistics;

public readonly record struct RunningStatistics(long Count, double Mean, double SquaredDeviations)
{
    /// <summary>Of the whole stream, not of a sample of it; 0 for fewer than two numbers.</summary>
    public double Variance => Count < 2 ? 0 : SquaredDeviations / Count;

    public RunningStatistics With(double next)
    {
        var mean = Mean + (next - Mean) / (Count + 1);
        return new(Count + 1, mean, SquaredDeviations + (next - Mean) * (next - mean));
    }
}
