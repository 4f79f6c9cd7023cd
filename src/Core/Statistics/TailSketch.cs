// The distribution of a stream of sizes in bounded space: how often each eighth of an octave came, the past fading slowly.
namespace Purser.Core.Statistics;

public sealed class TailSketch
{
    /// <summary>An eighth of an octave is 9 %: finer bins changed nothing on the series of docs/anomalies.md, coarser ones cost hits.</summary>
    const int BinsPerOctave = 8;

    /// <summary>From 2^-48 to 2^80: nano-units of money and billions of tokens have room.</summary>
    const int LowestBin = -48 * BinsPerOctave, HighestBin = 80 * BinsPerOctave;

    /// <summary>Sixteen weeks of hours. Then everything counts half: what is remembered reaches eight to sixteen weeks back.</summary>
    const int MostRemembered = 16 * 168;

    /// <summary>The bin that the first of <see cref="Counts"/> belongs to.</summary>
    public int First { get; set; }

    public int[] Counts { get; set; } = [];

    public int Zeros { get; set; }

    public int Total { get; set; }

    public void Add(double size)
    {
        if (!(size > 0)) Zeros++;
        else
        {
            // Making room may replace the array.
            var place = Room((int)Math.Clamp(Math.Floor(Math.Log2(size) * BinsPerOctave), LowestBin, HighestBin));
            Counts[place]++;
        }
        if (++Total >= MostRemembered) Halve();
    }

    /// <summary>The size below which this share of the stream lies; 0 for an empty one.</summary>
    public double Quantile(double share)
    {
        var wanted = share * Total;
        double below = Zeros;
        if (below > wanted || Total == 0) return 0;
        for (var i = 0; i < Counts.Length; i++)
        {
            if (below + Counts[i] > wanted) return Math.Pow(2, (First + i + (wanted - below) / Counts[i]) / BinsPerOctave);
            below += Counts[i];
        }
        return Math.Pow(2, (First + Counts.Length) / (double)BinsPerOctave);
    }

    int Room(int bin)
    {
        if (Counts.Length == 0) (First, Counts) = (bin, new int[1]);
        else if (bin < First)
        {
            Counts = [.. new int[First - bin], .. Counts];
            First = bin;
        }
        else if (bin >= First + Counts.Length) Counts = [.. Counts, .. new int[bin - First - Counts.Length + 1]];
        return bin - First;
    }

    void Halve()
    {
        Total = Zeros /= 2;
        for (var i = 0; i < Counts.Length; i++) Total += Counts[i] /= 2;
    }
}
