// How many budgets a silo gives to which others, so that all carry alike. Each silo works it out for itself from the same numbers.
namespace Purser.Grains;

public static class BudgetMoves
{
    /// <summary>Within this part of the mean nothing moves: a move costs more than it brings.</summary>
    const double Tolerated = 0.1;

    /// <summary>What lies above the mean here, shared out in proportion to what the others lack: together the givers fill every
    /// gap once.</summary>
    public static IReadOnlyList<(T Silo, int Count)> Of<T>(IReadOnlyDictionary<T, int> budgets, T here, int most) where T : notnull
    {
        var mean = (double)budgets.Values.Sum() / budgets.Count;
        var excess = budgets.GetValueOrDefault(here) - mean;
        if (excess < Math.Max(2, Tolerated * mean)) return [];
        var gaps = budgets.Where(silo => silo.Value < mean).ToDictionary(silo => silo.Key, silo => mean - silo.Value);
        var share = Math.Min(excess, most) / gaps.Values.Sum();
        return [.. gaps.Select(gap => (gap.Key, (int)Math.Round(gap.Value * share))).Where(move => move.Item2 > 0)];
    }
}
