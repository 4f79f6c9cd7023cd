// Finds follow from the hours as they are: the same records in any order of booking, one by one or as an import, give the same finds.
using FsCheck;
using FsCheck.Fluent;
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class OrderOfBookingTests
{
    /// <summary>One call of an account's past.</summary>
    sealed record Call(long Minute, long Tokens, decimal Cost, bool Success, string Model);

    /// <summary>Some days of an account: calls by day, an outage, a runaway, failures, a burst, a new model, each of them or
    /// none.</summary>
    static List<Call> Past(int seed, int days)
    {
        var random = new Random(seed);
        var scale = Math.Pow(10, random.Next(5));
        var (outage, runaway, failures) = (random.Next(days * 24), random.Next(days * 24), random.Next(days * 24));
        var (times, length) = (Math.Pow(10, random.Next(4)), random.Next(1, 30));
        var calls = new List<Call>();
        for (var hour = 0; hour < days * 24; hour++)
        {
            if (random.Next(3) > 0 && hour >= outage && hour < outage + length) continue;
            for (var i = random.Next(hour % 24 is >= 8 and < 20 ? 5 : 2); i >= 0; i--)
            {
                var high = hour >= runaway && hour < runaway + length ? times : 1;
                calls.Add(new(hour * 60 + random.Next(60), (long)(scale * high * (5 + random.NextDouble())),
                    (decimal)(0.001 * high * scale),
                    !(hour >= failures && hour < failures + length) && random.Next(40) > 0, random.Next(200) == 0 ? "rare" : "usual"));
            }
        }
        return calls;
    }

    static Watched Booked(IEnumerable<Call> calls, double? importedAt)
    {
        var account = new Watched();
        account.Watch.Adopt(EffectivePolicy.None with
        {
            Anomalies = new() { Detectors = AnomalySettings.AllDetectors },
            Limits =
            [
                new(1, new() { Id = "daily", Unit = LimitUnit.Cost, Window = new(WindowKind.Day), Amount = 2 * Money.NanosPerUnit }),
                new(2, new() { Id = "weekly", Unit = LimitUnit.Tokens, Window = new(WindowKind.Week), Amount = 100_000 }),
            ],
        });
        var newest = 0L;
        foreach (var call in calls)
        {
            newest = Math.Max(newest, call.Minute);
            account.Record(importedAt ?? newest / 60.0, call.Tokens, call.Cost, success: call.Success, model: call.Model,
                at: Watched.Start + Duration.FromMinutes(call.Minute));
        }
        return account;
    }

    /// <summary>What was found, without when, and after how many others, it was told.</summary>
    static List<Anomaly> FindsOf(Watched account) =>
        [.. account.Found.Select(found => found with { No = 0, FoundAt = default }).OrderBy(found => found.Id, StringComparer.Ordinal)];

    static T[] Shuffled<T>(IEnumerable<T> all, int seed)
    {
        var shuffled = all.ToArray();
        new Random(seed).Shuffle(shuffled);
        return shuffled;
    }

    static void ForAnyPast(Action<int, int> holds) =>
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(
            Gen.Choose(1, int.MaxValue).Zip(Gen.Choose(1, 40)).ToArbitrary(), past => holds(past.Item1, past.Item2)));

    [Fact]
    public void An_import_in_any_order_gives_the_same_finds() => ForAnyPast((seed, days) =>
    {
        var calls = Past(seed, days);
        double at = days * 24 + 5;
        var inOrder = FindsOf(Booked(calls.OrderBy(call => call.Minute), at));
        Assert.Equal(inOrder, FindsOf(Booked(Shuffled(calls, seed + 1), at)));
        Assert.Equal(inOrder, FindsOf(Booked(calls.OrderByDescending(call => call.Minute), at)));
    });

    [Fact]
    public void Calls_that_come_late_by_up_to_a_day_give_the_finds_that_they_would_have_given_in_time() => ForAnyPast((seed, days) =>
    {
        var calls = Past(seed, days).OrderBy(call => call.Minute).ToArray();
        var random = new Random(seed);
        var late = calls.OrderBy(call => call.Minute + (random.Next(4) == 0 ? random.Next(1440) : 0)).ToArray();
        // Both clocks end at the same hour.
        Assert.Equal(FindsOf(Booked(calls, null)), FindsOf(Booked(late.Where(call => call != calls[^1]).Append(calls[^1]), null)));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(1_000_000)]
    public void What_was_imported_newest_first_or_shuffled_does_not_blind_the_watch(long scale)
    {
        var calls = Enumerable.Range(0, 336).Select(hour => new Call(hour * 60, 1_500 * scale, 0.01m, true, "usual")).ToArray();
        foreach (var order in (Call[][])[calls, [.. calls.Reverse()], Shuffled(calls, 7)])
        {
            var account = Booked(order, 336);
            Assert.Empty(account.Found);
            account.Record(336.5, 15_000 * scale, 0.1m, model: "usual");
            var found = account.Watch.Log.Kept.Where(found => found.WithdrawnAt is null && found.Kind == AnomalyKind.Spike).ToList();
            Assert.Contains(found, found => found.Severity == Severity.Critical && found.Actual == 15_000 * scale);
            Assert.DoesNotContain(account.Found, found => found.Kind == AnomalyKind.NewModel);
        }
    }

    [Fact]
    public void A_find_that_does_not_hold_any_more_is_kept_and_marked_and_told_again_under_the_same_id()
    {
        var account = new Watched();
        for (var hour = 0; hour < 400; hour++) if (hour != 390) account.Record(hour, 1_000, model: "usual");
        var drop = Assert.Single(account.Found, found => found.Kind == AnomalyKind.Drop);
        account.Record(400, 1_000, model: "usual", at: Watched.Start + Duration.FromHours(390));
        Assert.DoesNotContain(account.Found, found => found.Kind == AnomalyKind.Drop);
        Assert.Equal(drop.No, account.Watch.Log.Kept.Single(found => found.Id == drop.Id && found.WithdrawnAt is not null).No);
        var told = account.Told;
        account.Record(400.1, 90_000, model: "usual", at: Watched.Start + Duration.FromHours(391));
        Assert.Equal((AnomalyKind.Spike, Severity.Critical, told + 1), account.Found.Where(found => found.No > told)
            .Select(found => (found.Kind, found.Severity, found.No)).First(found => found.Kind == AnomalyKind.Spike));
        account.Record(400.2, 100, model: "usual", at: Watched.Start + Duration.FromHours(391));
        Assert.Single(account.Found, found => found.Kind == AnomalyKind.Spike);
    }
}
