// Money: exact decimals for quotes, whole nano-units for what is booked. Money is rounded here and nowhere else: what is booked up,
// averages and estimates, which nobody pays, to the nearest nano-unit.
using System.Buffers;
using System.Globalization;

namespace Purser.Core;

/// <summary>Amounts of one currency in nano-units (1 USD = 1,000,000,000). One call fits 64 bits; sums are kept in 128.</summary>
public static class Money
{
    public const long NanosPerUnit = 1_000_000_000;

    /// <summary>The largest amount one call, limit or override may name: a billion units, far below what 64 bits hold in nanos.</summary>
    public const long LargestNanos = 1_000_000_000L * NanosPerUnit;

    /// <summary><see cref="LargestNanos"/> in whole units.</summary>
    public const decimal Largest = LargestNanos / (decimal)NanosPerUnit;

    /// <summary>More digits than these a decimal would round when it is read.</summary>
    const int LongestText = 29;
    static readonly SearchValues<char> characters = SearchValues.Create("-.0123456789");

    /// <summary>Rounds an exact amount up to whole nanos, so that a sum of bookings is never below the sum of quotes.</summary>
    public static long CeilingNanos(decimal amount) => (long)decimal.Ceiling(amount * NanosPerUnit);

    /// <summary>Rounds an average or an estimate for display, half to even. Nothing that is booked comes from here.</summary>
    public static Int128 ShownNanos(decimal nanos) => (Int128)decimal.Round(nanos);

    /// <summary>The same for an amount in whole units: it keeps nine decimals.</summary>
    public static decimal Shown(decimal amount) => decimal.Round(amount, 9);

    public static decimal ToDecimal(Int128 nanos) => (decimal)nanos / NanosPerUnit;

    /// <summary>Plain decimal text without trailing zeros: 12500000000 nanos are "12.5".</summary>
    public static string Format(Int128 nanos)
    {
        if (nanos >= 0 && nanos <= long.MaxValue) return Format((long)nanos);
        // Negated one short, since the smallest number has no positive twin.
        var magnitude = nanos < 0 ? (UInt128)(-(nanos + 1)) + 1 : (UInt128)nanos;
        var (units, rest) = UInt128.DivRem(magnitude, (UInt128)NanosPerUnit);
        var sign = nanos < 0 ? "-" : "";
        if (rest == 0) return string.Create(CultureInfo.InvariantCulture, $"{sign}{units}");
        var digits = ((long)rest).ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{units}.{digits}");
    }

    /// <summary>The same without 128 bits: every answer holds some money.</summary>
    static string Format(long nanos)
    {
        var (units, rest) = Math.DivRem(nanos, NanosPerUnit);
        if (nanos == 0) return "0";
        Span<char> text = stackalloc char[20];
        units.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        if (rest == 0) return text[..length].ToString();
        text[length] = '.';
        rest.TryFormat(text[(length + 1)..], out _, "D9", CultureInfo.InvariantCulture);
        return text[..(length + 10)].TrimEnd('0').ToString();
    }

    /// <summary>Reads plain decimal text with at most nine decimals, as it is written here: no exponent, no sign but a leading minus, no
    /// separators, no zero too many in front, no bare point, no minus before nothing.</summary>
    public static bool TryParse(string? text, out long nanos)
    {
        nanos = 0;
        const NumberStyles plain = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;
        if (text is null || text.Length > LongestText || text.AsSpan().ContainsAnyExcept(characters)
            || !IsPlain(text) || !decimal.TryParse(text, plain, CultureInfo.InvariantCulture, out var amount)) return false;
        if (Math.Abs(amount) > Largest) return false;
        var scaled = amount * NanosPerUnit;
        if (scaled != decimal.Truncate(scaled)) return false;
        nanos = (long)scaled;
        return true;
    }

    static bool IsPlain(string text)
    {
        var digits = text.AsSpan(text.StartsWith('-') ? 1 : 0);
        var point = digits.IndexOf('.');
        var whole = point < 0 ? digits : digits[..point];
        var decimals = point < 0 ? 1 : digits.Length - point - 1;
        if (whole.Length == 0 || (whole.Length > 1 && whole[0] == '0') || decimals is < 1 or > 9) return false;
        return text[0] != '-' || digits.ContainsAnyExcept('0', '.');
    }
}
