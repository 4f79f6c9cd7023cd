// The port that a host is built on: everything that is durable, in facets. Whoever needs one facet asks for that one.
using NodaTime;

namespace Purser.Engine;

/// <summary>
/// A store that several hosts may share. Implementations are thread-safe. Any method may throw <see cref="LedgerUnavailableException"/>;
/// after an append threw, it is not known whether it was written.
/// </summary>
public interface IStore : IJournal, IKept, IUsageQueries, IUsageUpkeep, ISharedState, IEventFeed, IAsyncDisposable
{
    /// <summary>The time of the store's own clock, which all hosts on it share; null where the clock is this machine's.</summary>
    Task<Instant?> TimeAsync();

    /// <summary>Writes something that says nothing, as durably as an append. Where this succeeds an append would, as far as anybody can
    /// tell; where it throws, the message says why not.</summary>
    Task ProbeAsync();
}
