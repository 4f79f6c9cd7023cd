// What a price gives away in a day or a month: counted for each account, given back by whatever takes a record back, never given twice.
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests.Pricing;

public sealed class AllowanceTests
{
    static readonly Instant noon = Instant.FromUtc(2026, 3, 2, 20, 0);

    /// <summary>Ten searches a day of California cost nothing, shared by two models; a million tokens a month.</summary>
    static readonly PriceBook prices = new("p",
    [
        Read("one", """[{"of":["perWebSearch"],"free":"10","per":"day","timeZone":"America/Los_Angeles","name":"search"}]"""),
        Read("two", """[{"of":["perWebSearch"],"free":"10","per":"day","timeZone":"America/Los_Angeles","name":"search"}]"""),
        Read("month", """[{"of":["tokens"],"free":"1000","per":"month"}]"""),
        Read("ten", """[{"of":["perAudioSecondInput"],"free":"15","per":"day"}]"""),
    ]);

    static ModelPrice Read(string model, string allowances)
    {
        using var json = JsonDocument.Parse($$"""
            {"rates":{"input":"1","output":"2","perWebSearch":{"medium":"0.5"},"perAudioSecondInput":"1"},
             "minimums":{"perAudioSecondInput":"10"},"allowances":{{allowances}}}
            """);
        return PriceReader.Custom(json.RootElement, "house", model, "p");
    }

    static Desk Open() => new() { Settings = new(1, Policy.Empty, 0, prices), Now = noon };

    static UsageRecord Book(Desk desk, string id, string model, decimal searches, Instant? at = null, long input = 0) =>
        Booked(desk, new Record(id, new()
        {
            Dimensions = new() { Provider = "house", Model = model }, InputTokens = input, Timestamp = at,
            Parts = searches == 0 ? null : new() { WebSearches = searches },
        }));

    static UsageRecord Booked(Desk desk, BudgetCommand command)
    {
        Assert.Equal(OutcomeStatus.Done, desk.Send(command).Status);
        return desk.Last.Select(one => one is Recorded recorded ? recorded.Record : (one as Settled)?.Record).Last(one => one is not null)!;
    }

    [Fact]
    public void It_is_free_until_so_many_in_the_day_of_the_provider()
    {
        var desk = Open();
        Assert.Equal(0, Book(desk, "a", "one", 8).Amounts.CostNanos);
        // Two of five are left, and the other model shares them.
        var second = Book(desk, "b", "two", 5);
        Assert.Equal(1_500_000_000, second.Amounts.CostNanos);
        Assert.Equal(2, Assert.Single(second.Allowances!).Count);
        Assert.Equal(500_000_000, Book(desk, "c", "one", 1).Amounts.CostNanos);
        // The next day begins at midnight in California, not in London.
        desk.Now = Instant.FromUtc(2026, 3, 3, 7, 59);
        Assert.Equal(500_000_000, Book(desk, "d", "one", 1).Amounts.CostNanos);
        desk.Now = Instant.FromUtc(2026, 3, 3, 8, 0);
        Assert.Equal(0, Book(desk, "e", "one", 10).Amounts.CostNanos);
        // What is booked late counts in its own day, which is used up.
        Assert.Equal(500_000_000, Book(desk, "f", "one", 1, noon).Amounts.CostNanos);
    }

    [Fact]
    public void Tokens_of_all_kinds_may_share_one_and_only_what_is_beyond_costs()
    {
        var desk = Open();
        var record =
            Booked(desk,
                new Record("a", new() { Dimensions = new() { Provider = "house", Model = "month" }, InputTokens = 900,
                    OutputTokens = 300 }));
        // 100 of the output are still free, 200 cost 2 a million.
        Assert.Equal(400_000, record.Amounts.CostNanos);
        Assert.Equal(1_000, Assert.Single(record.Allowances!).Count);
        desk.Now = Instant.FromUtc(2026, 4, 1, 0, 0);
        Assert.Equal(0, Book(desk, "b", "month", 0, input: 1_000).Amounts.CostNanos);
    }

    [Fact]
    public void A_minimum_is_charged_first_and_then_what_is_free_of_it()
    {
        var desk = Open();
        long Cost(string id) => Booked(desk, new Record(id, new()
        {
            Dimensions = new() { Provider = "house", Model = "ten" }, Parts = new() { AudioSecondsIn = 3 },
        })).Amounts.CostNanos;
        Assert.Equal(0, Cost("a"));
        Assert.Equal(5_000_000_000, Cost("b"));
        Assert.Equal(10_000_000_000, Cost("c"));
    }

    [Fact]
    public void Whatever_takes_a_record_back_gives_its_share_back()
    {
        var desk = Open();
        Book(desk, "a", "one", 6);
        Assert.Equal(500_000_000, Book(desk, "b", "one", 5).Amounts.CostNanos);
        desk.Send(new VoidUsage("a", "ann", "never happened"));
        Assert.Equal(0, Book(desk, "c", "one", 6).Amounts.CostNanos);
        Assert.Equal(500_000_000, Book(desk, "d", "one", 1).Amounts.CostNanos);
        // Rated anew, the second finds its own share and nothing more: the first gave its own back to the third.
        desk.Send(new Reprice("b"));
        Assert.Empty(desk.Last);
        var corrected = Booked(desk, new CorrectUsage("c", new() { Parts = new() { WebSearches = 2 } }, "ann", "four were none"));
        Assert.Equal((0, -4m), (corrected.Amounts.CostNanos, Assert.Single(corrected.Allowances!).Count));
        Assert.Equal(0, Book(desk, "e", "one", 4).Amounts.CostNanos);
        Assert.Equal(500_000_000, Book(desk, "f", "one", 1).Amounts.CostNanos);
    }

