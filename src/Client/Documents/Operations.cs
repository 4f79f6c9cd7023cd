// What operators ask a host: its health, its clock, its journal.
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed record ServiceInfo
{
    public string Name { get; init; } = "";
    public string Version { get; init; } = "";
    public string OpenApi { get; init; } = "";
    public string Health { get; init; } = "";
    public string TimeZoneData { get; init; } = "";
}

public sealed record ServiceHealth
{
    public string Status { get; init; } = "";
}

/// <summary>`now` is the time that this host decides in, `machine` the clock of its machine. `heldSeconds`: how far the clock has jumped,
/// where that is held back (later is positive), else 0. `leadSeconds`: how far `now` is ahead of the clock that it follows; a second in a
/// thousand is given back. `trouble`: why this host is not ready, or null. `accepted`: what operators accepted so far, newest
/// first.</summary>
public sealed record ServiceClock
{
    public DateTimeOffset Now { get; init; }
    public DateTimeOffset Machine { get; init; }

    [JsonPropertyName("heldSeconds"), JsonConverter(typeof(MeasuredSecondsConverter))]
    public TimeSpan Held { get; init; }

    [JsonPropertyName("leadSeconds"), JsonConverter(typeof(MeasuredSecondsConverter))]
    public TimeSpan Lead { get; init; }

    public string? Trouble { get; init; }
    public IReadOnlyList<AcceptedClock> Accepted { get; init; } = [];
}

/// <summary>`ledger`: where budgets are durable. `unfolded`: about how many booked records the rollups do not have yet; reports read
/// those one by one. `nodes`: who serves.</summary>
public sealed record ServiceSystem
{
    public string Ledger { get; init; } = "";
    public long Unfolded { get; init; }
    public IReadOnlyList<ServiceNode> Nodes { get; init; } = [];
}

/// <summary>`state` is active where it takes part. `address`: where silos reach it; null for a node that is none. `here`: it is the one
/// that answered.</summary>
public sealed record ServiceNode
{
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public string State { get; init; } = "";
    public string? Address { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public bool Here { get; init; }
}

public sealed record AcceptedClock
{
    public DateTimeOffset At { get; init; }

    [JsonPropertyName("jumpSeconds"), JsonConverter(typeof(MeasuredSecondsConverter))]
    public TimeSpan Jump { get; init; }

    [JsonPropertyName("leadSeconds"), JsonConverter(typeof(MeasuredSecondsConverter))]
    public TimeSpan Lead { get; init; }

    public string By { get; init; } = "";
    public string? Reason { get; init; }
}

/// <summary>Says that the clock is right. `reason` is kept with it.</summary>
public sealed record AcceptClock
{
    public string? Reason { get; init; }
}

/// <summary>How many accounts had their rollups made again; of `compacted` ones, usage before their checkpoints was taken as it is added
/// up there.</summary>
public sealed record RebuildResult
{
    public long Accounts { get; init; }
    public long Compacted { get; init; }
}

public sealed record Verification
{
    public bool Holds { get; init; }
    public long Accounts { get; init; }
    public long Compacted { get; init; }
    public long Entries { get; init; }
    public long Records { get; init; }
    public long Audited { get; init; }
    public long Unlinked { get; init; }
    public long Erasing { get; init; }
    public DateTimeOffset? SealedAt { get; init; }
    public long FindingCount { get; init; }
    public IReadOnlyList<VerificationFinding> Findings { get; init; } = [];
}

public sealed record VerificationFinding
{
    public string Account { get; init; } = "";
    public string What { get; init; } = "";
    public string Remedy { get; init; } = "";
}
