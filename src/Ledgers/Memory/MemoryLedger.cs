// The worked example of the port, for tests and trials: everything in memory, nothing durable. What is written is encoded and decoded as
// in a durable ledger, so that nobody shares objects through it. Several hosts of one process may use the same one; closing it does
// nothing.
using System.Runtime.InteropServices;
using System.Text;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Memory;

public sealed class MemoryLedger : IStore
{
    sealed class Account(string name)
    {
        public string Name => name;
        public List<(Instant At, byte[] Events)> Journal { get; } = [];
        public Dictionary<string, byte[]> ClosedHolds { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, Booking> ById { get; } = new(StringComparer.Ordinal);
        public SortedSet<Booking> Bookings { get; } = [];

        /// <summary>The usage of the checkpoint lies beside it.</summary>
        public Checkpoint? Checkpoint { get; set; }
        public Dictionary<RollupPlace, RollupGain> Compacted { get; } = [];
        public List<(long Version, Instant At, byte[] Events)> Audited { get; } = [];
        public (long Version, byte[] Bytes) Snapshot { get; set; }
        public SortedDictionary<CounterName, StoredCounter> Counters { get; } = new(byName);
        public (long Version, byte[] Bytes) History { get; set; }
        public Instant? NextDeadline { get; set; }
        public long Before => Checkpoint?.Version ?? 0;
        public long Version => Before + Journal.Count;
    }

    /// <summary>A usage record in its place: newest first, then as booked.</summary>
    sealed record Booking(string Account, UsageCursor Place, UsageRecord? Record) : IComparable<Booking>
    {
        public static Booking At(UsageCursor place) => new("", place, null);

        public int CompareTo(Booking? other)
        {
            var newest = other!.Place.AtMillis.CompareTo(Place.AtMillis);
            return newest != 0 ? newest : Place.Order.CompareTo(other.Place.Order);
        }
    }

    static readonly Booking first = Booking.At(new(long.MaxValue, long.MinValue));
    static readonly Booking last = Booking.At(new(long.MinValue, long.MaxValue));

    /// <summary>Guards everything below.</summary>
    readonly Lock gate = new();
    readonly SortedDictionary<string, Account> accounts = new(StringComparer.Ordinal);
    readonly SortedSet<Booking> bookings = [];
    readonly SortedDictionary<long, Dictionary<RollupKey, RollupGain>> rollups = [];
    long booked;
    readonly SortedList<long, FeedEntry> feed = [];
    readonly HashSet<string> announced = new(StringComparer.Ordinal);
    long lastPosition;
    long goneTo;
    readonly Dictionary<string, SharedDocument> shared = new(StringComparer.Ordinal);
    StoredSettings settings = new(0, default);

    public Task<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<Append> batch)
    {
        var results = new AppendResult[batch.Count];
        lock (gate)
            for (var i = 0; i < results.Length; i++)
            {
                var (status, version) = Append(batch[i]);
                results[i] = new(status, version, settings.Version);
            }
        return Task.FromResult<IReadOnlyList<AppendResult>>(results);
    }

    (AppendStatus, long Version) Append(Append append)
    {
        var account = accounts.GetValueOrDefault(append.Account);
        var version = account?.Version ?? 0;
        if (version != append.ExpectedVersion || append.SettingsVersion < settings.Version) return (AppendStatus.Conflict, version);
        if (append.Events.Count == 0) return (AppendStatus.Written, version);
        if (account is not null && (append.NewHolds.Any(account.ClosedHolds.ContainsKey) || append.NewUsage.Any(account.ById.ContainsKey)))
            return (AppendStatus.Conflict, version);

        var records = append.EncodedUsage.Select(usage => LedgerJson.DecodeRecord(usage.Bytes.Span)).ToArray();
        var holds = append.EncodedHolds;
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
            if (!ids.Add(record.Id) || account?.ById.ContainsKey(record.Id) == true)
                return (AppendStatus.Failed, version);

        if (account is null) accounts.Add(append.Account, account = new(append.Account));
        account.Journal.Add((append.At, append.EncodedEvents));
        feed.Add(++lastPosition, new(lastPosition, append.Account, account.Version, append.At, append.EncodedEvents));
        account.NextDeadline = append.NextDeadline;
        foreach (var (id, hold) in holds) account.ClosedHolds[id] = hold;
        foreach (var record in records)
        {
            var booking = new Booking(account.Name, new(record.At.ToUnixTimeMilliseconds(), ++booked), record);
            account.ById.Add(record.Id, booking);
            account.Bookings.Add(booking);
            bookings.Add(booking);
            Roll(account.Name, record);
        }
        foreach (var erased in append.Events.OfType<UsageErased>()) Erase(account, erased);
        return (AppendStatus.Written, account.Version);
    }

