// Some rates by their kind, packed: a catalogue has thousands of such sets with a few rates each, and every call looks some up.
using System.Numerics;

namespace Purser.Core;

public sealed class Rates
{
    public static readonly Rates None = new([]);

    /// <summary>One bit per kind that is here; the values stand in the order of the kinds.</summary>
    readonly uint present;
    readonly decimal[] values;

    public Rates(IEnumerable<(RateKind Kind, decimal Rate)> rates)
    {
        var ordered = rates.OrderBy(rate => rate.Kind).ToArray();
        foreach (var (kind, _) in ordered)
        {
            if ((present & Bit(kind)) != 0) throw new ArgumentException($"{kind} is here twice", nameof(rates));
            present |= Bit(kind);
        }
        values = [.. ordered.Select(rate => Exact.Shortest(rate.Rate))];
    }

    public static Rates Of(params (RateKind Kind, decimal Rate)[] rates) => new(rates);

    public int Count => values.Length;

    public bool AreZero => Array.TrueForAll(values, rate => rate == 0);

    public decimal? this[RateKind kind] => TryGet(kind, out var rate) ? rate : null;

    public bool TryGet(RateKind kind, out decimal rate)
    {
        var bit = Bit(kind);
        if ((present & bit) == 0)
        {
            rate = 0;
            return false;
        }
        rate = values[BitOperations.PopCount(present & (bit - 1))];
        return true;
    }

    public IEnumerable<(RateKind Kind, decimal Rate)> All => RateKinds.All.Where(kind => (present & Bit(kind)) != 0)
        .Select(kind => (kind, this[kind]!.Value));

    static uint Bit(RateKind kind) => 1u << (int)kind;
}
