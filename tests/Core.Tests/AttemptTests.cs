// Several calls under one id: the hold knows which of them took it, and only that one gives it back.
namespace Purser.Core.Tests;

public sealed class AttemptTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_the_attempt_that_took_a_hold_gives_it_back(bool reloads)
    {
        var desk = new Desk { Reloads = reloads };
        desk.Send(new Reserve("h", new() { Tokens = 5 }) { Attempt = "first" });
        Assert.Equal("first", View(desk, new GetReservation("h")).Attempt);
        Assert.Equal(ReservationState.Active, View(desk, new Release("h") { Attempt = "second" }).State);
        Assert.Empty(desk.Last);
        Assert.Equal(ReservationState.Released, View(desk, new Release("h") { Attempt = "first" }).State);
        Assert.IsType<Released>(Assert.Single(desk.Last));
    }

    [Fact]
    public void Without_an_attempt_whoever_names_a_hold_gives_it_back()
    {
        var desk = new Desk();
        desk.Send(new Reserve("h", new() { Tokens = 5 }) { Attempt = "first" });
        Assert.Equal(ReservationState.Released, View(desk, new Release("h")).State);
    }

    static ReservationView View(Desk desk, BudgetCommand command) => Assert.IsType<ReservationView>(desk.Send(command).Answer);
}
