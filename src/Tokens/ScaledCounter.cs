// An estimate: the exact count of a published encoding, times a factor, rounded up. It follows the text (code, languages, digits) as no
// number of characters does.
using System.Globalization;

namespace Purser.TokenCounting;

public sealed class ScaledCounter(ITokenCounter measured, int percent) : ITokenCounter
{
    public string Method { get; } = percent == 100
        ? $"estimate: {measured.Method}"
            : string.Create(CultureInfo.InvariantCulture, $"estimate: {measured.Method} times {percent / 100m:0.00}");

    public bool IsExact => false;

    public long Count(ReadOnlySpan<char> text) => Scaled(measured.Count(text));

    public IPiecewiseCount Begin() => new Stream(this, measured.Begin());

    long Scaled(long count) => (count * percent + 99) / 100;

    sealed class Stream(ScaledCounter counter, IPiecewiseCount inner) : IPiecewiseCount
    {
        public void Append(ReadOnlySpan<char> piece) => inner.Append(piece);

        public long Count() => counter.Scaled(inner.Count());
    }
}
