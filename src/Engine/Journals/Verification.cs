// Replays the journal of every account and compares it with everything that was derived from it.
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

/// <summary>What does not agree, where, and what to do about it.</summary>
public sealed record VerificationFinding(string Account, string What, string Remedy);

/// <summary>
/// <see cref="Findings"/> lists the first of them; <see cref="FindingCount"/> counts all. Of <see cref="Compacted"/> accounts only what
/// came after their checkpoints could be compared one by one; <see cref="Entries"/> and <see cref="Records"/> are those.
/// </summary>
public sealed record VerificationReport(long Accounts, long Compacted, long Entries, long Records,
    IReadOnlyList<VerificationFinding> Findings, long FindingCount)
{
    public bool Holds => FindingCount == 0;

    /// <summary>Entries of audit trails that were looked at, and how many of them are from before there was a chain.</summary>
    public long Audited { get; init; }
    public long Unlinked { get; init; }

    /// <summary>Accounts whose records and reports could not be compared, since an erasure was being carried out.</summary>
    public long Erasing { get; init; }

    /// <summary>When the seal was made with which the trails were compared; null where they were compared with none.</summary>
    public Instant? SealedAt { get; init; }
}

public static class Verification
{
    /// <summary>More findings than this are counted, not listed.</summary>
    const int MostFindings = 1000;

    const int PerRead = 500;

    /// <summary>An account that moves on while it is read is read again, but not for ever.</summary>
    const int MostAttempts = 10;

    const string RestoreBackup =
        "the journal itself is damaged: restore the newest backup into a new ledger, and have the callers repeat what came after it";
    const string DeleteSnapshots =
        "delete all rows of the table `snapshots` and restart the hosts; snapshots only save work and are made again";
    const string RestoreJournal =
        "what reports and retries read differs from the journal, which is right: make a backup and restore it into a new ledger";

    const string FindWho =
        "somebody changed what was decided, and not by way of the service: restore the newest backup from before into a new ledger, and "
            + "find out who could write to this one";

    const string Rebuild = "rollups differ from the journal, which is right: run `./run rebuild`";

    const string PutCatalogue = "put the catalogue again (PUT /v1/prices/catalogue), or go back to the built-in one with a DELETE";

    static readonly UsageKey[] ofAccounts = [UsageKey.Account, UsageKey.Outcome];

    /// <summary>What rollups over all accounts are kept by.</summary>
    static readonly UsageKey[][] ofAll =
    [
        [UsageKey.Outcome], [UsageKey.Provider, UsageKey.Model], [UsageKey.User], [UsageKey.Orchestrator], [UsageKey.Tenant],
            [UsageKey.Tool],
        [UsageKey.User, UsageKey.Provider, UsageKey.Model],
    ];

    /// <summary>What rollups are kept by; sessions besides are read from the records.</summary>
    static readonly UsageKey[] rolledUp =
        [UsageKey.Account, UsageKey.Orchestrator, UsageKey.User, UsageKey.Tenant, UsageKey.Provider, UsageKey.Model, UsageKey.Tool,
            UsageKey.Outcome];

