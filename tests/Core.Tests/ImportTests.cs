// What another ledger booked is booked as it was, and checked all the same: one id is one record, the currency is the account's, and what
// is about another record never takes more off than that has.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class ImportTests
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 2, 9, 0);

    static Desk Open()
    {
        var desk = new Desk { Forgets = true };
        desk.Send(new SetPolicy(new()
        {
            Limits = [new() { Id = "day", Window = new(WindowKind.Day), Amount = 1000 },
                new() { Id = "life", Unit = LimitUnit.Cost, Window = new(WindowKind.Lifetime), Amount = 1000 }],
        }));
        return desk;
    }

    static UsageRecord Booked(string id, long tokens, long nanos, RecordKind kind = RecordKind.Reported, string? corrects = null) => new()
    {
        Id = id, At = at, Kind = kind, Amounts = new(tokens, tokens, 0, nanos, kind == RecordKind.Reported ? 1 : 0), Corrects = corrects,
        PriceVersion = "old-7", Usage = new() { InputTokens = kind == RecordKind.Reported ? tokens : 0,
            Requests = kind == RecordKind.Reported ? 1 : 0, Dimensions = new() { Provider = "openai", Model = "small" } },
    };

    static Outcome Import(Desk desk, UsageRecord booked) =>
        desk.Send(new Record(booked.Id, booked.Usage with { Timestamp = booked.At }) { Booked = booked });

    static (long Day, long Life) Counted(Desk desk)
    {
        var limits = ((AccountStatus)desk.Send(new GetStatus()).Answer!).Limits;
        return ((long)limits[0].Settled.Value, (long)limits[1].Settled.Value);
    }

    [Fact]
    public void A_record_is_booked_with_its_own_money_and_version_and_counts()
    {
        var desk = Open();
        Assert.Equal(OutcomeStatus.Done, Import(desk, Booked("a", 100, 77)).Status);
        var record = Assert.IsType<Recorded>(Assert.Single(desk.Last)).Record;
        Assert.Equal((77, "old-7", at, desk.Now), (record.Amounts.CostNanos, record.PriceVersion, record.At, record.BookedAt));
        Assert.Equal((100, 77), Counted(desk));
    }

    [Fact]
    public void One_id_is_one_record()
    {
        var desk = Open();
        Import(desk, Booked("a", 100, 77));
        Assert.Equal(OutcomeStatus.Done, Import(desk, Booked("a", 100, 77)).Status);
        Assert.Empty(desk.Last);
        foreach (var other in (UsageRecord[])[Booked("a", 101, 77), Booked("a", 100, 78), Booked("a", 100, 77) with
            { At = at + Duration.FromSeconds(1) }])
            Assert.Equal(OutcomeStatus.IdempotencyMismatch, Import(desk, other).Status);
        Assert.Equal((100, 77), Counted(desk));
    }

    [Fact]
    public void The_currency_is_the_accounts()
    {
        var desk = Open();
        var outcome = Import(desk, Booked("a", 1, 1) with { Currency = "EUR" });
        Assert.Equal((OutcomeStatus.Unprocessable, "currency"), (outcome.Status, outcome.Field));
        Assert.Empty(desk.Last);
    }

    [Theory]
    [InlineData(-101, 0)]
    [InlineData(0, -78)]
    [InlineData(5, -78)]
    public void What_is_about_a_record_never_takes_more_off_than_it_has(long tokens, long nanos)
    {
        var desk = Open();
        Import(desk, Booked("a", 100, 77));
        var outcome = Import(desk, Booked("b", tokens, nanos, RecordKind.Correction, "a"));
        Assert.Equal((OutcomeStatus.Unprocessable, "corrects"), (outcome.Status, outcome.Field));
        // Nor all of it twice, in two steps.
        Assert.Equal(OutcomeStatus.Done, Import(desk, Booked("c", -100, -77, RecordKind.Credit, "a")).Status);
        Assert.Equal(OutcomeStatus.Unprocessable, Import(desk, Booked("d", -1, 0, RecordKind.Credit, "a")).Status);
        Assert.Equal((0, 0), Counted(desk));
    }

    [Fact]
    public void What_is_about_a_record_that_is_not_here_moves_no_limit()
    {
        var desk = Open();
        Import(desk, Booked("other", 500, 500));
        Assert.Equal(OutcomeStatus.Done, Import(desk, Booked("b", -100, -50, RecordKind.Credit, "elsewhere")).Status);
        Assert.Empty(Assert.IsType<Recorded>(Assert.Single(desk.Last)).Touches);
        Assert.Equal((500, 500), Counted(desk));
    }

    [Theory]
    [InlineData(-1, 0, "totalTokens")]
    [InlineData(0, -1, "cost")]
    public void A_record_of_its_own_is_not_below_nothing(long tokens, long nanos, string field)
    {
        var outcome = Import(Open(), Booked("a", tokens, nanos) with { Usage = new() });
        Assert.Equal((OutcomeStatus.Invalid, field), (outcome.Status, outcome.Field));
    }

    [Fact]
    public void Its_time_lies_within_reason_and_its_kind_is_known()
    {
        var desk = Open();
        foreach (var wrong in (UsageRecord[])[Booked("a", 1, 1) with { At = Instant.FromUtc(1999, 1, 1, 0, 0) },
            Booked("a", 1, 1) with { At = desk.Now + Duration.FromDays(400) }, Booked("a", 1, 1) with { Kind = (RecordKind)99 },
            Booked("a", 1, 1) with { Currency = "money" }])
            Assert.Equal(OutcomeStatus.Invalid, Import(desk, wrong).Status);
        Assert.Equal((0, 0), Counted(desk));
    }
}
