// What a line of the file says: one change of the ledger, and how it is done. The names are the file's format.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Engine;

namespace Purser.Samples;

[JsonDerivedType(typeof(Appended), "append")]
[JsonDerivedType(typeof(CheckpointRestored), "checkpoint")]
[JsonDerivedType(typeof(SnapshotSaved), "snapshot")]
[JsonDerivedType(typeof(SnapshotsDeleted), "noSnapshots")]
[JsonDerivedType(typeof(HistorySaved), "history")]
[JsonDerivedType(typeof(SettingsSaved), "settings")]
[JsonDerivedType(typeof(CatalogueSaved), "catalogue")]
[JsonDerivedType(typeof(DocumentSaved), "document")]
[JsonDerivedType(typeof(DocumentDeleted), "noDocument")]
[JsonDerivedType(typeof(Announced), "announcement")]
[JsonDerivedType(typeof(Purged), "purge")]
[JsonDerivedType(typeof(Rebuilt), "rebuild")]
[JsonDerivedType(typeof(Compacted), "compact")]
abstract record Change
{
    /// <summary>Does it, at first and at every start: the same change to the same state has the same result.</summary>
    public abstract Task<object?> ApplyAsync(IStore to);

    protected static async Task<object?> Done(Task doing)
    {
        await doing;
        return null;
    }
}

/// <summary>A batch of one account, in the encoding that the engine keeps events in.</summary>
sealed record Entry(string Account, long Expected, long? Settings, Instant At, Instant? Deadline, byte[] Events, byte[][] Holds,
    string[] NewHolds, string[] NewUsage)
{
    public static Entry Of(Append append) => new(append.Account, append.ExpectedVersion, append.SettingsVersion, append.At,
        append.NextDeadline, append.EncodedEvents, [.. append.EncodedHolds.Select(hold => hold.Bytes)], [.. append.NewHolds],
        [.. append.NewUsage]);

    public Append ToAppend() => new(Account, Expected, LedgerJson.DecodeEvents(Events))
    {
        SettingsVersion = Settings, At = At, NextDeadline = Deadline,
        ClosedHolds = [.. (Holds ?? []).Select(hold => LedgerJson.DecodeHold(hold))], NewHolds = NewHolds ?? [], NewUsage = NewUsage ?? [],
    };
}

sealed record Appended(Entry[] Batch) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) =>
        await to.AppendAsync([.. Batch.Select(entry => entry.ToAppend())]);
}

sealed record Audited(string Account, long Version, Instant At, byte[] Events)
{
    public static Audited Of(JournalEntry entry) => new(entry.Account, entry.Version, entry.At, LedgerJson.EncodeEvents(entry.Events));

    public JournalEntry ToEntry() => new(Account, Version, At, LedgerJson.DecodeEvents(Events));
}

sealed record CheckpointRestored(string Account, Checkpoint Checkpoint, Audited[] Trail) : Change
{
    public override Task<object?> ApplyAsync(IStore to) =>
        Done(to.RestoreCheckpointAsync(Account, Checkpoint, [.. (Trail ?? []).Select(entry => entry.ToEntry())]));
}

sealed record SnapshotSaved(string Account, long Version, ReadOnlyMemory<byte> Snapshot, CounterChanges? Counters) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) =>
        await to.SaveSnapshotAsync(Account, Version, Snapshot, Counters);
}

sealed record SnapshotsDeleted : Change
{
    public override Task<object?> ApplyAsync(IStore to) => Done(to.DeleteSnapshotsAsync());
}

sealed record HistorySaved(string Account, long Version, ReadOnlyMemory<byte> History) : Change
{
    public override Task<object?> ApplyAsync(IStore to) => Done(to.SaveHistoryAsync(Account, Version, History));
}

sealed record SettingsSaved(long Expected, SettingsUpdate Update) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.SaveSettingsAsync(Expected, Update);
}

sealed record CatalogueSaved(string Digest, ReadOnlyMemory<byte> File) : Change
{
    public override Task<object?> ApplyAsync(IStore to) => Done(to.SaveCatalogueAsync(Digest, File));
}

sealed record DocumentSaved(string Name, long Expected, ReadOnlyMemory<byte> Body) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.SaveAsync(Name, Expected, Body);
}

sealed record DocumentDeleted(string Name, long Expected) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.DeleteAsync(Name, Expected);
}

sealed record Announced(Announcement Announcement) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.AnnounceAsync(Announcement);
}

sealed record Purged(Instant BookedBefore, UsageCursor? After, int Most) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.PurgeAsync(BookedBefore, After, Most);
}

sealed record Rebuilt(string Account) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.RebuildAsync(Account);
}

sealed record Compacted(string Account, Instant Before, int Most) : Change
{
    public override async Task<object?> ApplyAsync(IStore to) => await to.CompactAsync(Account, Before, Most);
}