    /// <summary>
    /// Compares snapshots, closed holds, records and the sums of reports with the journal, which begins with the checkpoint where entries
    /// were compacted. Hosts may run meanwhile: an account that moves on is read again.
    /// </summary>
    /// <param name="seal">Where the audit trails stood once; they must go on from there.</param>
    public static async Task<VerificationReport> RunAsync(IStore ledger, Action<long>? progress = null,
        AuditSeal? seal = null, CancellationToken cancellation = default)
    {
        var findings = new List<VerificationFinding>();
        var listed = new HashSet<string>(StringComparer.Ordinal);
        var (compacted, entries, records, count, audited, unlinked, erasing) = (0L, 0L, 0L, 0L, 0L, 0L, 0L);
        Add(await CatalogueAsync(ledger));
        string? cursor = null;
        do
        {
            var page = await ledger.AccountsAsync(null, cursor, PerRead, cancellation);
            foreach (var account in page.Items)
            {
                var one = await AccountAsync(ledger, account, HeadOf(seal, account), cancellation);
                if (one.From is not null) compacted++;
                entries += one.Entries;
                records += one.Booked.Count;
                audited += one.Trail?.Entries ?? 0;
                unlinked += one.Trail?.Unlinked ?? 0;
                if (one.IsErasing) erasing++;
                Add(one.Findings);
                listed.Add(account);
                progress?.Invoke(listed.Count);
            }
            cursor = page.Next;
        }
        while (cursor is not null);

        foreach (var sum in await ledger.SumAsync(new(), [UsageKey.Account], UsageStep.Whole, cancellation))
            if (sum.Keys[0] is { } account && !listed.Contains(account) && await ledger.LoadCheckpointAsync(account) is null
                && (await ledger.ReadJournalAsync(account, 0, 1)).Count == 0)
                Add([new(account, $"{sum.Records} usage records are stored of an account without a journal", RestoreBackup)]);
        Add(await AllAccountsAsync(ledger, cancellation));
        foreach (var account in seal?.Heads.Keys ?? [])
            if (!listed.Contains(account)) Add([new(account, "is in the seal, and is not there any more", FindWho)]);
        return new(listed.Count, compacted, entries, records, findings, count)
        {
            Audited = audited, Unlinked = unlinked, Erasing = erasing, SealedAt = seal?.At,
        };

        void Add(IReadOnlyList<VerificationFinding> found)
        {
            count += found.Count;
            findings.AddRange(found.Take(MostFindings - findings.Count));
        }
    }

    /// <summary>No account can have these names.</summary>
    const string OfSettings = "(settings)", OfAll = "(all accounts)";

    static async Task<IReadOnlyList<VerificationFinding>> CatalogueAsync(IStore ledger)
    {
        try
        {
            await new CatalogueShelf(ledger.LoadCatalogueAsync).SettingsOfAsync(await ledger.LoadSettingsAsync(), false);
            return [];
        }
        catch (LedgerUnavailableException e) when (e.InnerException is null or PriceRefusedException)
        {
            return [new(OfSettings, e.Message, PutCatalogue)];
        }
    }

    /// <summary>
    /// Rollups over all accounts against those of the accounts, some weeks at a time. What differs because somebody booked between the two
    /// reads differs otherwise the next time.
    /// </summary>
    static async Task<IReadOnlyList<VerificationFinding>> AllAccountsAsync(IStore ledger, CancellationToken cancellation)
    {
        var findings = new List<VerificationFinding>();
        var days = (await ledger.SumAsync(new(), [], UsageStep.Day, cancellation)).Select(sum => sum.Start!.Value).Distinct().Order()
            .ToArray();
        for (var i = 0; i < days.Length;)
        {
            var filter = new UsageFilter { From = days[i], To = days[i] + Duration.FromDays(28) };
            while (i < days.Length && days[i] < filter.To) i++;
            foreach (var by in ofAll)
                foreach (var step in (UsageStep[])[UsageStep.Hour, UsageStep.Day])
                {
                    HashSet<string>? lasting = null;
                    for (var attempt = 1; lasting is not { Count: 0 } && attempt <= MostAttempts; attempt++)
                    {
                        var answers = await ledger.AskAsync(
                            [new(filter, [UsageKey.Account, .. by], step), new(filter, by, step)], cancellation);
                        var expected = Added(answers.Items[0].Sums, 1);
                        var differing = Added(answers.Items[1].Sums, 0);
                        differing.SymmetricExceptWith(expected);
                        if (lasting is null) lasting = differing;
                        else lasting.IntersectWith(differing);
                    }
                    if (lasting!.Count > 0)
                        findings.Add(
                            new(OfAll,
                                $"reports over all accounts by {string.Join(" and ", by.Select(key => key.Name))} count otherwise than "
                                    + $"the accounts do: {lasting.Min()}", Rebuild));
                }
        }
        return findings;
    }