    readonly System.Collections.Concurrent.ConcurrentDictionary<string, SemaphoreSlim> turns = new(StringComparer.Ordinal);

    public async Task<IAsyncDisposable> TakeTurnAsync(string account)
    {
        var turn = turns.GetOrAdd(account, _ => new(1));
        await turn.WaitAsync();
        return new Turn(turn);
    }

    sealed class Turn(SemaphoreSlim turn) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            turn.Release();
            return ValueTask.CompletedTask;
        }
    }

    public Task ProbeAsync() => Task.CompletedTask;

    public Task<Instant?> TimeAsync() => Task.FromResult<Instant?>(null);

    public Task<StoredBudget> LoadAsync(string account)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found)) return Task.FromResult(StoredBudget.Nothing);
            var (version, bytes) = found.Snapshot;
            if (found.Checkpoint is { } checkpoint && checkpoint.Version > version)
                (version, bytes) = (checkpoint.Version, checkpoint.State.ToArray());
            return Task.FromResult(new StoredBudget(version, bytes, Journal(found, version, int.MaxValue)));
        }
    }

    public Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<JournalEntry>>(
                accounts.TryGetValue(account, out var found) ? Journal(found, Math.Max(0, afterVersion), most) : []);
    }

    static JournalEntry[] Journal(Account account, long afterVersion, int most)
    {
        CompactedJournalException.ThrowIf(account.Name, afterVersion, account.Checkpoint?.Version);
        return [.. account.Journal.Skip((int)Math.Min(afterVersion - account.Before, int.MaxValue)).Take(most).Select((entry, i) =>
            EntryOf(account, afterVersion + i + 1, entry.At, entry.Events))];
    }

    static JournalEntry EntryOf(Account account, long version, Instant at, byte[] events) =>
        new(account.Name, version, Millis(at), LedgerJson.DecodeEvents(events));

    static Instant Millis(Instant at) => Instant.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds,
        IReadOnlyCollection<string>? beside = null)
    {
        var holds = new Dictionary<string, Hold>(StringComparer.Ordinal);
        var usage = new Dictionary<string, UsageRecord>(StringComparer.Ordinal);
        lock (gate)
            if (accounts.TryGetValue(account, out var found))
            {
                foreach (var id in holdIds)
                    if (found.ClosedHolds.TryGetValue(id, out var hold))
                        holds[id] = LedgerJson.DecodeHold(hold);
                foreach (var id in usageIds)
                    if (found.ById.TryGetValue(id, out var booking))
                        usage[id] = booking.Record!;
                if (beside is { Count: > 0 })
                    foreach (var booking in found.ById.Values)
                        if (booking.Record is { Corrects: { } other } record && beside.Contains(other)) usage[record.Id] = record;
            }
        return Task.FromResult(new Recalled(holds, usage));
    }

    public async IAsyncEnumerable<UsageRecord> ReadUsageAsync(string account, Instant from)
    {
        Booking[] read;
        lock (gate)
            read = accounts.TryGetValue(account, out var found) ? [.. found.Bookings.TakeWhile(booking => booking.Record!.At >= from)] : [];
        foreach (var booking in read) yield return booking.Record!;
        await Task.CompletedTask;
    }

    static readonly Comparer<CounterName> byName = Comparer<CounterName>.Create((a, b) =>
        a.No != b.No ? a.No.CompareTo(b.No) : Encoding.UTF8.GetBytes(a.Key).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Key)));

    public Task<bool> SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot, CounterChanges? counters = null)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found) || version < found.Snapshot.Version) return Task.FromResult(false);
            found.Snapshot = (version, snapshot.ToArray());
            if (counters is null) return Task.FromResult(true);
            foreach (var kept in counters.Kept) found.Counters[kept.Name] = kept with { Json = kept.Json.ToArray() };
            var gone = found.Counters.Values.Where(kept => counters.GoneLimits.Contains(kept.Name.No)
                || (kept.Until <= counters.At && !kept.Keep)).Select(kept => kept.Name);
            foreach (var name in counters.Empty.Concat([.. gone])) found.Counters.Remove(name);
            return Task.FromResult(true);
        }
    }

    public Task<StoredCounters> ReadCountersAsync(string account, IReadOnlyCollection<CounterName> names) =>
        ReadCountersAsync(account, found => names.Where(found.ContainsKey).Select(name => found[name]));

    public Task<StoredCounters> ReadCountersAsync(string account, CounterName after, Instant at, int most) =>
        ReadCountersAsync(account, found => found.Values.Where(kept => kept.Until > at && byName.Compare(kept.Name, after) > 0).Take(most));

    Task<StoredCounters> ReadCountersAsync(
        string account, Func<SortedDictionary<CounterName, StoredCounter>, IEnumerable<StoredCounter>> wanted)
    {
        lock (gate)
            return Task.FromResult(accounts.TryGetValue(account, out var found)
                ? new(Math.Max(found.Snapshot.Version, found.Before), [.. wanted(found.Counters)]) : StoredCounters.None);
    }

    public Task DeleteSnapshotsAsync()
    {
        lock (gate)
            foreach (var account in accounts.Values)
                (account.Snapshot, account.History) = (default, default);
        return Task.CompletedTask;
    }

    public Task<KeptHistory> LoadHistoryAsync(string account)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found)) return Task.FromResult(KeptHistory.None);
            if (found.Checkpoint is { } checkpoint && checkpoint.Version > found.History.Version)
                return Task.FromResult(new KeptHistory(checkpoint.Version, checkpoint.History));
            return Task.FromResult(found.History.Version > 0 ? new(found.History.Version, found.History.Bytes) : KeptHistory.None);
        }
    }

    public Task SaveHistoryAsync(string account, long version, ReadOnlyMemory<byte> history)
    {
        lock (gate)
            if (accounts.TryGetValue(account, out var found) && version >= found.History.Version)
                found.History = (version, history.ToArray());
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<string>>(
                [.. accounts.Values.Where(account => account.NextDeadline <= now && shard.Has(account.Name))
                    .OrderBy(account => account.NextDeadline).Take(most).Select(account => account.Name)]);
    }

    Task<FeedPage> IEventFeed.ReadAsync(long after, int most, CancellationToken cancellation)
    {
        lock (gate)
        {
            var page = new List<FeedEntry>();
            for (var i = FirstAfter(after); i < feed.Count && page.Count < most; i++) page.Add(feed.GetValueAtIndex(i));
            return Task.FromResult(FeedPage.Of(page, most, lastPosition, goneTo));
        }
    }

    int FirstAfter(long position) =>
        Sorted.First(feed.Count, (feed, position), static (asked, i) => asked.feed.GetKeyAtIndex(i) > asked.position);

    Task<long> IEventFeed.HeadAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult(lastPosition);
    }

    Task<bool> IEventFeed.AnnounceAsync(Announcement announcement)
    {
        lock (gate)
        {
            if (!announced.Add(announcement.Id)) return Task.FromResult(false);
            feed.Add(++lastPosition, new(lastPosition, announcement.Account, 0, announcement.At, default, announcement));
            return Task.FromResult(true);
        }
    }

    Task<SharedDocument?> ISharedState.LoadAsync(string name, long known)
    {
        lock (gate)
        {
            var found = shared.GetValueOrDefault(name, SharedDocument.Missing);
            return Task.FromResult(found.Version == known ? null : found);
        }
    }

    Task<IReadOnlyList<NamedDocument>> ISharedState.ListAsync(string prefix, string after, int most)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<NamedDocument>>([.. shared
                .Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(one.Key, after) > 0)
                .OrderBy(one => one.Key, StringComparer.Ordinal).Take(most).Select(one => new NamedDocument(one.Key, one.Value))]);
    }

    Task<bool> ISharedState.DeleteAsync(string name, long expectedVersion)
    {
        lock (gate)
            return Task.FromResult(shared.TryGetValue(name, out var found) && found.Version == expectedVersion && shared.Remove(name));
    }

    Task<bool> ISharedState.SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body)
    {
        lock (gate)
        {
            if (shared.GetValueOrDefault(name, SharedDocument.Missing).Version != expectedVersion) return Task.FromResult(false);
            shared[name] = new(expectedVersion + 1, body.ToArray());
            return Task.FromResult(true);
        }
    }

    public Task<StoredSettings> LoadSettingsAsync()
    {
        lock (gate) return Task.FromResult(settings);
    }

    public Task<long> SettingsVersionAsync()
    {
        lock (gate) return Task.FromResult(settings.Version);
    }

    readonly SortedDictionary<string, byte[]> settingsParts = new(StringComparer.Ordinal);
    readonly SortedDictionary<long, SettingsNote> settingsNotes = [];

    public Task<bool> SaveSettingsAsync(long expectedVersion, SettingsUpdate update)
    {
        lock (gate)
        {
            if (settings.Version != expectedVersion) return Task.FromResult(false);
            foreach (var part in update.Parts)
                if (part.Body is { } body) settingsParts[part.Name] = body.ToArray();
                else settingsParts.Remove(part.Name);
            foreach (var note in update.Notes) settingsNotes[note.Version] = note with { Body = note.Body.ToArray() };
            settings = StoredSettings.Of(
                expectedVersion + 1, settingsParts.Select(part => new SettingsPart(part.Key, part.Value)),
                    settingsNotes.Values.Where(note =>
                    note.Subject != SettingsUpdate.NotShown).TakeLast(StoredSettings.MostChanges).Select(note => note.Body));
            return Task.FromResult(true);
        }
    }

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(long after, int most)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<SettingsNote>>(
                [.. settingsNotes.Values.Where(note => note.Version > after && note.Subject != SettingsUpdate.NotShown).Take(most)]);
    }

    public Task<IReadOnlyList<SettingsNote>> ReadNotesAsync(IReadOnlyCollection<string> subjects, int most)
    {
        var wanted = subjects.Select(SettingsNote.Folded).ToHashSet();
        lock (gate)
            return Task.FromResult<IReadOnlyList<SettingsNote>>(
                [.. settingsNotes.Values.Where(note => wanted.Contains(SettingsNote.Folded(note.Subject))).TakeLast(most)]);
    }

    readonly Dictionary<string, byte[]> catalogues = new(StringComparer.Ordinal);

    public Task<ReadOnlyMemory<byte>?> LoadCatalogueAsync(string digest)
    {
        lock (gate) return Task.FromResult(catalogues.TryGetValue(digest, out var file) ? file : (ReadOnlyMemory<byte>?)null);
    }

    public Task SaveCatalogueAsync(string digest, ReadOnlyMemory<byte> file)
    {
        lock (gate) catalogues[digest] = file.ToArray();
        return Task.CompletedTask;
    }

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var after = cursor is null ? first : Booking.At(UsageCursor.Parse(cursor));
        lock (gate)
        {
            var found = Of(filter, after).Where(booking => booking.CompareTo(after) > 0).Take(limit + 1).ToArray();
            var next = found.Length > limit && limit > 0 ? found[limit - 1].Place.ToString() : null;
            return Task.FromResult(
                new Page<AccountRecord>([.. found.Take(limit).Select(booking => new AccountRecord(booking.Account, booking.Record!))],
                    next));
        }
    }

    /// <summary>There is nobody to keep waiting, so records are added to the rollups as they are booked.</summary>
    void Roll(string account, UsageRecord record)
    {
        var gain = GainOf(RollupPlan.Floor(record.At.ToUnixTimeMilliseconds(), RollupPlan.QuarterMillis), RollupKey.Of(account, record));
        gain.Sums.Add(record.Figures());
        if (record.Usage.Dimensions.Session is { } session) gain.Sessions.Add(account, session);
    }

    RollupGain GainOf(long start, RollupKey key)
    {
        if (!rollups.TryGetValue(start, out var quarter)) rollups[start] = quarter = [];
        return CollectionsMarshal.GetValueRefOrAddDefault(quarter, key, out _) ??= new();
    }

    void Erase(Account account, UsageErased erased)
    {
        foreach (var booking in account.Bookings.ToArray())
        {
            if (booking.Record!.ReplacedBy(erased) is not { } left) continue;
            var after = booking with { Record = left };
            account.Bookings.Remove(booking);
            bookings.Remove(booking);
            account.ById[left.Id] = after;
            if (left.IsErased) continue;
            account.Bookings.Add(after);
            bookings.Add(after);
        }
        foreach (var (place, gain) in account.Compacted.ToArray())
        {
            var left = new CompactedUsage(place.Start, place.Key, gain).LeftBy(erased);
            if (left is not null && ReferenceEquals(left.Gain, gain)) continue;
            account.Compacted.Remove(place);
            if (left is not null && !account.Compacted.TryAdd(place with { Key = left.Key }, left.Gain))
                account.Compacted[place with { Key = left.Key }].Add(left.Gain);
        }
        RollAgain(account);
    }

    /// <summary>The rollups of an account from its journal.</summary>
    void RollAgain(Account account)
    {
        foreach (var quarter in rollups.Values)
            foreach (var key in quarter.Keys.Where(key => key.Account == account.Name).ToArray()) quarter.Remove(key);
        var happenings = account.Journal.SelectMany(entry => LedgerJson.DecodeEvents(entry.Events)).ToArray();
        var erasures = happenings.OfType<UsageErased>().ToArray();
        foreach (var happened in happenings)
            if (Purser.Engine.Append.RecordOf(happened) is { } record
                && erasures.Aggregate((UsageRecord?)record, (left, erased) => left is null ? null : erased.LeftOf(left)) is { } stays)
                Roll(account.Name, stays);
        foreach (var (place, gain) in account.Compacted) GainOf(place.Start, place.Key).Add(gain);
    }

    public Task<Checkpoint?> LoadCheckpointAsync(string account)
    {
        lock (gate)
            return Task.FromResult(accounts.TryGetValue(account, out var found) ? found.Checkpoint is { } checkpoint ? checkpoint with
            {
                Usage = [.. found.Compacted.Select(usage => new CompactedUsage(usage.Key.Start, usage.Key.Key, Copy(usage.Value)))],
            } : null : null);

        static RollupGain Copy(RollupGain gain)
        {
            var copy = new RollupGain();
            copy.Add(gain);
            return copy;
        }
    }

    public Task RestoreCheckpointAsync(string account, Checkpoint checkpoint, IReadOnlyList<JournalEntry> audited)
    {
        lock (gate)
        {
            var restored = new Account(account) { Checkpoint = checkpoint with { Usage = [] }, NextDeadline = Compaction.NextDeadlineOf(
                checkpoint) };
            accounts.Add(account, restored);
            foreach (var entry in audited) restored.Audited.Add((entry.Version, entry.At, LedgerJson.EncodeEvents(entry.Events)));
            foreach (var usage in checkpoint.Usage)
                restored.Compacted.Add(new(new(RollupView.Full, RollupSpan.Quarter), usage.Start, usage.Key), usage.Gain);
            RollAgain(restored);
            MayGo(Compaction.GoneBefore(checkpoint));
        }
        return Task.CompletedTask;
    }

    public Task<Page<string>> CompactableAsync(Instant before, int atLeast, string? cursor, int most)
    {
        lock (gate)
        {
            var looked = accounts.Values.Where(account => cursor is null || string.CompareOrdinal(account.Name, cursor) > 0).Take(most + 1)
                .ToArray();
            var found = looked.Take(most).Where(account => account.Journal.Count > atLeast && account.Journal[atLeast - 1].At < before);
            return Task.FromResult(new Page<string>([.. found.Select(account => account.Name)], looked.Length > most
                ? looked[most - 1].Name : null));
        }
    }

    public Task<int> CompactAsync(string account, Instant before, int most)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found)) return Task.FromResult(0);
            var entries = Journal(found, found.Before, most);
            var erasures = Journal(found, found.Before, int.MaxValue)
                .SelectMany(entry => entry.Events.OfType<UsageErased>().Select(erased => (entry.Version, erased))).ToArray();
            if (Compaction.Plan(account, found.Checkpoint, entries, before, new(found.Version, new HashSet<string>(), erasures))
                is not { } step) return Task.FromResult(0);
            foreach (var (place, gain) in step.Usage.Gains)
                if (!found.Compacted.TryAdd(place, gain))
                    found.Compacted[place].Add(gain);
            foreach (var entry in step.Audited) found.Audited.Add((entry.Version, entry.At, LedgerJson.EncodeEvents(entry.Events)));
            var gone = (int)(step.Checkpoint.Version - found.Before);
            found.Journal.RemoveRange(0, gone);
            foreach (var position in feed.Where(one => one.Value.Account == account && one.Value.Announcement is null
                && one.Value.Version <= step.Checkpoint.Version).Select(one => one.Key).ToArray())
            {
                feed.Remove(position);
                goneTo = Math.Max(goneTo, position);
            }
            found.Checkpoint = step.Checkpoint;
            return Task.FromResult(gone);
        }
    }

    public Task<bool> EraseNextAsync() => Task.FromResult(false);

    public Task<bool> IsErasingAsync(string account) => Task.FromResult(false);

    public Task<bool> RebuildAsync(string account)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found)) return Task.FromResult(false);
            RollAgain(found);
            return Task.FromResult(found.Checkpoint is not null);
        }
    }

    public Task<UsageCursor?> PurgeAsync(Instant bookedBefore, UsageCursor? after, int most)
    {
        lock (gate)
        {
            foreach (var account in accounts.Values)
                foreach (var booking in account.ById.Values.Where(booking => booking.Record!.BookedAt < bookedBefore).ToArray())
                {
                    account.ById.Remove(booking.Record!.Id);
                    account.Bookings.Remove(booking);
                    bookings.Remove(booking);
                }
            MayGo(bookedBefore);
        }
        return Task.FromResult<UsageCursor?>(null);
    }

    void MayGo(Instant bookedBefore) => keptSince = keptSince is null ? bookedBefore : Instant.Max(keptSince.Value, bookedBefore);

    Instant? keptSince;

    public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default)
    {
        lock (gate) return Task.FromResult(keptSince);
    }

    public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
        CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var found = (!accounts.TryGetValue(account, out var known) ? [] : known.Bookings.AsEnumerable())
                .GroupBy(booking => booking.Record!.Usage.Dimensions.Session, StringComparer.Ordinal)
                .Where(one => one.Key is { } name && (session ?? name) == name
                    && (cursor is null || string.CompareOrdinal(name, cursor) > 0))
                .OrderBy(one => one.Key, StringComparer.Ordinal).Take(Math.Max(0, limit) + 1).ToArray();
            return Task.FromResult(new Page<SessionUse>([.. found.Take(limit).Select(Use)], found.Length > limit && limit > 0
                ? found[limit - 1].Key : null));
        }

        static SessionUse Use(IGrouping<string?, Booking> session)
        {
            var adder = new UsageAdder(new(), [], UsageStep.Whole);
            foreach (var booking in session) adder.Add([], booking.Record!.Currency, booking.Record!.Figures());
            var first = session.Min(booking => booking.Place.AtMillis);
            return new(
                session.Key!, [.. adder.Sums().Select(sum => sum with { Keys = [session.Key] }).OrderBy(sum => sum.Currency,
                    StringComparer.Ordinal)],
                Instant.FromUnixTimeMilliseconds(first), session.MaxBy(booking => (booking.Place.AtMillis, booking.Place.Order))!.Record!);
        }
    }

    public Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var after = AuditTrail.After(cursor);
        lock (gate)
            return Task.FromResult(AuditTrail.PageOf(
                !accounts.TryGetValue(account, out var found) ? [] :
                [
                    .. found.Audited.Where(entry => entry.Version > after)
                        .Select(entry => EntryOf(found, entry.Version, entry.At, entry.Events))
                        .Concat(Journal(found, Math.Max(after, found.Before), int.MaxValue))
                            .Where(entry => entry.Events.Any(AuditTrail.Has)).Take(limit + 1),
                ], limit));
    }

    public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
        DueAsync(until, most);

    public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
        CancellationToken cancellation = default) => HoldTrail.ReadAsync(this, account, from, to, cursor, limit);

    public Task<long> UnfoldedAsync() => Task.FromResult(0L);

    public Task<bool> FoldAsync(Instant now, int most) => Task.FromResult(false);

    public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default)
    {
        lock (gate)
            return Task.FromResult(new UsageAnswers([.. questions.Select(question => question.IsExtent
                ? new UsageAnswer([], Extent(question.Filter)) : new(Sums(question, cancellation), null))], keptSince));
    }

    IReadOnlyList<UsageSum> Sums(UsageQuestion question, CancellationToken cancellation)
    {
        var (filter, by, step) = (question.Filter, question.By, question.Step);
        var adder = new UsageAdder(filter, by, step);
        var plan = RollupPlan.For(filter, RollupPlan.RangeOf(filter), by, step, RollupState.Nothing, question.WithParts);
        foreach (var (start, key, gain) in Rollups(filter, plan.Folded))
        {
            cancellation.ThrowIfCancellationRequested();
            adder.Add(key, start, gain.Sums);
        }
        foreach (var booking in Edges(filter, plan))
        {
            cancellation.ThrowIfCancellationRequested();
            var record = booking.Record!;
            var parts = question.WithParts && !record.IsSettledByHand(accounts[booking.Account].ById.ContainsKey) ? record : null;
            foreach (var keys in record.GroupsOf(booking.Account, by)) adder.Add(keys, record.Currency, record.Figures(), parts);
        }
        cancellation.ThrowIfCancellationRequested();
        return adder.Sums();
    }

    UsageExtent Extent(UsageFilter filter)
    {
        var finder = new ExtentFinder(filter);
        var plan = RollupPlan.For(filter, RollupPlan.RangeOf(filter), [], UsageStep.Whole, RollupState.Nothing);
        foreach (var (_, key, gain) in Rollups(filter, plan.Folded)) finder.Add(key.Account, gain);
        foreach (var booking in Edges(filter, plan))
            finder.Add(booking.Account, booking.Record!.Usage.Dimensions.Session, booking.Record!.Figures());
        return finder.Extent();
    }

    IEnumerable<(long Start, RollupKey Key, RollupGain Gain)> Rollups(UsageFilter filter, MillisRange range) =>
        from quarter in rollups where quarter.Key >= range.From && quarter.Key < range.To
        from row in quarter.Value where row.Key.Matches(filter)
        select (quarter.Key, row.Key, row.Value);

    IEnumerable<Booking> Edges(UsageFilter filter, RollupPlan plan) => Of(filter, first).Where(booking => plan.Edges.Any(edge =>
        booking.Place.AtMillis >= edge.From && booking.Place.AtMillis < edge.To));

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var found = accounts.Keys
                .Where(account => cursor is null || string.CompareOrdinal(account, cursor) > 0)
                .Where(account => search is null || account.Contains(search, StringComparison.OrdinalIgnoreCase))
                .Take(limit + 1).ToArray();
            return Task.FromResult(new Page<string>([.. found.Take(limit)], found.Length > limit && limit > 0 ? found[limit - 1] : null));
        }
    }

    public ValueTask DisposeAsync() => default;

    IEnumerable<Booking> Of(UsageFilter filter, Booking after)
    {
        var among = filter.Account is null ? bookings : accounts.TryGetValue(filter.Account, out var account) ? account.Bookings : [];
        return among.GetViewBetween(after, last)
            .Where(booking => booking.Record!.Matches(booking.Account, filter, id =>
                accounts[booking.Account].ById.GetValueOrDefault(id)?.Record));
    }
}
