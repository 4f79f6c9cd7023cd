// The processes that serve this installation, for operators who ask for them. An embedded host names itself alone.
using System.Diagnostics;
using NodaTime;
using Purser.Engine;

namespace Purser.Api;

/// <summary>One of the processes that serve. <see cref="Address"/>: where silos reach it; null for one that is no silo.</summary>
public sealed record Node(string Name, string Role, string State, string? Address, Instant StartedAt, bool IsHere);

/// <summary>The processes that serve, and the ledger that they share.</summary>
public interface INodes
{
    /// <summary>sqlite, postgres or memory.</summary>
    string Ledger { get; }

    Task<IReadOnlyList<Node>> ListAsync(CancellationToken cancellation = default);

    /// <summary>About how many booked records the rollups do not have yet.</summary>
    Task<long> UnfoldedAsync(CancellationToken cancellation = default);

    /// <summary>When this process began.</summary>
    static Instant Started { get; } = Instant.FromDateTimeUtc(Process.GetCurrentProcess().StartTime.ToUniversalTime());
}

/// <summary>One host on a ledger that it opened itself. Others on the same PostgreSQL are not known to it.</summary>
public sealed class EmbeddedNodes(string ledger, IUsageUpkeep upkeep) : INodes
{
    public string Ledger => ledger;

    public Task<IReadOnlyList<Node>> ListAsync(CancellationToken cancellation = default) => Task.FromResult<IReadOnlyList<Node>>(
        [new(Environment.MachineName, "embedded", "active", null, INodes.Started, IsHere: true)]);

    public Task<long> UnfoldedAsync(CancellationToken cancellation = default) => upkeep.UnfoldedAsync();
}
