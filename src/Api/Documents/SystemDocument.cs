// What this service is made of, for operators: its ledger and how far reports are behind it, and the nodes that serve it.
using System.ComponentModel.DataAnnotations;
using NodaTime;

namespace Purser.Api.Documents;

/// <param name="Ledger">Where budgets are durable.</param>
/// <param name="Unfolded">About how many booked records the rollups do not have yet; reports read those one by one.</param>
/// <param name="Nodes">Who serves: this host alone where it is embedded; in a cluster all silos, those that were there lately
/// included, and this api.</param>
public sealed record SystemDocument(
    [property: AllowedValues("sqlite", "postgres", "memory")] string Ledger, long Unfolded, IReadOnlyList<SystemNodeDocument> Nodes);

/// <param name="Name">What it is called in logs.</param>
/// <param name="Role">What it does.</param>
/// <param name="State">Whether it takes part: `active`, or what its silo is instead, such as `joining` or `dead`.</param>
/// <param name="Address">Where other silos reach it; null for a node that is no silo.</param>
/// <param name="StartedAt">Since when it runs.</param>
/// <param name="Here">Whether it is the one that answers.</param>
public sealed record SystemNodeDocument(
    string Name, [property: AllowedValues("embedded", "silo", "api", "all")] string Role, string State, string? Address, Instant StartedAt,
    bool Here);
