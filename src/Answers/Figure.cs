// A number of an answer that is estimated or rounded for display.
using Purser.Core;

namespace Purser.Answers;

/// <summary>An estimate or a sum; money is in whole units of its currency, with up to nine decimals.</summary>
public readonly record struct Figure(decimal Value, bool IsMoney)
{
    /// <summary>Everything but money is rounded to so many decimals; money keeps those that are shown of it.</summary>
    public static Figure Rounded(decimal value, bool isMoney, int decimals) =>
        new(isMoney ? Money.Shown(value) : decimal.Round(value, decimals), isMoney);
}
