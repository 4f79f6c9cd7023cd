// Grace of hard limits: begun by the first call beyond the amount, for some minutes, once in a window, whatever leaves memory meanwhile.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class GraceTests
{
    static Desk Open(string? each = null)
    {
        var desk = new Desk { Forgets = true, Reloads = true, Leaves = each is not null, Now = Instant.FromUtc(2026, 3, 2, 10, 0) };
        desk.Send(new SetPolicy(new()
        {
            Limits = [new() { Id = "day", Window = new(WindowKind.Day), Amount = 1000, Each = each, Grace = new(10, 15) }],
        }));
        return desk;
    }

    static OutcomeStatus Hold(Desk desk, string id, long tokens) => desk.Send(new Reserve(id, new() { Tokens = tokens }, 80_000)).Status;

    [Theory]
    [InlineData(null)]
    [InlineData("user")]
    public void It_begins_with_the_first_call_beyond_and_ends_after_its_minutes(string? each)
    {
        var desk = Open(each);
        Assert.Equal(OutcomeStatus.Done, Hold(desk, "a", 990));
        Assert.DoesNotContain(desk.Last, happened => happened is GraceBegan);
        // Asking begins nothing.
        Assert.True(((Decision)desk.Send(new Check(new() { Tokens = 100 })).Answer!).Allowed);
        Assert.Empty(desk.Last);
        Assert.Equal(OutcomeStatus.Refused, Hold(desk, "b", 111));
        Assert.Equal(OutcomeStatus.Done, Hold(desk, "c", 50));
        var began = Assert.Single(desk.Last.OfType<GraceBegan>());
        Assert.Equal((desk.Now + Duration.FromMinutes(15), 10m), (began.Until, began.Percent));
        desk.Now += Duration.FromMinutes(14);
        Assert.Equal(OutcomeStatus.Done, Hold(desk, "d", 60));
        Assert.DoesNotContain(desk.Last, happened => happened is GraceBegan);
        Assert.Equal(OutcomeStatus.Refused, Hold(desk, "e", 1));
        desk.Send(new Release("d"));
        desk.Now += Duration.FromMinutes(1);
        Assert.Equal(OutcomeStatus.Refused, Hold(desk, "f", 1));
        // Below the amount again, and beyond it again: grace is once in a window.
        desk.Send(new Release("c"));
        Assert.Equal(OutcomeStatus.Done, Hold(desk, "g", 1));
        Assert.Equal(OutcomeStatus.Refused, Hold(desk, "h", 100));
        desk.Now += Duration.FromHours(14);
        Assert.Equal(OutcomeStatus.Done, Hold(desk, "i", 1050));
        Assert.Single(desk.Last.OfType<GraceBegan>());
    }

    [Fact]
    public void An_extension_may_begin_it_and_a_raise_counts_before_it()
    {
        var desk = Open();
        Hold(desk, "a", 1000);
        desk.Send(new AddOverride("o", new()
        {
            LimitId = "day", Additional = 100, Reason = "r", CreatedBy = "ann", ExpiresAt = desk.Now + Duration.FromHours(1),
        }));
        Assert.Equal(OutcomeStatus.Done, desk.Send(new Extend("a", "x", null, new() { Tokens = 100 })).Status);
        Assert.DoesNotContain(desk.Last, happened => happened is GraceBegan);
        // Ten percent of 1100.
        Assert.Equal(OutcomeStatus.Refused, desk.Send(new Extend("a", "y", null, new() { Tokens = 111 })).Status);
        Assert.Equal(OutcomeStatus.Done, desk.Send(new Extend("a", "z", null, new() { Tokens = 110 })).Status);
        Assert.Single(desk.Last.OfType<GraceBegan>());
    }
}
