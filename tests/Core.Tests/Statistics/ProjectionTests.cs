// Projections of series whose future is known.
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class ProjectionTests
{
    const long Epoch = 400_008;

    static HourlyPast Of(double[] values, int until) => hour => hour >= Epoch && hour < Epoch + until ? values[hour - Epoch] : double.NaN;

    [Fact]
    public void A_week_like_all_others_is_projected_exactly()
    {
        var values = Enumerable.Range(0, 12 * 168).Select(hour => hour / 24 % 7 < 5 ? 100.0 + hour % 24 : 3).ToArray();
        foreach (var now in (int[])[9 * 168, 9 * 168 + 17, 9 * 168 + 100])
        {
            var end = 10 * 168;
            var rest = Projection.Rest(Of(values, now), Epoch, Epoch + now, Epoch + end)!.Value;
            Assert.Equal(values[now..end].Sum(), rest.Point, 6);
            Assert.InRange(rest.Point, rest.Low, rest.High);
        }
    }

    [Fact]
    public void A_part_of_an_hour_is_a_part()
    {
        var values = Enumerable.Repeat(60.0, 20 * 24).ToArray();
        var rest = Projection.Rest(Of(values, 240), Epoch, Epoch + 240.25, Epoch + 241.5)!.Value;
        Assert.Equal(60 * 1.25, rest.Point, 6);
        Assert.Equal(Epoch + 241, Projection.WhenReached(Of(values, 240), Epoch, Epoch + 240.25, 45, Epoch + 300)!.Value, 6);
        Assert.Null(Projection.WhenReached(Of(values, 240), Epoch, Epoch + 240.25, 5_000, Epoch + 300));
    }

    [Fact]
    public void Less_than_two_days_are_not_enough()
    {
        var values = Enumerable.Repeat(60.0, 48).ToArray();
        Assert.Null(Projection.Rest(Of(values, 47), Epoch, Epoch + 47, Epoch + 200));
        Assert.NotNull(Projection.Rest(Of(values, 48), Epoch, Epoch + 48, Epoch + 200));
        Assert.Null(Projection.WhenReached(Of(values, 47), Epoch, Epoch + 47, 1, Epoch + 200));
    }

    /// <summary>Of four days of which each is a little like the one before; and of three weeks, of which two fit into the past side by
    /// side, of a level that stays for a month.</summary>
    [Theory]
    [InlineData(90, 0.6, 0.15)]
    [InlineData(500, 0.95, 0.06)]
    public void Four_of_five_intervals_hold_what_comes(int ahead, double stays, double moves)
    {
        var (inside, count, error) = (0, 0, 0.0);
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new MadeNumbers(seed);
            var level = 0.0;
            var values = Enumerable.Range(0, 13 * 168).Select(hour =>
            {
                if (hour % 24 == 0) level = stays * level + moves * random.Normal();
                return (hour % 24 is >= 8 and < 20 ? 100 : 20) * Math.Exp(level + 0.2 * random.Normal());
            }).ToArray();
            for (var now = 6 * 168; now < 9 * 168; now += 31)
            {
                var end = now + ahead;
                var (point, low, high) = Projection.Rest(Of(values, now), Epoch, Epoch + now, Epoch + end)!.Value;
                var came = values[now..end].Sum();
                error += Math.Abs(point - came) / came;
                if (came >= low && came <= high) inside++;
                count++;
            }
        }
        Assert.InRange((double)inside / count, 0.75, 0.9);
        Assert.InRange(error / count, 0, 0.15);
    }

    [Fact]
    public void Weeks_that_are_unlike_each_other_say_so_and_their_interval_is_wide()
    {
        double[] Weeks(params double[] levels) => [.. levels.SelectMany(level => Enumerable.Repeat(level, 168))];
        ProjectedRest Rest(double[] values) =>
            Projection.Rest(Of(values, values.Length), Epoch, Epoch + values.Length, Epoch + values.Length + 500)!.Value;
        Assert.False(Rest(Weeks(10, 11, 10, 12, 10)).IsBursty);
        Assert.False(Rest(Weeks(10, 100)).IsBursty);
        Assert.False(Rest(Weeks(10, 20, 40, 80)).IsBursty, "it grows evenly");
        foreach (var bursty in (ProjectedRest[])[Rest(Weeks(10, 30, 10, 30, 10)), Rest(Weeks(10, 10, 0, 10, 10))])
        {
            Assert.True(bursty.IsBursty);
            Assert.True(bursty.High >= 1.6 * bursty.Point && bursty.Low <= bursty.Point / 1.6);
        }
    }

    [Fact]
    public void An_amount_is_never_projected_below_nothing_and_nothing_stays_nothing()
    {
        var rest = Projection.Rest(Of(new double[500], 400), Epoch, Epoch + 400, Epoch + 500)!.Value;
        Assert.Equal(default, rest);
    }
}
