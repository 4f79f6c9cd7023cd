// The grain of one account: the address under which its budget is served, with a method for each thing that can be asked of it.
using Purser.Core;

namespace Purser.Interfaces;

/// <summary>
/// Key: the account. Answers as <see cref="Engine.IBudgetAuthority"/> does; transient outcomes and broken calls may be sent again with the
/// same id. <see cref="BudgetGrains"/> picks the method for a command.
/// </summary>
[Alias("purser.budget")]
[GrainInterfaceType("purser.budget")]
public interface IBudgetGrain : IGrainWithStringKey
{
    [Alias("reserve")]
    Task<Outcome> ReserveAsync([Immutable] Reserve reserve);

    [Alias("settle")]
    Task<Outcome> SettleAsync([Immutable] Settle settle);

    [Alias("refuse-settle")]
    Task<Outcome> RefuseSettleAsync([Immutable] RefuseSettle refuse);

    [Alias("release")]
    Task<Outcome> ReleaseAsync([Immutable] Release release);

    [Alias("extend")]
    Task<Outcome> ExtendAsync([Immutable] Extend extend);

    [Alias("record")]
    Task<Outcome> RecordAsync([Immutable] Record record);

    [Alias("check")]
    Task<Outcome> CheckAsync([Immutable] Check check);

    [Alias("get-reservation")]
    Task<Outcome> ReservationAsync([Immutable] GetReservation get);

    [Alias("get-status")]
    Task<Outcome> StatusAsync([Immutable] GetStatus get);

    [Alias("get-policy")]
    Task<Outcome> PolicyAsync([Immutable] GetPolicy get);

    [Alias("set-policy")]
    Task<Outcome> SetPolicyAsync([Immutable] SetPolicy set);

    [Alias("pause")]
    Task<Outcome> PauseAsync([Immutable] Pause pause);

    [Alias("resume")]
    Task<Outcome> ResumeAsync([Immutable] Resume resume);

    [Alias("add-override")]
    Task<Outcome> AddOverrideAsync([Immutable] AddOverride add);

    [Alias("remove-override")]
    Task<Outcome> RemoveOverrideAsync([Immutable] RemoveOverride remove);

    [Alias("list-overrides")]
    Task<Outcome> OverridesAsync([Immutable] ListOverrides list);

    [Alias("reprice")]
    Task<Outcome> RepriceAsync([Immutable] Reprice reprice);

    [Alias("void-usage")]
    Task<Outcome> VoidUsageAsync([Immutable] VoidUsage taken);

    [Alias("correct-usage")]
    Task<Outcome> CorrectUsageAsync([Immutable] CorrectUsage correct);

    [Alias("credit")]
    Task<Outcome> CreditAsync([Immutable] Credit credit);

    [Alias("close-session")]
    Task<Outcome> CloseSessionAsync([Immutable] CloseSession close);

    [Alias("erase-usage")]
    Task<Outcome> EraseUsageAsync([Immutable] EraseUsage erase);

    /// <summary>Lets everything happen that is due.</summary>
    [Alias("tick")]
    Task<Outcome> TickAsync([Immutable] Tick tick);

    /// <summary>Several in their order: calls of their own may overtake each other on their way.</summary>
    [Alias("sendAll")]
    Task<Outcome[]> SendAllAsync([Immutable] BudgetCommand[] commands);
}

public static class BudgetGrains
{
    /// <summary>The call that a command is.</summary>
    public static Task<Outcome> SendAsync(this IBudgetGrain budget, BudgetCommand command) => command switch
    {
        Reserve reserve => budget.ReserveAsync(reserve),
        Settle settle => budget.SettleAsync(settle),
        RefuseSettle refuse => budget.RefuseSettleAsync(refuse),
        Release release => budget.ReleaseAsync(release),
        Extend extend => budget.ExtendAsync(extend),
        Record record => budget.RecordAsync(record),
        Check check => budget.CheckAsync(check),
        GetReservation get => budget.ReservationAsync(get),
        GetStatus get => budget.StatusAsync(get),
        GetPolicy get => budget.PolicyAsync(get),
        SetPolicy set => budget.SetPolicyAsync(set),
        Pause pause => budget.PauseAsync(pause),
        Resume resume => budget.ResumeAsync(resume),
        AddOverride add => budget.AddOverrideAsync(add),
        RemoveOverride remove => budget.RemoveOverrideAsync(remove),
        ListOverrides list => budget.OverridesAsync(list),
        Reprice reprice => budget.RepriceAsync(reprice),
        VoidUsage taken => budget.VoidUsageAsync(taken),
        CorrectUsage correct => budget.CorrectUsageAsync(correct),
        Credit credit => budget.CreditAsync(credit),
        CloseSession close => budget.CloseSessionAsync(close),
        EraseUsage erase => budget.EraseUsageAsync(erase),
        Tick tick => budget.TickAsync(tick),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command.GetType().Name, "the budget's grain has no method for it"),
    };
}
