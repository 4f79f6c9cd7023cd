// A young account is held against what others used in their first days, and told of once for each step; the accounts of a fleet are learned
// from without letting one runaway become usual.
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

public sealed class FirstDaysTests
{
    static readonly long start = UsageHour.Of(Watched.Start);

    /// <summary>Accounts with 20,000 tokens, two units of money and 200 calls in each of their hours.</summary>
    static FirstDays Fleet(int accounts = 200, Func<int, long>? tokens = null) => FirstDays.Learn(null, [.. Enumerable.Range(0, accounts)
        .Select(one => FirstHours.Of("USD", start, Enumerable.Range(0, 100).ToDictionary(hour => start + hour, _ =>
            new UsageHour(tokens?.Invoke(one) ?? 20_000, 2 * Money.NanosPerUnit, 200, 0))))], Watched.Start)!;

    static Watched Young(FirstDays? usual, params string[] detectors)
    {
        var account = new Watched();
        account.Watch.Adopt(EffectivePolicy.None with
        {
            Currency = "USD", Anomalies = new() { Detectors = detectors.Length == 0 ? ["firstDays"] : detectors },
        });
        if (usual is not null) account.Watch.Adopt(usual);
        return account;
    }

    [Fact]
    public void What_is_usual_is_what_99_of_100_accounts_came_to_by_each_age()
    {
        var usual = Fleet(200, one => 1_000 * (one + 1));
        Assert.Equal([1, 3, 6, 12, 24, 48, 72], usual.Ages.Select(age => age.Hours));
        Assert.Equal([198_000, 3 * 198_000, 6 * 198_000, 12 * 198_000, 24 * 198_000, 48 * 198_000, 72 * 198_000],
            usual.Ages.Select(age => age.Tokens));
        Assert.Equal((200, "USD", 48 * Money.NanosPerUnit, 4_800), (usual.Accounts, usual.Currency, usual.Ages[4].CostNanos,
            usual.Ages[4].Calls));
    }

    [Fact]
    public void One_runaway_of_a_hundred_does_not_become_usual_and_of_fewer_than_twenty_nothing_is_learned()
    {
        Assert.Equal(20_000, Fleet(100, one => one == 7 ? 1_000_000_000 : 20_000).Ages[0].Tokens);
        Assert.Null(FirstDays.Learn(null, [.. Enumerable.Repeat(FirstHours.Of("USD", start, new Dictionary<long, UsageHour>()), 19)],
            Watched.Start));
    }

    [Fact]
    public void A_minority_currency_has_no_money_of_others_to_be_held_against()
    {
        FirstHours[] fleet = [.. Enumerable.Range(0, 38).Select(one => FirstHours.Of(one % 2 == 0 ? "USD" : "EUR", start,
            new Dictionary<long, UsageHour> { [start] = new(1, Money.NanosPerUnit, 1, 0) }))];
        var usual = FirstDays.Learn(null, fleet, Watched.Start)!;
        Assert.Equal(("EUR", long.MaxValue), (usual.Currency, usual.Ages[0].CostNanos));
    }

    [Theory]
    [InlineData(59_000, null)]
    [InlineData(60_000, Severity.Medium)]
    [InlineData(180_000, Severity.High)]
    [InlineData(600_000, Severity.Critical)]
    public void The_first_call_of_an_account_is_held_against_the_first_hours_of_others(long tokens, Severity? severity)
    {
        var account = Young(Fleet());
        account.Record(0.5, tokens);
        var found = account.Found.SingleOrDefault();
        Assert.Equal(severity, found?.Severity);
        if (found is null) return;
        Assert.Equal((AnomalyKind.Spike, "firstDays", 20_000m, (decimal)tokens),
            (found.Kind, found.Detector, found.Expected, found.Actual));
        Assert.Equal(
            $"In the first hour of this account {tokens:N0} tokens were used; 99 of 100 other accounts came to 20,000 tokens at most in "
            + "their first hour, as learned over 200 of them.", found.Explanation);
    }

    [Fact]
    public void Slow_excess_is_told_when_it_adds_up_and_again_only_when_it_gets_worse()
    {
        var account = Young(Fleet());
        // Four times as much as others, hour after hour; from the second day on fifty times.
        for (var hour = 0; hour < 72; hour++) account.Record(hour + 0.5, hour < 24 ? 80_000 : 1_000_000);
        (int, Severity)[] expected = [(0, Severity.Medium), (30, Severity.High), (65, Severity.Critical)];
        Assert.Equal(expected, account.Found.Select(one => ((int)(UsageHour.Of(one.At) - start), one.Severity)));
        Assert.Equal(3, account.Told);
    }

