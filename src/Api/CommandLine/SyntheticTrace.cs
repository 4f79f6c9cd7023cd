// A trace made up here, for when no real one is at hand: the same calls every time, shaped like conversations.
namespace Purser.Api;

public static class SyntheticTrace
{
    // Medians and spreads near those of the conversation trace in the Azure public dataset of 2023: inputs of about a thousand tokens,
    // outputs of about a hundred and fifty, both with a long tail; five calls a second.
    const double MedianInput = 1000, SpreadInput = 0.9, LargestInput = 100_000;
    const double MedianOutput = 150, SpreadOutput = 0.8, LargestOutput = 4_000;
    const double MeanGapSeconds = 0.2;

    public static IEnumerable<TraceCall> Calls(int count, ulong seed = 1)
    {
        var random = new SplitMix(seed);
        var offset = TimeSpan.Zero;
        for (var row = 1; row <= count; row++)
        {
            yield return new(row, offset, random.LogNormal(MedianInput, SpreadInput, LargestInput),
                random.LogNormal(MedianOutput, SpreadOutput, LargestOutput), 0);
            offset += TimeSpan.FromSeconds(-Math.Log(random.Unit()) * MeanGapSeconds);
        }
    }

    /// <summary>SplitMix64: eight lines that answer the same on every runtime, which <see cref="Random"/> does not promise.</summary>
    sealed class SplitMix(ulong state)
    {
        /// <summary>Above 0, at most 1.</summary>
        public double Unit()
        {
            var z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return (((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
        }

        /// <summary>Box-Muller: two even numbers make a normal one.</summary>
        public long LogNormal(double median, double spread, double largest)
        {
            var normal = Math.Sqrt(-2 * Math.Log(Unit())) * Math.Cos(2 * Math.PI * Unit());
            return (long)Math.Clamp(Math.Round(median * Math.Exp(spread * normal)), 1, largest);
        }
    }
}