    /// <summary>Sums without the first of their keys, a line each.</summary>
    static HashSet<string> Added(IReadOnlyList<UsageSum> sums, int leftOut)
    {
        var added = new Dictionary<string, RollupSums>(StringComparer.Ordinal);
        foreach (var sum in sums)
        {
            var name = NameOf(sum.Keys.Skip(leftOut), sum.Start!.Value, sum.Currency);
            if (!added.TryGetValue(name, out var known)) added[name] = known = new();
            known.Add(sum);
        }
        return [.. added.Select(one => $"{Total.Of(one.Value)} for {one.Key}")];
    }

    static AuditHead? HeadOf(AuditSeal? seal, string account) =>
        seal is not null && seal.Heads.TryGetValue(account, out var head) ? head : null;

    static async Task<Replay> AccountAsync(IStore ledger, string account, AuditHead? head, CancellationToken cancellation)
    {
        // An account may never stand still. What is found each time is a finding; what merely moved on differs from time to time.
        HashSet<VerificationFinding>? lasting = null;
        for (var attempt = 1; ; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            var replay = new Replay(account) { IsErasing = await ledger.IsErasingAsync(account) };
            try
            {
                if (!await ReadableAsync(replay, "the journal", RestoreBackup, () => replay.ReadAsync(ledger, cancellation))) return replay;
            }
            catch (CompactedJournalException) when (attempt < MostAttempts)
            {
                // It was compacted while it was read.
                continue;
            }
            await CompareHeadAsync(ledger, replay);
            await ReadableAsync(replay, "the audit trail", FindWho, () => CompareTrailAsync(ledger, replay, head, cancellation));
            await ReadableAsync(replay, "the snapshot", DeleteSnapshots, () => CompareStateAsync(ledger, replay));
            await ReadableAsync(replay, "a closed reservation", RestoreJournal, () => CompareHoldsAsync(ledger, replay));
            if (!replay.IsErasing)
            {
                await ReadableAsync(replay, "a usage record", RestoreJournal, () => CompareRecordsAsync(ledger, replay, cancellation));
                await CompareSumsAsync(ledger, replay, cancellation);
            }
            if (replay.Findings.Count == 0) return replay;
            if (lasting is null) lasting = [.. replay.Findings];
            else lasting.IntersectWith(replay.Findings);
            // What differs because the account moved on, or because upkeep deleted or erased records while it was read, is not a finding:
            // what is one is found again while nothing is appended.
            if (attempt < MostAttempts
                && (attempt == 1 || (await ledger.ReadJournalAsync(account, replay.State.Version, 1)).Count > 0)) continue;
            replay.Findings.RemoveAll(finding => !lasting.Contains(finding));
            return replay;
        }
    }

    /// <summary>False, and a finding, where what is stored can not be understood.</summary>
    static async Task<bool> ReadableAsync(Replay replay, string what, string remedy, Func<Task> read)
    {
        try
        {
            await read();
            return true;
        }
        catch (Exception e) when (
            e is InvalidDataException or JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            replay.Found($"{what} can not be read: {e.Message}", remedy);
            return false;
        }
    }

    /// <summary>What one account's journal says.</summary>
    sealed class Replay(string account)
    {
        public string Account => account;

        /// <summary>The checkpoint that the journal begins with; null where it begins with its first entry.</summary>
        public Checkpoint? From { get; private set; }
        public List<CompactedUsage> Compacted { get; } = [];
        public BudgetState State => fold.State;
        JournalFold fold = new(account);
        public Dictionary<string, UsageRecord> Booked { get; } = new(StringComparer.Ordinal);
        public HashSet<string> Closed { get; } = new(StringComparer.Ordinal);
        public List<VerificationFinding> Findings { get; } = [];
        public long Entries { get; private set; }

        public AuditWalk? Trail { get; set; }

        /// <summary>Records and what is added up from them are between what was and what was asked for: they are not compared.</summary>
        public bool IsErasing { get; init; }

        /// <summary>False where some are gone by their age: only rollups have them.</summary>
        public bool HasAllRecords { get; set; } = true;

        public void Found(string what, string remedy) => Findings.Add(new(account, what, remedy));

