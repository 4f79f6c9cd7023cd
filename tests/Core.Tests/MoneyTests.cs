// Money is exact: text and nano-units are the same thing, and the only rounding is up.
using System.Globalization;
using System.Numerics;

namespace Purser.Core.Tests;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1_000_000_000)]
    [InlineData("12.5", 12_500_000_000)]
    [InlineData("0.000000001", 1)]
    [InlineData("-0.25", -250_000_000)]
    [InlineData("1.50", 1_500_000_000)]
    [InlineData("1000000000", Money.LargestNanos)]
    [InlineData("-1000000000", -Money.LargestNanos)]
    public void Plain_decimal_text_is_read_exactly(string text, long nanos)
    {
        Assert.True(Money.TryParse(text, out var read));
        Assert.Equal(nanos, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1\0")]
    [InlineData("+1")]
    [InlineData("--1")]
    [InlineData("1-")]
    [InlineData("1e3")]
    [InlineData("1,000")]
    [InlineData("1,5")]
    [InlineData("$1")]
    [InlineData(".")]
    [InlineData("5.")]
    [InlineData(".5")]
    [InlineData("-.5")]
    [InlineData("007")]
    [InlineData("00012")]
    [InlineData("-00.5")]
    [InlineData("-0")]
    [InlineData("-0.0")]
    [InlineData("1.0000000000")]
    [InlineData("-")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("0x10")]
    [InlineData("1.2.3")]
    [InlineData("0.0000000001")]
    [InlineData("1000000000.000000001")]
    [InlineData("99999999999999999999999999999999999999")]
    [InlineData("9.99999999999999999999999999999")]
    [InlineData("1.00000000000000000000000000000000000001")]
    [InlineData("١")]
    public void Anything_else_is_refused(string? text)
    {
        Assert.False(Money.TryParse(text, out var nanos));
        Assert.Equal(0, nanos);
    }

    [Fact]
    public void Text_and_nanos_are_the_same() => Programs.Same.Check(2000, 2, program =>
    {
        var random = new Random(program[0]);
        var nanos = random.NextInt64(-Money.LargestNanos, Money.LargestNanos) / (long)BigInteger.Pow(10, random.Next(18));
        var text = Money.Format(nanos);
        Assert.True(Money.TryParse(text, out var read), text);
        Assert.Equal(nanos, read);
        Assert.Equal(nanos / 1_000_000_000m, decimal.Parse(text, CultureInfo.InvariantCulture));
        Assert.False(text.Contains('.', StringComparison.Ordinal) && text.EndsWith('0'), text);
    });

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "0.000000001")]
    [InlineData(-1, "-0.000000001")]
    [InlineData(-1_500_000_000, "-1.5")]
    [InlineData(long.MaxValue, "9223372036.854775807")]
    [InlineData(long.MinValue, "-9223372036.854775808")]
    public void Money_is_written_without_superfluous_digits(long nanos, string text) => Assert.Equal(text, Money.Format(nanos));

    [Fact]
    public void Sums_beyond_64_bits_are_written_whole()
    {
        Assert.Equal("170141183460469231731687303715.884105727", Money.Format(Int128.MaxValue));
        Assert.Equal("-170141183460469231731687303715.884105728", Money.Format(Int128.MinValue));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0.0000000001", 1)]
    [InlineData("0.000000001", 1)]
    [InlineData("0.0000000010000000000000000001", 2)]
    [InlineData("1.0000000009", 1_000_000_001)]
    public void Rounding_is_up(string amount, long nanos) =>
        Assert.Equal(nanos, Money.CeilingNanos(decimal.Parse(amount, CultureInfo.InvariantCulture)));

    [Fact]
    public void Rounding_loses_less_than_a_nano_and_only_upwards() => Programs.Same.Check(2000, 2, program =>
    {
        var random = new Random(program[0]);
        var amount = random.NextInt64(0, 1_000_000_000_000_000) / (decimal)Math.Pow(10, random.Next(6, 18));
        var over = Money.ToDecimal(Money.CeilingNanos(amount)) - amount;
        Assert.True(over is >= 0 and < 0.000000001m, $"{amount}: {over}");
    });

    [Fact]
    public void A_quantity_is_written_in_its_own_way()
    {
        Assert.Equal("1500000000", new Quantity(LimitUnit.Tokens, 1_500_000_000).ToString());
        Assert.Equal("1.5", new Quantity(LimitUnit.Cost, 1_500_000_000).ToString());
    }
}
