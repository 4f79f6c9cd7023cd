// The worked example of the port, for tests and trials: everything in memory, nothing durable. What is written is encoded and decoded as
// in a durable ledger, so that nobody shares objects through it. Several hosts of one process may use the same one; closing it does nothing.
using System.Diagnostics;
using System.Runtime.InteropServices;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed class MemoryLedger : ILedger, IUsageQueries
{
    sealed class Account(string name)
    {
        public string Name => name;
        public List<(Instant At, byte[] Events)> Journal { get; } = [];
        public Dictionary<string, byte[]> ClosedHolds { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, Booking> ById { get; } = new(StringComparer.Ordinal);
        public SortedSet<Booking> Bookings { get; } = [];
        public (long Version, byte[] Bytes) Snapshot { get; set; }
        public Instant? NextDeadline { get; set; }
        public long Version => Journal.Count;
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
    long booked;
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

        var records = append.EncodedUsage.Select(usage => LedgerJson.DecodeRecord(usage.Bytes)).ToArray();
        var holds = append.EncodedHolds;
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
            if (!ids.Add(record.Id) || account?.ById.ContainsKey(record.Id) == true)
                return (AppendStatus.Failed, version);

        if (account is null) accounts.Add(append.Account, account = new(append.Account));
        account.Journal.Add((append.At, append.EncodedEvents));
        account.NextDeadline = append.NextDeadline;
        foreach (var (id, hold) in holds) account.ClosedHolds[id] = hold;
        foreach (var record in records)
        {
            var booking = new Booking(account.Name, new(record.At.ToUnixTimeMilliseconds(), ++booked), record);
            account.ById.Add(record.Id, booking);
            account.Bookings.Add(booking);
            bookings.Add(booking);
        }
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

    public Task<Instant?> TimeAsync() => Task.FromResult<Instant?>(null);

    public Task<StoredBudget> LoadAsync(string account)
    {
        lock (gate)
        {
            if (!accounts.TryGetValue(account, out var found)) return Task.FromResult(StoredBudget.Nothing);
            var (version, bytes) = found.Snapshot;
            return Task.FromResult(new StoredBudget(version, bytes, Journal(found, version, int.MaxValue)));
        }
    }

    public Task<IReadOnlyList<JournalEntry>> ReadJournalAsync(string account, long afterVersion, int most)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<JournalEntry>>(
                accounts.TryGetValue(account, out var found) ? Journal(found, Math.Max(0, afterVersion), most) : []);
    }

    static JournalEntry[] Journal(Account account, long afterVersion, int most) =>
        [.. account.Journal.Skip((int)Math.Min(afterVersion, int.MaxValue)).Take(most).Select((entry, i) =>
            new JournalEntry(account.Name, afterVersion + i + 1, Millis(entry.At), LedgerJson.DecodeEvents(entry.Events)))];

    static Instant Millis(Instant at) => Instant.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    public Task<Recalled> RecallAsync(string account, IReadOnlyCollection<string> holdIds, IReadOnlyCollection<string> usageIds)
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

    public Task SaveSnapshotAsync(string account, long version, ReadOnlyMemory<byte> snapshot)
    {
        lock (gate)
            if (accounts.TryGetValue(account, out var found) && version >= found.Snapshot.Version)
                found.Snapshot = (version, snapshot.ToArray());
        return Task.CompletedTask;
    }

    public Task DeleteSnapshotsAsync()
    {
        lock (gate)
            foreach (var account in accounts.Values)
                account.Snapshot = default;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<string>> DueAsync(Instant now, int most, Shard shard = default)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<string>>(
                [.. accounts.Values.Where(account => account.NextDeadline <= now && shard.Has(account.Name))
                    .OrderBy(account => account.NextDeadline).Take(most).Select(account => account.Name)]);
    }

    public Task<StoredSettings> LoadSettingsAsync()
    {
        lock (gate) return Task.FromResult(settings);
    }

    public Task<bool> SaveSettingsAsync(long expectedVersion, ReadOnlyMemory<byte> settings)
    {
        lock (gate)
        {
            if (this.settings.Version != expectedVersion) return Task.FromResult(false);
            this.settings = new(expectedVersion + 1, settings.ToArray());
            return Task.FromResult(true);
        }
    }

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var after = cursor is null ? first : Booking.At(UsageCursor.Parse(cursor));
        lock (gate)
        {
            var found = Of(filter, after).Where(booking => booking.CompareTo(after) > 0).Take(limit + 1).ToArray();
            var next = found.Length > limit && limit > 0 ? found[limit - 1].Place.ToString() : null;
            return Task.FromResult(new Page<AccountRecord>([.. found.Take(limit).Select(booking => new AccountRecord(booking.Account, booking.Record!))], next));
        }
    }

    public Task<IReadOnlyList<UsageSum>> SumAsync(
        UsageFilter filter, IReadOnlyList<UsageKey> by, bool perQuarterHour, CancellationToken cancellation = default)
    {
        var sums = new Dictionary<SumKey, UsageSum>();
        lock (gate)
            foreach (var booking in Of(filter, first))
            {
                cancellation.ThrowIfCancellationRequested();
                var record = booking.Record!;
                var key = new SumKey([.. by.Select(key => KeyOf(booking, key))], perQuarterHour ? QuarterOf(record.At) : null, record.Currency);
                ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(sums, key, out _);
                sum ??= new(key.Keys, key.QuarterStart, key.Currency, 0, 0, 0, 0, 0, 0, 0, 0, 0);
                sum = sum with
                {
                    Records = sum.Records + 1,
                    InputTokens = sum.InputTokens + record.Amounts.InputTokens,
                    OutputTokens = sum.OutputTokens + record.Amounts.OutputTokens,
                    Requests = sum.Requests + record.Amounts.Requests,
                    FailedRequests = sum.FailedRequests + (record.Usage.Success ? 0 : record.Amounts.Requests),
                    CostNanos = sum.CostNanos + record.Amounts.CostNanos,
                    DurationMs = sum.DurationMs + (record.Usage.DurationMs ?? 0),
                    RecordsWithDuration = sum.RecordsWithDuration + (record.Usage.DurationMs is null ? 0 : 1),
                    Unpriced = sum.Unpriced + (record.Unpriced ? 1 : 0),
                };
            }
        return Task.FromResult<IReadOnlyList<UsageSum>>([.. sums.Values]);
    }

    public Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var found = Of(filter, first).ToArray();
            // Of several largest ones the earliest.
            var peak = found.Reverse().MaxBy(booking => booking.Record!.Amounts.Tokens)?.Record;
            return Task.FromResult(new UsageExtent(
                found.Select(booking => booking.Account).Distinct().Count(),
                found.Select(booking => booking.Record!.Usage.Dimensions.Session).OfType<string>().Distinct().Count(),
                peak?.At, peak?.Amounts.Tokens ?? 0));
        }
    }

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
        return among.GetViewBetween(after, last).Where(booking => Matches(filter, booking.Record!));
    }

    static bool Matches(UsageFilter filter, UsageRecord record)
    {
        var dimensions = record.Usage.Dimensions;
        return (filter.Orchestrator is null || filter.Orchestrator == dimensions.Orchestrator)
            && (filter.User is null || filter.User == dimensions.User)
            && (filter.Tenant is null || filter.Tenant == dimensions.Tenant)
            && (filter.Session is null || filter.Session == dimensions.Session)
            && (filter.Provider is null || filter.Provider == dimensions.Provider)
            && (filter.Model is null || filter.Model == dimensions.Model)
            && (filter.Tool is null || filter.Tool == dimensions.Tool)
            && (filter.Success is null || filter.Success == record.Usage.Success)
            && (filter.RequestId is null || filter.RequestId == record.Usage.RequestId)
            && (filter.ReservationId is null || filter.ReservationId == record.ReservationId)
            && (filter.From is null || record.At >= filter.From)
            && (filter.To is null || record.At < filter.To);
    }

    static string? KeyOf(Booking booking, UsageKey key)
    {
        var dimensions = booking.Record!.Usage.Dimensions;
        return key switch
        {
            UsageKey.Account => booking.Account,
            UsageKey.Orchestrator => dimensions.Orchestrator,
            UsageKey.User => dimensions.User,
            UsageKey.Tenant => dimensions.Tenant,
            UsageKey.Session => dimensions.Session,
            UsageKey.Provider => dimensions.Provider,
            UsageKey.Model => dimensions.Model,
            UsageKey.Tool => dimensions.Tool,
            _ => throw new UnreachableException(),
        };
    }

    static Instant QuarterOf(Instant at)
    {
        const long quarter = 15 * 60 * 1000;
        var millis = at.ToUnixTimeMilliseconds();
        var into = millis % quarter;
        return Instant.FromUnixTimeMilliseconds(millis - (into < 0 ? into + quarter : into));
    }

    sealed record SumKey(string?[] Keys, Instant? QuarterStart, string Currency)
    {
        public bool Equals(SumKey? other) =>
            other is not null && QuarterStart == other.QuarterStart && Currency == other.Currency && Keys.AsSpan().SequenceEqual(other.Keys);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(QuarterStart);
            foreach (var key in Keys) hash.Add(key);
            return hash.ToHashCode();
        }
    }
}