        public async Task ReadAsync(IStore ledger, CancellationToken cancellation)
        {
            From = await ledger.LoadCheckpointAsync(account);
            fold = JournalFold.After(account, From);
            if (From is not null)
            {
                Compacted.AddRange(From.Usage);
                HasAllRecords = false;
            }
            await foreach (var entry in JournalFold.EntriesAsync(ledger, account, State.Version))
            {
                cancellation.ThrowIfCancellationRequested();
                foreach (var hold in fold.Take(entry, happened => Look(happened, entry.Version))) Closed.Add(hold.Id);
                Entries++;
            }
        }

        void Look(BudgetEvent happened, long version)
        {
            if (happened.At < State.LastAt) Found($"time runs backwards in entry {version}", RestoreBackup);
            if (happened is UsageErased erased)
            {
                var left = Compacted.Select(usage => usage.LeftBy(erased)).OfType<CompactedUsage>().ToArray();
                Compacted.Clear();
                Compacted.AddRange(left);
                foreach (var record in Booked.Values.ToArray())
                    if (erased.LeftOf(record) is { } stays) Booked[record.Id] = stays;
                    else Booked.Remove(record.Id);
            }
            if (Append.RecordOf(happened) is { } booked && !Booked.TryAdd(booked.Id, booked))
                Found($"usage '{booked.Id}' is in the journal twice", RestoreBackup);
        }
    }

    /// <summary>The version that the next append is fenced by must be that of the last entry, or nothing can be written any more.</summary>
    static async Task CompareHeadAsync(IStore ledger, Replay replay)
    {
        var confirmed = (await ledger.AppendAsync([new(replay.Account, replay.State.Version, [])]))[0];
        if (confirmed.Status != AppendStatus.Written)
            replay.Found($"the journal ends at entry {replay.State.Version}, the account stands at {confirmed.Version}", RestoreBackup);
    }

    /// <summary>The chain of the audit trail must hold, end where the state says, and go through what was sealed.</summary>
    static async Task CompareTrailAsync(IStore ledger, Replay replay, AuditHead? head, CancellationToken cancellation)
    {
        var walk = await AuditChain.WalkAsync(ledger, replay.Account, head is { } known ? [known.Version] : [], cancellation);
        replay.Trail = walk;
        foreach (var broken in walk.Breaks) replay.Found(broken, FindWho);
        if (walk.Link != replay.State.AuditLink)
            replay.Found("the audit trail does not end with the entry that the journal ends it with", FindWho);
        if (head is { } wanted && walk.Asked.GetValueOrDefault(wanted.Version) != wanted.Link)
            replay.Found($"entry {wanted.Version} of the audit trail is not the one that was sealed: what was decided was written anew, or "
                + "is missing", FindWho);
    }

    /// <summary>A snapshot with the tail after it must give what the whole journal gives.</summary>
    static async Task CompareStateAsync(IStore ledger, Replay replay)
    {
        var loaded = await LoadAsync(ledger, replay.Account);
        if (loaded.Version != replay.State.Version)
        {
            replay.Found($"snapshot and tail end at version {loaded.Version}, the journal at {replay.State.Version}", DeleteSnapshots);
            return;
        }
        // A copy, for the state is still needed as it is.
        var whole = LedgerJson.DecodeState(LedgerJson.EncodeState(replay.State));
        whole.Index();
        foreach (var state in new[] { loaded, whole })
        {
            state.TakeClosed();
            state.Forget(Instant.MaxValue);
        }
        var (expected, found) = (Canonical(whole), Canonical(loaded));
        foreach (var member in expected.Select(one => one.Key).Union(found.Select(one => one.Key)))
            if (!JsonNode.DeepEquals(expected[member], found[member]))
                replay.Found($"`{member}` is {Shown(found[member])} from the snapshot and {Shown(expected[member])} from the journal",
                    DeleteSnapshots);
    }