    [Fact]
    public void Money_and_calls_are_looked_at_apart()
    {
        var account = Young(Fleet());
        account.Record(0.5, 1_000, 100, 2_000);
        Assert.Equal([(AnomalyKind.CallSpike, Severity.High), (AnomalyKind.CostSpike, Severity.Critical)],
            account.Found.Select(one => (one.Kind, one.Severity)).OrderBy(one => one.Kind.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public void Money_in_another_currency_is_not_compared()
    {
        var account = Young(Fleet() with { Currency = "EUR" });
        account.Record(0.5, 1_000, 100);
        Assert.Empty(account.Found);
    }

    [Fact]
    public void Next_to_nothing_is_nobodys_concern_even_where_others_use_nothing()
    {
        var usual = FirstDays.Learn(null, [.. Enumerable.Repeat(FirstHours.Of("USD", start, new Dictionary<long, UsageHour>()), 50)],
            Watched.Start)!;
        var account = Young(usual);
        account.Record(0.5, 29_000, 2.9m, 290);
        Assert.Empty(account.Found);
        account.Record(0.6, 1_000, 0.1m, 10);
        Assert.Equal(3, account.Found.Count);
    }

    [Fact]
    public void After_three_days_and_without_others_nothing_is_said()
    {
        var (old, alone) = (Young(Fleet()), Young(null));
        for (var hour = 0; hour < 72; hour++) old.Record(hour + 0.5, 20_000);
        old.Record(72.5, 1_000_000_000);
        alone.Record(0.5, 1_000_000_000);
        Assert.Empty(old.Found);
        Assert.Empty(alone.Found);
    }

    [Fact]
    public void The_order_of_booking_does_not_matter_and_what_late_records_take_back_is_withdrawn()
    {
        (double Hour, long Tokens)[] calls = [.. Enumerable.Range(0, 60).Select(hour => (hour + 0.5, hour == 20 ? 3_000_000L : 20_000L))];
        var told = Shuffled(calls).Select(one => (one.Id, one.Severity, one.Actual)).ToList();
        Assert.NotEmpty(told);
        for (var seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            Assert.Equal(told, Shuffled([.. calls.OrderBy(_ => random.Next())]).Select(one => (one.Id, one.Severity, one.Actual)));
        }
        // The account turns out to be older: at that age so much is usual.
        var account = Young(Fleet());
        account.Record(40.5, 400_000);
        Assert.Single(account.Found);
        account.Record(41, 1_000, at: Watched.Start + Duration.FromMinutes(10));
        Assert.Empty(account.Found);

        static IReadOnlyList<Anomaly> Shuffled(IReadOnlyList<(double Hour, long Tokens)> calls)
        {
            var account = Young(Fleet());
            foreach (var (hour, tokens) in calls)
                account.Record(60.5, tokens, at: Watched.Start + Duration.FromSeconds((long)(hour * 3600)));
            return [.. account.Found.OrderBy(one => one.Id, StringComparer.Ordinal)];
        }
    }

    [Fact]
    public void Only_what_moved_by_a_tenth_is_worth_another_version_and_tenants_that_are_gone_are_forgotten()
    {
        var (usual, tenant) = (Fleet(), new Tenant("acme", ["acme:*"], 1, 1, 0, Watched.Start));
        var body = new SettingsBody(Policy.Empty, 0) { Tenants = [tenant] };
        SettingsBody? Learn(params FirstDays[] learned) => SettingsEditRules.Decide(body, new LearnFirstDays(learned), 7).Next;

        body = Learn(usual, usual with { Tenant = "acme" }, usual with { Tenant = "gone" })!;
        Assert.Equal([null, "acme"], body.FirstDays.Select(one => one.Tenant));
        Assert.Null(Learn(Fleet(200, _ => 21_000)));
        Assert.Equal(25_000, Learn(Fleet(200, _ => 25_000))!.FirstDays[0].Ages[0].Tokens);
        body = body with { Tenants = [] };
        Assert.Single(Learn()!.FirstDays);
    }

    [Fact]
    public void What_is_usual_goes_into_the_journal_with_the_first_call_and_never_again()
    {
        var settings = Settings.Initial with { Body = new(Policy.Empty, 0) { FirstDays = [Fleet()] } };
        var state = new BudgetState("a");
        Assert.DoesNotContain(Step(new SetPolicy(new() { Limits = [] })), one => one is FirstDaysKnown);
        var first = Step(new Record("u1", new() { InputTokens = 1 }));
        Assert.Same(settings.Body.FirstDays[0], Assert.IsType<FirstDaysKnown>(first[0]).Usual);
        Assert.DoesNotContain(Step(new Record("u2", new() { InputTokens = 1 })), one => one is FirstDaysKnown);
        state = new("b");
        Assert.IsType<FirstDaysKnown>(Step(new Record("u1", new() { InputTokens = 1 }))[0]);
        state = new("c");
        Assert.Empty(Step(new GetStatus()));

        IReadOnlyList<BudgetEvent> Step(BudgetCommand command) => Budget.Step(state, command, settings, Watched.Start).Events;
    }
}
