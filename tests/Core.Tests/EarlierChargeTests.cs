// What earlier builds charged in doubt leaves the hold that it left then, and is settled by what is known of it.
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests;

public sealed class EarlierChargeTests
{
    static readonly Usage failed = new() { InputTokens = 10, OutputTokens = 5, Success = false };

    static BudgetEvent Earlier(BudgetEvent happened) => happened switch
    {
        Expired { Charge: { } charge } expired => expired with { Charge = charge with { KeptByHold = false } },
        Settled settled => settled with { Record = settled.Record with { KeptByHold = false } },
        _ => happened,
    };

    static BudgetState Replayed(Desk desk, Func<BudgetEvent, BudgetEvent> read)
    {
        var state = new BudgetState(desk.State.Account);
        foreach (var happened in desk.Journal) Budget.Apply(state, read(happened));
        return state;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_hold_is_kept_as_it_was(bool expires)
    {
        var desk = new Desk();
        desk.Send(new SetPolicy(new() { Holds = new(OnExpiry: ExpiryRule.Charge) }));
        desk.Send(new Reserve("h", new() { InputTokens = 100, MaxOutputTokens = 100 }, 60));
        if (expires) desk.Now += Duration.FromMinutes(2);
        desk.Send(expires ? new Tick() : new Settle("h", "u", failed, Unknown: true));
        var (now, then) = (Replayed(desk, happened => happened), Replayed(desk, Earlier));
        Assert.Equal(ReservationState.Charged, then.Holds["h"].State);
        Assert.Equal(expires, now.Holds["h"].ChargedAs!.Success);
        Assert.DoesNotContain("chargedAs", JsonSerializer.Serialize(then.Holds["h"], CoreJson.Default.Hold), StringComparison.Ordinal);

        var settled = Budget.Step(then, new Settle("h", "v", failed), desk.Settings, desk.Now).Events.Cast<Settled>().ToArray();
        Assert.Equal([(Validity.ReversalIdPrefix + "h", true, -200), ("v", false, 15)],
            settled.Select(one => (one.Record.Id, one.Record.Usage.Success, one.Record.Amounts.Tokens)));
    }
}
