// The median of rounds, odd and even.
namespace Purser.Bench.Tests;

public sealed class MiddleTests
{
    [Theory]
    [InlineData(7, new[] { 7.0 })]
    [InlineData(3, new[] { 9.0, 1, 3 })]
    [InlineData(2, new[] { 1.0, 3 })]
    [InlineData(4, new[] { 20.0, 3, 5, 1 })]
    public void Of_an_even_number_of_rounds_it_lies_between_the_two_in_the_middle(double median, double[] figures) =>
        Assert.Equal(median, figures.Median());
}
