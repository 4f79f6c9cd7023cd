// The distribution of a stream of sizes in bounded space: how often each eighth of an octave came, the past fading slowly.
namespace Purser.Core.Statistics;

public sealed class TailSketch
{
    /// <summary>An eighth of an octave is 9 %: finer bins changed nothing on the series of docs/anomalies.md, coarser ones cost
    /// hits.</summary>
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

    public TailSketch Copy() => new() { First = First, Counts = [.. Counts], Zeros = Zeros, Total = Total };

    /// <summary>Where quantiles that were asked for lie: they are moved along, instead of being looked for each time. No state.</summary>
    Mark[] marks = [];

    /// <summary>The bin with the quantile, and how many sizes lie below that bin.</summary>
    record struct Mark(double Share, int Bin, int Below);

    public void Add(double size)
    {
        var place = -1;
        if (!(size > 0)) Zeros++;
        else
        {
            // Making room may replace the array.
            place = Room((int)Math.Clamp(Math.Floor(Math.Log2(size) * BinsPerOctave), LowestBin, HighestBin));
            Counts[place]++;
        }
        for (var i = 0; i < marks.Length; i++)
            if (place < marks[i].Bin) marks[i].Below++;
        if (++Total >= MostRemembered) Halve();
    }

    /// <summary>The size below which this share of the stream lies; 0 for an empty one.</summary>
    public double Quantile(double share)
    {
        var wanted = share * Total;
        if (Zeros > wanted || Total == 0) return 0;
        ref var mark = ref MarkOf(share);
        while (mark.Bin < Counts.Length && mark.Below + Counts[mark.Bin] <= wanted) mark.Below += Counts[mark.Bin++];
        while (mark.Bin > 0 && mark.Below > wanted) mark.Below -= Counts[--mark.Bin];
        return mark.Bin < Counts.Length
            ? Math.Pow(2, (First + mark.Bin + (wanted - mark.Below) / Counts[mark.Bin]) / BinsPerOctave)
                : Math.Pow(2, (First + Counts.Length) / (double)BinsPerOctave);
    }

    /// <summary>Few shares are asked for, always the same.</summary>
    ref Mark MarkOf(double share)
    {
        for (var i = 0; i < marks.Length; i++)
            if (marks[i].Share.Equals(share)) return ref marks[i];
        marks = [.. marks, new(share, 0, Zeros)];
        return ref marks[^1];
    }

    int Room(int bin)
    {
        if (Counts.Length == 0) (First, Counts) = (bin, new int[1]);
        else if (bin < First)
        {
            for (var i = 0; i < marks.Length; i++) marks[i].Bin += First - bin;
            Counts = [.. new int[First - bin], .. Counts];
            First = bin;
        }
        else if (bin >= First + Counts.Length) Counts = [.. Counts, .. new int[bin - First - Counts.Length + 1]];
        return bin - First;
    }

    void Halve()
    {
        marks = [];
        Total = Zeros /= 2;
        for (var i = 0; i < Counts.Length; i++) Total += Counts[i] /= 2;
    }
}
