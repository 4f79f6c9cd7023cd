// Bursts: minutes that are far too busy in an hour that is as usual. Told at the call that makes them, seldom where minutes scatter, and
// never for a call or two.
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class BurstTests
{
    /// <summary>Every five minutes alike.</summary>
    static Watched Steady(int hours, long calls, decimal cost)
    {
        var account = new Watched();
        account.Use("burst");
        for (var hour = 0; hour < hours; hour++)
            for (var slot = 0; slot < 12; slot++) account.Record(hour + slot / 12.0 + 0.001, 100, cost, requests: calls);
        Assert.Empty(account.Found);
        return account;
    }

    static List<string> Bursts(Watched account) =>
        [.. account.Found.Select(found => $"{found.Kind} {found.Detector} {found.Severity}").Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void Where_minutes_are_alike_four_times_as_much_is_a_burst(int scale)
    {
        var account = Steady(200, 10 * scale, 0.01m * scale);
        account.Record(200.5, 100, 0.04m * scale, requests: 40 * scale);
        Assert.Equal(["CallSpike burst Critical", "CostSpike burst Critical"], Bursts(account));
        Assert.All(account.Found, found => Assert.Contains(" within five minutes, ", found.Explanation, StringComparison.Ordinal));
    }

    [Fact]
    public void A_little_more_is_none()
    {
        var account = Steady(200, 10, 0.01m);
        account.Record(200.5, 100, 0.012m, requests: 12);
        Assert.Empty(account.Found);
    }

    [Fact]
    public void A_few_calls_more_are_none()
    {
        var account = Steady(200, 1, 0);
        account.Record(200.5, 100, 0, requests: 4);
        Assert.Empty(account.Found);
    }

    [Fact]
    public void One_burst_is_told_once_and_again_where_it_grows()
    {
        var account = Steady(300, 100, 0);
        account.Record(300.5, 100, 0, requests: 200);
        var first = Assert.Single(account.Found);
        Assert.Equal(Severity.Medium, first.Severity);
        account.Record(301.5, 100, 0, requests: 200);
        Assert.Single(account.Found);
        account.Record(302.5, 100, 0, requests: 2_000);
        Assert.Equal([Severity.Medium, Severity.Critical], account.Found.Select(found => found.Severity));
    }

    /// <summary>Calls at random, in accounts of several sizes: money and calls of four weeks each.</summary>
    [Fact]
    public void Minutes_that_scatter_are_told_of_seldom()
    {
        var (told, weeks) = (0L, 0);
        for (var seed = 1; seed <= 8; seed++)
        {
            var (numbers, account) = (new MadeNumbers(seed), new Watched());
            account.Use("burst");
            for (var hour = 0; hour < 4 * 168; hour++)
                for (var slot = 0; slot < 12; slot++)
                {
                    var calls = numbers.Poisson(hour % 24 is >= 8 and < 20 ? seed : 0.2);
                    if (calls > 0)
                        account.Record(hour + slot / 12.0 + 0.001, 100, 0.01m * calls * (decimal)Math.Exp(0.3 * numbers.Normal()), calls);
                }
            (told, weeks) = (told + account.Told, weeks + 2 * 4);
        }
        Assert.True(told <= 0.25 * weeks, $"{told} bursts in {weeks} weeks of two series each");
    }
}
