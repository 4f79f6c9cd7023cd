// What stands in an account's journal for entries that were compacted. It is part of the journal: without it there is no beginning.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// Everything that the entries up to <see cref="Version"/> come to: the budget's state, the history of its usage, and its usage by quarters
/// of an hour. <see cref="At"/> is when the last of them was written. What of them belongs to the audit trail stays there.
/// </summary>
public sealed record Checkpoint(long Version, Instant At, ReadOnlyMemory<byte> State, ReadOnlyMemory<byte> History)
{
    public IReadOnlyList<CompactedUsage> Usage { get; init; } = [];

    /// <summary>The usage that erasures in later entries left.</summary>
    public IEnumerable<CompactedUsage> UsageLeft(IEnumerable<(long Version, UsageErased Erased)> erasures)
    {
        var later = erasures.Where(erasure => erasure.Version > Version).Select(erasure => erasure.Erased).ToArray();
        return Usage.Select(usage => later.Aggregate((CompactedUsage?)usage, (left, erased) => left?.LeftBy(erased)))
            .OfType<CompactedUsage>();
    }
}

/// <summary>Usage of compacted entries that shares a key, in a quarter of an hour.</summary>
public sealed record CompactedUsage(long Start, RollupKey Key, RollupGain Gain)
{
    /// <summary>What an erasure in a later entry leaves, for all of it was booked before: itself, the same of nobody, or nothing.</summary>
    public CompactedUsage? LeftBy(UsageErased erased) => erased.User is not null && erased.User != Key.User ? this
        : !erased.Anonymizes ? null : new(Start, Key with { User = null }, Gain.Anonymous());
}

/// <summary>A reader asked for entries that were compacted. The checkpoint has what they come to.</summary>
public sealed class CompactedJournalException(string account, long after, long checkpoint)
    : Exception($"the journal of '{account}' begins after entry {checkpoint}: those after entry {after} were compacted")
{
    public static void ThrowIf(string account, long after, long? checkpoint)
    {
        if (checkpoint > after) throw new CompactedJournalException(account, after, checkpoint.Value);
    }
}
