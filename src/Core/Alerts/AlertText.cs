// The words of alerts: templates with names in braces, and numbers as people read them.
using System.Globalization;
using System.Text.RegularExpressions;

namespace Purser.Core.Alerts;

public static partial class AlertText
{
    [GeneratedRegex(@"\{([A-Za-z][A-Za-z0-9]*)\}")]
    static partial Regex Name { get; }

    /// <summary>A template with its names replaced; one that is not known becomes nothing.</summary>
    public static string Fill(string template, IReadOnlyDictionary<string, string> fields) =>
        Name.Replace(template, match => fields.GetValueOrDefault(match.Groups[1].Value, ""));

    /// <summary>The names in a template.</summary>
    public static IEnumerable<string> NamesIn(string template) => Name.Matches(template).Select(match => match.Groups[1].Value);

    /// <summary>One decimal where there is one.</summary>
    public static string Percent(decimal ratio) => decimal.Round(ratio * 100, 1, MidpointRounding.AwayFromZero)
        .ToString("#,0.#", CultureInfo.InvariantCulture);

    public static string Count(decimal number) => number.ToString("#,0.#", CultureInfo.InvariantCulture);

    /// <summary>Two decimals, and two digits of what is smaller than a cent, so that a small amount never reads as nothing.</summary>
    public static string Money(decimal amount)
    {
        if (amount is 0 or >= 0.01m or <= -0.01m) return amount.ToString("#,0.00", CultureInfo.InvariantCulture);
        var digits = 2;
        for (var size = Math.Abs(amount); size < 0.1m && digits < 9; size *= 10) digits++;
        return amount.ToString("0." + new string('0', digits), CultureInfo.InvariantCulture);
    }

    public static string Amount(decimal amount, string? currency) => currency is null ? Count(amount)
        : currency == "USD" ? "$" + Money(amount) : $"{Money(amount)} {currency}";
}