    /// <summary>An account as its snapshot, the counters beside that and the tail give it.</summary>
    static async Task<BudgetState> LoadAsync(IStore ledger, string account)
    {
        while (true)
        {
            var stored = await ledger.LoadAsync(account);
            var fold = JournalFold.After(account, stored);
            var loaded = fold.State;
            var isOfOne = true;
            // Counters that left memory belong to the state; those that are in it already are newer.
            for (var last = CounterName.First; loaded.Away.Count > 0 && isOfOne;)
            {
                var (version, kept) = await ledger.ReadCountersAsync(account, last, loaded.LastAt, PerRead);
                isOfOne = version == stored.SnapshotVersion;
                if (kept.Count == 0) break;
                foreach (var one in kept)
                    if (loaded.Away.Contains(one.Name.No)) CounterMemory.Return(loaded, one.Name, LedgerJson.DecodeCounter(one.Json.Span));
                last = kept[^1].Name;
            }
            // A host that serves the account kept another snapshot meanwhile.
            if (!isOfOne) continue;
            loaded.Away.Clear();
            foreach (var entry in stored.Tail) fold.Take(entry);
            return loaded;
        }
    }

    static string Shown(JsonNode? node) => node?.ToJsonString() is { } text ? text.Length <= 300 ? text : text[..300] + "…" : "nothing";

    /// <summary>The state with everything that is empty or ended left out, which may differ without a difference in meaning.</summary>
    static JsonObject Canonical(BudgetState state)
    {
        foreach (var limit in state.Limits)
            foreach (var (key, counter) in limit.Counters)
            {
                counter.Slots.RemoveAll(slot => slot.Span.End <= state.LastAt || (slot.Settled == 0 && slot.Held == 0));
                counter.Slots.Sort((a, b) => a.Span.Start.CompareTo(b.Span.Start));
                // Of a session that is over nothing is said any more, however long its counter stays in memory.
                if (limit.Limit.Window.Kind == WindowKind.Session && counter.Find(counter.AnnouncedIn) is null)
                    (counter.Announced, counter.AnnouncedIn, counter.AnnouncedOf, counter.Arming) = (null, default, null, 0);
                if (counter.Slots.Count == 0) limit.Counters.Remove(key);
            }
        // Snapshots from before it was kept have the unit of the limit as it is.
        for (var i = 0; i < state.Overrides.Count; i++) state.Overrides[i] = state.Overrides[i] with { Unit = null };
        return JsonNode.Parse(LedgerJson.EncodeState(state))!.AsObject();
    }

    /// <summary>Closed holds are what retries and late settlements are answered from.</summary>
    static async Task CompareHoldsAsync(IStore ledger, Replay replay)
    {
        foreach (var ids in replay.Closed.Chunk(PerRead))
        {
            var stored = (await ledger.RecallAsync(replay.Account, ids, [])).Holds;
            foreach (var id in ids)
                if (!stored.TryGetValue(id, out var hold))
                    replay.Found($"reservation '{id}' is closed in the journal and not stored", RestoreJournal);
                else if (!LedgerJson.EncodeHold(hold).AsSpan().SequenceEqual(LedgerJson.EncodeHold(replay.State.Holds[id])))
                    replay.Found($"reservation '{id}' is stored otherwise than in the journal", RestoreJournal);
        }
    }

    static async Task CompareRecordsAsync(IStore ledger, Replay replay, CancellationToken cancellation)
    {
        var missing = new HashSet<string>(replay.Booked.Keys, StringComparer.Ordinal);
        await foreach (var record in ledger.ReadUsageAsync(replay.Account, Instant.FromUnixTimeMilliseconds(0)))
            if (!replay.Booked.TryGetValue(record.Id, out var expected))
            {
                // Those of compacted entries may still be there.
                if (!(record.BookedAt <= replay.From?.At))
                    replay.Found($"usage '{record.Id}' is stored and not in the journal", RestoreJournal);
            }
            else if (!missing.Remove(record.Id)) replay.Found($"usage '{record.Id}' is stored twice", RestoreJournal);
            else if (!LedgerJson.EncodeRecord(record).AsSpan().SequenceEqual(LedgerJson.EncodeRecord(expected)))
                replay.Found($"usage '{record.Id}' is stored otherwise than in the journal", RestoreJournal);
        var keptSince = await ledger.KeptSinceAsync(cancellation);
        missing.RemoveWhere(id => replay.Booked[id].BookedAt < keptSince);
        replay.HasAllRecords &= replay.Booked.Values.All(record => keptSince is null || record.BookedAt >= keptSince);
        foreach (var id in missing) replay.Found($"usage '{id}' is in the journal and not stored", RestoreJournal);
    }