    [Fact]
    public void Rating_anew_takes_what_is_free_by_the_new_price()
    {
        var desk = Open();
        desk.Settings = new(1, Policy.Empty, 0, new PriceBook("none", [Read("one", "[]")]));
        Assert.Equal(4_000_000_000, Book(desk, "a", "one", 8).Amounts.CostNanos);
        desk.Settings = new(2, Policy.Empty, 0, prices);
        var anew = Booked(desk, new Reprice("a"));
        Assert.Equal((-4_000_000_000, 8m), (anew.Amounts.CostNanos, Assert.Single(anew.Allowances!).Count));
        Assert.Equal(500_000_000, Book(desk, "b", "one", 3).Amounts.CostNanos);
    }

    [Fact]
    public void A_hold_covers_what_may_be_free_and_a_charge_in_doubt_gives_its_share_back()
    {
        var desk = Open();
        Estimate Asked() => new() { Dimensions = new() { Provider = "house", Model = "one" }, Parts = new() { WebSearches = 4 },
            InputTokens = 0,
            MaxOutputTokens = 0 };
        desk.Send(new Reserve("h", Asked()));
        Assert.Equal(2_000_000_000, desk.State.Holds["h"].Reserved.CostNanos);
        var doubt = Booked(desk, new Settle("h", "u", new() { Parts = new() { WebSearches = 4 } }, Unknown: true));
        // Nobody knows what it cost, so the hold is charged.
        Assert.Equal((2_000_000_000, 4m), (doubt.Amounts.CostNanos, Assert.Single(doubt.Allowances!).Count));
        var settled = Booked(desk, new Settle("h", "v", new() { Parts = new() { WebSearches = 3 } }));
        Assert.Equal((-2_000_000_000, -1m), (settled.Amounts.CostNanos, Assert.Single(settled.Allowances!).Count));
        Assert.Equal(3, Assert.Single(desk.State.Allowances!).Count);
    }

    [Fact]
    public void Lines_of_one_booking_share_what_is_left()
    {
        var desk = Open();
        var line = new UsageLine("two", 0, 0, new() { WebSearches = 6 });
        Booked(desk, new Record("a", new()
        {
            Dimensions = new() { Provider = "house", Model = "one" }, Parts = new() { WebSearches = 6 }, Lines = [line, line],
        }));
        var costs = desk.Last.OfType<Recorded>().Select(one => one.Record.Amounts.CostNanos);
        Assert.Equal([0, 1_000_000_000, 3_000_000_000], costs);
        Assert.Equal(10, Assert.Single(desk.State.Allowances!).Count);
    }

    [Fact]
    public void What_is_counted_is_bounded_and_what_is_not_counted_is_not_free()
    {
        var desk = Open();
        Book(desk, "a", "one", 1);
        desk.Now = noon + Duration.FromDays(60);
        Assert.Equal(0, Book(desk, "b", "one", 1).Amounts.CostNanos);
        Assert.Single(desk.State.Allowances!);
        Assert.Equal(500_000_000, Book(desk, "c", "one", 1, noon).Amounts.CostNanos);
    }

    [Theory]
    [InlineData("""[{"free":"1","per":"day"}]""", "allowances[0].of")]
    [InlineData("""[{"of":[],"free":"1","per":"day"}]""", "allowances[0].of")]
    [InlineData("""[{"of":["perNothing"],"free":"1","per":"day"}]""", "allowances[0].of")]
    [InlineData("""[{"of":["tokens"],"per":"day"}]""", "allowances[0].free")]
    [InlineData("""[{"of":["tokens"],"free":"0","per":"day"}]""", "allowances[0].free")]
    [InlineData("""[{"of":["tokens"],"free":"-1","per":"day"}]""", "allowances[0].free")]
    [InlineData("""[{"of":["tokens"],"free":1,"per":"day"}]""", "allowances[0].free")]
    [InlineData("""[{"of":["tokens"],"free":"1"}]""", "allowances[0].per")]
    [InlineData("""[{"of":["tokens"],"free":"1","per":"hour"}]""", "allowances[0].per")]
    [InlineData("""[{"of":["tokens"],"free":"1","per":"day","timeZone":"Mars"}]""", "allowances[0].timeZone")]
    [InlineData("""[{"of":["tokens"],"free":"1","per":"day","until":"1"}]""", "allowances[0].until")]
    [InlineData("""[{"of":["input"],"free":"1","per":"day","name":"n"},{"of":["output"],"free":"1","per":"day","name":"n"}]""", "allowances[1].name")]
    [InlineData("""{"of":["tokens"]}""", "allowances")]
    public void A_wrong_one_is_refused_by_its_field(string allowances, string field) =>
        Assert.Equal(field, Assert.Throws<PriceRefusedException>(() => Read("m", allowances)).Place);
}
