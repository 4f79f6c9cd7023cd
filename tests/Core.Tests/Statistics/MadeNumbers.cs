// Numbers that look random and are the same in every run and on every machine.
namespace Purser.Core.Tests.Statistics;

sealed class MadeNumbers(int seed)
{
    readonly Random random = new(seed);

    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    public int Poisson(double mean)
    {
        var (count, product, least) = (0, random.NextDouble(), Math.Exp(-mean));
        for (; product > least; count++) product *= random.NextDouble();
        return count;
    }
}
