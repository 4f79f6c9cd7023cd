// Makes a checkpoint of the oldest entries of a journal, by the fold that loads an account: the state of a checkpoint is that of a load.
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>What a step of compaction writes, all of it or nothing. <see cref="Usage"/> is added to what there is, in quarters of an
/// hour.</summary>
public sealed record CompactionStep(Checkpoint Checkpoint, Fold Usage, IReadOnlyList<JournalEntry> Audited);

/// <summary>
/// What has to be known of an account: <see cref="Unfolded"/> are usage records that rollups do not include yet. Entries from
/// <see cref="EndVersion"/> on stay: the newest, from which writers go on, and those that ask for an erasure that was not carried out.
/// </summary>
public sealed record CompactionLimits(long EndVersion, IReadOnlySet<string> Unfolded,
    IReadOnlyList<(long Version, UsageErased Erased)> Erasures);

public static class Compaction
{
    /// <summary>Records that were booked before this are those of compacted entries.</summary>
    public static Instant GoneBefore(Checkpoint checkpoint) => checkpoint.At + Duration.FromMilliseconds(1);

    /// <summary>When the account of a restored checkpoint wants to be woken.</summary>
    public static Instant? NextDeadlineOf(Checkpoint checkpoint)
    {
        var state = LedgerJson.DecodeState(checkpoint.State.Span);
        state.Index();
        return Budget.NextDeadline(state);
    }

    /// <summary>Folds the entries that were written before an instant into a checkpoint; null where none can go.</summary>
    /// <param name="entries">Those that follow <paramref name="from"/>, in order.</param>
    public static CompactionStep? Plan(string account, Checkpoint? from, IReadOnlyList<JournalEntry> entries, Instant before,
        CompactionLimits limits)
    {
        var going = entries.TakeWhile(entry => entry.At < before && entry.Version < limits.EndVersion && !HasUnfolded(entry)).ToArray();
        if (going.Length == 0) return null;
        var fold = JournalFold.After(account, from);
        var history = from is null ? new UsageHistory() : HistoryJson.Decode(from.History.Span);
        var usage = new Fold(RollupState.Nothing);
        var audited = new List<JournalEntry>();
        foreach (var entry in going)
        {
            fold.Take(entry);
            foreach (var record in entry.Events.Select(Append.RecordOf).OfType<UsageRecord>())
                if (AuditTrail.LeftOf(record, entry.Version, limits.Erasures) is { } left)
                    usage.Add(RollupKey.Of(account, left), left.Usage.Dimensions.Session, left.Figures());
            history.Advance(entry);
            if (entry.Events.Any(AuditTrail.Has)) audited.Add(entry with { Events = [.. entry.Events.Where(AuditTrail.Has)] });
        }
        fold.Forget(Instant.MaxValue);
        return new(new(fold.State.Version, going[^1].At, LedgerJson.EncodeState(fold.State), HistoryJson.Encode(history)), usage, audited);

        bool HasUnfolded(JournalEntry entry) =>
            limits.Unfolded.Count > 0 && entry.Events.Any(happened => Append.RecordOf(happened) is { } record
                && limits.Unfolded.Contains(record.Id));
    }
}
