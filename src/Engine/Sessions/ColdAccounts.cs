// Which accounts leave memory first where more were called than may stay in it.
namespace Purser.Engine;

public static class ColdAccounts
{
    /// <summary>So many accounts stay in memory, about, where nothing else is said: with their histories about a gigabyte.</summary>
    public const int UsualMost = 100_000;

    /// <summary>So many of them leave memory at once.</summary>
    public const int AtOnce = 16;

    /// <summary>Those that were used longest ago, so many that a tenth of the places is free again; none while all have a
    /// place.</summary>
    public static IReadOnlyList<T> Of<T, TTime>(IReadOnlyCollection<T> all, int most, Func<T, TTime> usedAt) =>
        all.Count <= most ? [] : [.. all.OrderBy(usedAt).Take(all.Count - most + most / 10)];
}
