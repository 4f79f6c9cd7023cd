// Rating anew: the difference is booked beside the record, as often as prices change, and never twice.
namespace Purser.Core.Tests;

public sealed class RepricingTests
{
    readonly Desk desk = new();

    public RepricingTests() => desk.Send(new SetPolicy(new()
    {
        Limits = [new() { Id = "money", Window = new(WindowKind.Lifetime), Unit = LimitUnit.Cost },
            new() { Id = "calls", Window = new(WindowKind.Lifetime), Unit = LimitUnit.Requests }],
    }));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_sum_of_a_record_and_its_adjustments_is_what_it_costs_now(bool forgets)
    {
        desk.Forgets = forgets;
        Use("u1");
        Assert.Equal(0, Spent);
        Assert.Equal(("model", OutcomeStatus.Unprocessable), (Reprice("u1").Field, Reprice("u1").Status));
        foreach (var (rate, spent) in (ReadOnlySpan<(decimal, long)>)[(2m, 2_000_000), (5m, 5_000_000), (1m, 1_000_000)])
        {
            Price(rate);
            var done = (Repriced)Reprice("u1").Answer!;
            Assert.Equal((spent, spent), (Spent, done.AfterNanos));
            Assert.Equal(done with { AdjustmentId = null, BeforeNanos = done.AfterNanos }, Reprice("u1").Answer);
            Assert.Equal(spent, Spent);
        }
        Assert.Equal(1, (long)desk.View("calls")!.Settled.Value);
        Assert.Equal(1_000_000, desk.Usage.Sum(record => record.Amounts.CostNanos));
        Assert.Equal(1000, desk.Usage.Sum(record => record.Amounts.Tokens));
    }

    [Fact]
    public void What_costs_more_than_any_call_can_is_not_priced()
    {
        desk.Send(new SetPolicy(new() { Discounts = new() { Negotiated = [new(null, 1000)] } }));
        Price(900_000_000m);
        var settled = desk.Send(new Record("u1", new() { InputTokens = 1_000_000, Dimensions = new() { Provider = "house", Model = "m" } }));
        Assert.Equal((OutcomeStatus.Done, true), (settled.Status, ((Settlement)settled.Answer!).Unpriced));
    }

    [Fact]
    public void What_was_rated_is_left_alone_where_only_the_unpriced_are_asked_for()
    {
        Price(2m);
        Use("u1");
        Price(3m);
        Assert.Null(((Repriced)desk.Send(new Reprice("u1", OnlyUnpriced: true)).Answer!).AdjustmentId);
        Assert.Equal(2_000_000, Spent);
    }

    [Fact]
    public void A_hold_that_was_settled_without_a_price_gives_back_what_was_held_for_it()
    {
        desk.Send(
            new Reserve("h1", new() { CostNanos = 9_000_000, InputTokens = 1000, MaxOutputTokens = 0,
                Dimensions = new() { Provider = "openai", Model = "later" } }));
        desk.Send(new Settle("h1", "u1", new() { InputTokens = 1000 }));
        Assert.Equal(9_000_000, Spent);
        Price(2m);
        Reprice("u1");
        Assert.Equal(2_000_000, Spent);
    }

    [Fact]
    public void What_is_in_doubt_or_was_given_or_is_not_there_is_not_rated()
    {
        Price(2m);
        desk.Send(new Record("given", new() { InputTokens = 1, CostNanos = 5, Dimensions = new() { Model = "later" } }));
        desk.Send(
            new Reserve(
                "h1", new() { InputTokens = 1000, MaxOutputTokens = 0, Dimensions = new() { Provider = "openai", Model = "small" } }));
        desk.Send(new Settle("h1", "doubt", new(), Unknown: true));
        Assert.Equal(OutcomeStatus.Unprocessable, Reprice("given").Status);
        Assert.Equal(OutcomeStatus.Unprocessable, Reprice("doubt").Status);
        Assert.Equal(OutcomeStatus.NotFound, Reprice("nothing").Status);
        Assert.Equal(OutcomeStatus.Invalid, Reprice("").Status);
        Assert.Equal(OutcomeStatus.Invalid, desk.Send(new Record("repriced:1:u1", new())).Status);
    }

    [Fact]
    public void A_record_is_rated_anew_only_so_often()
    {
        Use("u1");
        for (var rate = 1; rate <= 8; rate++)
        {
            Price(rate);
            Assert.Equal(OutcomeStatus.Done, Reprice("u1").Status);
        }
        Price(9);
        Assert.Equal((OutcomeStatus.Unprocessable, "id"), (Reprice("u1").Status, Reprice("u1").Field));
    }

    void Use(string id) =>
        desk.Send(new Record(id, new() { InputTokens = 1000, Dimensions = new() { Provider = "openai", Model = "later" } }));

    Outcome Reprice(string id) => desk.Send(new Reprice(id));

    long Spent => (long)desk.View("money")!.Settled.Value;

    void Price(decimal rate) => desk.Settings = desk.Settings with
    {
        Version = desk.Settings.Version + 1, Prices = Desk.Prices.With([ModelPrice.Flat("openai", "later", rate, rate)]),
    };
}
