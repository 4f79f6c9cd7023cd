// How many overrides an account may have: those that ended make room.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class OverridesTests
{
    readonly Desk desk = new() { Checks = false };

    public OverridesTests() =>
        Assert.Equal(OutcomeStatus.Done,
            desk.Send(new SetPolicy(new() { Limits = [new() { Id = "day", Window = new(WindowKind.Day), Amount = 100 }] })).Status);

    OutcomeStatus Add(string id, Duration length) => desk.Send(new AddOverride(id, new()
    {
        LimitId = "day", Additional = 1, Reason = "busy", CreatedBy = "ann", ExpiresAt = desk.Now + length,
    })).Status;

    [Fact]
    public void Overrides_that_ended_make_room_for_new_ones()
    {
        for (var i = 0; i < BudgetState.MostOverrides; i++)
            Assert.Equal(OutcomeStatus.Done, Add($"o{i}", Duration.FromMinutes(i < 10 ? 1 : 60)));
        Assert.Equal(OutcomeStatus.Unprocessable, Add("one-more", Duration.FromHours(1)));
        Assert.Equal(1100, (long)desk.View("day")!.Amount!.Value.Value);

        desk.Now += Duration.FromMinutes(1);
        for (var i = 0; i < 10; i++) Assert.Equal(OutcomeStatus.Done, Add($"new{i}", Duration.FromHours(1)));
        Assert.Equal(OutcomeStatus.Unprocessable, Add("one-more", Duration.FromHours(1)));
        Assert.Equal(1100, (long)desk.View("day")!.Amount!.Value.Value);
        Assert.Equal(BudgetState.MostOverrides, desk.State.Overrides.Count);
    }

    [Fact]
    public void Overrides_that_were_dropped_make_room_too()
    {
        for (var i = 0; i < BudgetState.MostOverrides; i++) Add($"o{i}", Duration.FromHours(1));
        desk.Send(new RemoveOverride("o7"));
        Assert.Equal(OutcomeStatus.Done, Add("new", Duration.FromHours(1)));
        Assert.DoesNotContain(desk.State.Overrides, granted => granted.Id == "o7");
        Assert.Equal(1100, (long)desk.View("day")!.Amount!.Value.Value);
    }
}
