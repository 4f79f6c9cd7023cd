// The grain of one account: the address under which its budget is served.
using Orleans.Concurrency;
using Purser.Core;

namespace Purser.Interfaces;

/// <summary>Key: the account.</summary>
[Alias("purser.budget")]
public interface IBudgetGrain : IGrainWithStringKey
{
    /// <summary>Answers as <see cref="Engine.IBudgetAuthority"/> does; transient outcomes and broken calls may be sent again with the same
    /// id.</summary>
    [Alias("send")]
    Task<Immutable<Outcome>> SendAsync([Immutable] BudgetCommand command);

    /// <summary>Several in their order: calls of their own may overtake each other on their way.</summary>
    [Alias("sendAll")]
    Task<Immutable<Outcome[]>> SendAllAsync([Immutable] BudgetCommand[] commands);
}
