// Decimals of any length. A 128-bit decimal holds every result of real prices and counts; where it would have to round, this does not.
using System.Globalization;
using System.Numerics;

namespace Purser.Core;

/// <summary><see cref="Digits"/> divided by ten to the power of <see cref="Scale"/>.</summary>
public readonly record struct Exact(BigInteger Digits, int Scale)
{
    public static readonly Exact Zero = new(0, 0);

    public static implicit operator Exact(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var digits = ((((BigInteger)(uint)bits[2]) << 32) + (uint)bits[1] << 32) + (uint)bits[0];
        return new(bits[3] < 0 ? -digits : digits, value.Scale);
    }

    public static implicit operator Exact(long value) => new(value, 0);

    public static Exact operator +(Exact a, Exact b) =>
        a.Scale >= b.Scale ? new(a.Digits + (b.Digits * Power(a.Scale - b.Scale)), a.Scale) : b + a;

    public static Exact operator -(Exact a, Exact b) => a + new Exact(-b.Digits, b.Scale);

    public static Exact operator *(Exact a, Exact b) => new(a.Digits * b.Digits, a.Scale + b.Scale);

    /// <summary>A division by a power of ten, which is always exact.</summary>
    public Exact Shifted(int places) => new(Digits, Scale + places);

    public int CompareTo(Exact other) => (Digits * Power(Math.Max(0, other.Scale - Scale)))
        .CompareTo(other.Digits * Power(Math.Max(0, Scale - other.Scale)));

    /// <summary>How many hundredths of another amount this is, cut to six decimals; 0 of nothing.</summary>
    public decimal PercentOf(Exact whole) => whole.Digits.IsZero ? 0
        : (decimal)(
            Digits * Power(8 + Math.Max(0, whole.Scale - Scale)) / (whole.Digits * Power(Math.Max(0, Scale - whole.Scale)))) / 1_000_000m;

    /// <summary>Divided, and rounded up to so many decimals where that does not end.</summary>
    public Exact DividedCeiling(Exact by, int decimals)
    {
        var places = decimals - Scale + by.Scale;
        var (above, below) = places >= 0 ? (Digits * Power(places), by.Digits) : (Digits, by.Digits * Power(-places));
        var (whole, rest) = BigInteger.DivRem(above, below);
        return new Exact(rest.Sign * below.Sign > 0 ? whole + 1 : whole, decimals).Shortest();
    }

    /// <summary>Rounded up to so many decimals, where it has more.</summary>
    public Exact Ceiling(int decimals)
    {
        if (Scale <= decimals) return this;
        var (whole, rest) = BigInteger.DivRem(Digits, Power(Scale - decimals));
        return new(rest.Sign > 0 ? whole + 1 : whole, decimals);
    }

    /// <summary>
    /// As a decimal; rounded up where it has more digits than one. Null beyond what any call costs. Rounding up here and then to nanos
    /// is rounding up to nanos.
    /// </summary>
    public decimal? ToDecimal()
    {
        var shortest = Shortest();
        for (var decimals = Math.Min(shortest.Scale, 28); ; decimals--)
        {
            var (digits, scale) = shortest.Ceiling(decimals);
            if (BigInteger.Abs(digits).GetBitLength() <= 96)
            {
                var bits = BigInteger.Abs(digits);
                return new decimal((int)(uint)(bits & uint.MaxValue), (int)(uint)((bits >> 32) & uint.MaxValue), (int)(uint)(bits >> 64),
                    digits.Sign < 0, (byte)scale);
            }
            if (decimals <= MoneyDecimals) return null;
        }
    }

    const int MoneyDecimals = 9;

    /// <summary>The same without trailing zeros.</summary>
    public Exact Shortest()
    {
        var (digits, scale) = (Digits, Scale);
        while (scale > 0)
        {
            var (whole, rest) = BigInteger.DivRem(digits, 10);
            if (!rest.IsZero) break;
            (digits, scale) = (whole, scale - 1);
        }
        return new(digits, scale);
    }

    /// <summary>The same without trailing zeros; the scale of a decimal decides how long its products get.</summary>
    public static decimal Shortest(decimal value) => value / 1.0000000000000000000000000000m;

    /// <summary>Plain text: no exponent, no trailing zeros.</summary>
    public override string ToString()
    {
        var shortest = Shortest();
        var text = BigInteger.Abs(shortest.Digits).ToString(CultureInfo.InvariantCulture);
        if (shortest.Scale > 0)
        {
            text = text.PadLeft(shortest.Scale + 1, '0');
            text = $"{text[..^shortest.Scale]}.{text[^shortest.Scale..]}";
        }
        return shortest.Digits.Sign < 0 ? "-" + text : text;
    }

    static BigInteger Power(int exponent) => BigInteger.Pow(10, exponent);
}