    /// <summary>What reports are added up from: rollups of every level, and records where a dimension asks for them.</summary>
    static async Task CompareSumsAsync(IStore ledger, Replay replay, CancellationToken cancellation)
    {
        // What is wrong in one is wrong in most of the others: told once.
        var found = replay.Findings.Count;
        foreach (var by in (UsageKey[][])[rolledUp, ofAccounts, .. ofAll.Select(by => (UsageKey[])[UsageKey.Account, .. by])])
            // Sums over all of time read weeks.
            foreach (var step in (UsageStep[])[UsageStep.Quarter, UsageStep.Hour, UsageStep.Day, UsageStep.Whole])
                if (replay.Findings.Count == found)
                    await CompareSumsAsync(ledger, replay, by, step, Rebuild, cancellation);
        if (replay.Findings.Count == found && replay.HasAllRecords)
            await CompareSumsAsync(ledger, replay, [.. rolledUp, UsageKey.Session], UsageStep.Quarter, RestoreJournal, cancellation);
    }

    static async Task CompareSumsAsync(
        IStore ledger, Replay replay, IReadOnlyList<UsageKey> by, UsageStep step, string remedy, CancellationToken cancellation)
    {
        var expected = new Dictionary<string, RollupSums>(StringComparer.Ordinal);
        foreach (var record in replay.Booked.Values)
        {
            var start = StartOf(record.At.ToUnixTimeMilliseconds());
            foreach (var keys in record.GroupsOf(replay.Account, by))
                SumsOf(keys, start, record.Currency).Add(record.Figures());
        }
        foreach (var (at, key, gain) in replay.Compacted)
        {
            var start = StartOf(at);
            foreach (var keys in key.GroupsOf(by)) SumsOf(keys, start, key.Currency).Add(gain.Sums);
        }
        foreach (var sum in await ledger.SumAsync(new() { Account = replay.Account }, by, step, cancellation))
        {
            var name = NameOf(sum.Keys.Skip(1), sum.Start, sum.Currency);
            var found = new Total(sum.Records, sum.InputTokens, sum.OutputTokens, sum.Requests, sum.FailedRequests, sum.CostNanos,
                sum.DurationMs);
            if (!expected.Remove(name, out var sums)) replay.Found($"reports count {found} for {name}, the journal nothing", remedy);
            else if (found != Total.Of(sums)) replay.Found($"reports count {found} for {name}, the journal {Total.Of(sums)}", remedy);
            else if (!sum.Durations.Counts.SequenceEqual(sums.Durations.Counts))
                replay.Found($"the durations in reports for {name} are not those of the journal", remedy);
        }
        foreach (var (name, sums) in expected) replay.Found($"reports count nothing for {name}, the journal {Total.Of(sums)}", remedy);

        Instant? StartOf(long millis) => step == UsageStep.Whole ? null
            : Instant.FromUnixTimeMilliseconds(RollupPlan.Floor(millis, RollupPlan.MillisOf(step)));

        RollupSums SumsOf(string?[] keys, Instant? start, string currency)
        {
            var name = NameOf(keys.Skip(1), start, currency);
            if (!expected.TryGetValue(name, out var sums)) expected[name] = sums = new();
            return sums;
        }
    }

    readonly record struct Total(Int128 Records, Int128 Input, Int128 Output, Int128 Requests, Int128 Failed, Int128 CostNanos,
        Int128 DurationMs)
    {
        public static Total Of(RollupSums sums) =>
            new(sums.Records, sums.InputTokens, sums.OutputTokens, sums.Requests, sums.FailedRequests, sums.CostNanos, sums.DurationMs);

        public override string ToString() =>
            $"{Records} records, {Input} input and {Output} output tokens, {Requests} requests ({Failed} failed), {CostNanos} nanos, "
                + $"{DurationMs} ms";
    }

    static string NameOf(IEnumerable<string?> keys, Instant? start, string currency) =>
        new JsonArray([.. keys.Select(key => (JsonNode?)key), start?.ToString(), currency]).ToJsonString();
}
