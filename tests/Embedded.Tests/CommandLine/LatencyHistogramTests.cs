// The histogram is small, so it rounds: never by more than it says.
using Purser.Api;

namespace Purser.Embedded.Tests.CommandLine;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_at_most_a_64th_too_high_and_never_too_low()
    {
        var histogram = new LatencyHistogram();
        for (var micros = 1; micros <= 100_000; micros++) histogram.Add(TimeSpan.FromMicroseconds(micros));
        foreach (var share in (double[])[0.0001, 0.01, 0.5, 0.95, 0.99, 0.999, 1])
        {
            var exact = share * 100_000;
            Assert.InRange(histogram.Percentile(share).TotalMicroseconds, exact - 0.5, exact * 65 / 64 + 1);
        }
        Assert.Equal(100_000, histogram.Largest.TotalMicroseconds);
        Assert.Equal(100_000, histogram.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(3_600_000_000_001)]
    public void A_single_latency_is_every_percentile(long micros)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(TimeSpan.FromMicroseconds(micros));
        Assert.Equal(micros, (long)histogram.Percentile(0.01).TotalMicroseconds);
        Assert.Equal(micros, (long)histogram.Percentile(1).TotalMicroseconds);
    }

    [Fact]
    public void Nothing_measured_is_zero() => Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Percentile(0.99));
}
