// Replays the journal of every account and compares it with everything that was derived from it.
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed record VerificationReport(long Accounts, long Entries, long Records, IReadOnlyList<string> Findings)
{
    public bool Holds => Findings.Count == 0;
}

public static class Verification
{
    /// <summary>More findings than this are counted, not listed.</summary>
    const int MostFindings = 1000;

    /// <summary>Compares counters, records and totals with the journal. Hosts may run meanwhile: an account that moves on is read again.</summary>
    public static async Task<VerificationReport> RunAsync(ILedger ledger, IUsageQueries queries, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        var findings = new List<string>();
        var (accounts, entries, records) = (0L, 0L, 0L);
        string? cursor = null;
        do
        {
            var page = await queries.AccountsAsync(null, cursor, 500, cancellation);
            foreach (var account in page.Items)
            {
                var one = await AccountAsync(ledger, queries, account, cancellation);
                entries += one.Entries;
                records += one.Records;
                findings.AddRange(one.Findings.Take(MostFindings - findings.Count));
                progress?.Invoke(++accounts);
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return new(accounts, entries, records, findings);
    }

    static async Task<(long Entries, long Records, IReadOnlyList<string> Findings)> AccountAsync(
        ILedger ledger, IUsageQueries queries, string account, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            var findings = new List<string>();
            var (replayed, booked) = await ReplayAsync(ledger, account, findings);
            var stored = await ledger.LoadAsync(account);
            CompareState(account, replayed, stored, findings);
            await CompareRecordsAsync(ledger, queries, account, booked, findings, cancellation);
            // What differs because the account moved on while it was read is not a finding.
            var moved = (await ledger.ReadJournalAsync(account, replayed.Version, 1)).Count > 0;
            if (findings.Count == 0 || !moved || attempt == 10) return (replayed.Version, booked.Count, findings);
        }
    }

    static async Task<(BudgetState State, Dictionary<string, UsageRecord> Booked)> ReplayAsync(ILedger ledger, string account, List<string> findings)
    {
        var state = new BudgetState(account);
        var booked = new Dictionary<string, UsageRecord>(StringComparer.Ordinal);
        while (await ledger.ReadJournalAsync(account, state.Version, 500) is { Count: > 0 } entries)
            foreach (var entry in entries)
            {
                if (entry.Version != state.Version + 1) findings.Add($"{account}: entry {entry.Version} follows entry {state.Version}");
                foreach (var happened in entry.Events)
                {
                    if (happened.At < state.LastAt) findings.Add($"{account}: time runs backwards in entry {entry.Version}");
                    Budget.Apply(state, happened);
                    if (Append.RecordOf(happened) is { } record && !booked.TryAdd(record.Id, record)) findings.Add($"{account}: usage '{record.Id}' is in the journal twice");
                }
                state.Version = entry.Version;
                state.TakeClosed();
            }
        return (state, booked);
    }

    /// <summary>A snapshot with the tail after it must give what the whole journal gives.</summary>
    static void CompareState(string account, BudgetState replayed, StoredBudget stored, List<string> findings)
    {
        var loaded = stored.SnapshotVersion > 0 ? LedgerJson.DecodeState(stored.Snapshot.Span) : new BudgetState(account);
        loaded.Index();
        foreach (var entry in stored.Tail)
        {
            foreach (var happened in entry.Events) Budget.Apply(loaded, happened);
            loaded.Version = entry.Version;
        }
        if (loaded.Version != replayed.Version)
        {
            findings.Add($"{account}: snapshot and tail end at version {loaded.Version}, the journal at {replayed.Version}");
            return;
        }
        foreach (var state in new[] { loaded, replayed })
        {
            state.TakeClosed();
            state.Forget(Instant.MaxValue);
        }
        var (expected, found) = (Canonical(replayed), Canonical(loaded));
        foreach (var member in expected.Select(one => one.Key).Union(found.Select(one => one.Key)))
            if (!JsonNode.DeepEquals(expected[member], found[member]))
                findings.Add($"{account}: `{member}` is {Shown(found[member])} from the snapshot and {Shown(expected[member])} from the journal");
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
                if (counter.Slots.Count == 0) limit.Counters.Remove(key);
            }
        return JsonNode.Parse(LedgerJson.EncodeState(state))!.AsObject();
    }

    static async Task CompareRecordsAsync(
        ILedger ledger, IUsageQueries queries, string account, Dictionary<string, UsageRecord> booked, List<string> findings, CancellationToken cancellation)
    {
        var missing = new HashSet<string>(booked.Keys, StringComparer.Ordinal);
        await foreach (var record in ledger.ReadUsageAsync(account, Instant.FromUnixTimeMilliseconds(0)))
        {
            if (!booked.TryGetValue(record.Id, out var expected)) findings.Add($"{account}: usage '{record.Id}' is stored and not in the journal");
            else if (expected.Amounts != record.Amounts || expected.At != record.At) findings.Add($"{account}: usage '{record.Id}' differs from the journal");
            if (!missing.Remove(record.Id) && booked.ContainsKey(record.Id)) findings.Add($"{account}: usage '{record.Id}' is stored twice");
        }
        foreach (var id in missing) findings.Add($"{account}: usage '{id}' is in the journal and not stored");

        var sums = await queries.SumAsync(new() { Account = account }, [], perQuarterHour: false, cancellation);
        foreach (var currency in booked.Values.Select(record => record.Currency).Union(sums.Select(sum => sum.Currency)))
        {
            var sum = sums.FirstOrDefault(one => one.Currency == currency);
            var expected = booked.Values.Where(record => record.Currency == currency).Aggregate(
                (Input: (Int128)0, Output: (Int128)0, Requests: (Int128)0, Cost: (Int128)0),
                (total, record) => (total.Input + record.Amounts.InputTokens, total.Output + record.Amounts.OutputTokens,
                    total.Requests + record.Amounts.Requests, total.Cost + record.Amounts.CostNanos));
            var found = (sum?.InputTokens ?? 0, sum?.OutputTokens ?? 0, sum?.Requests ?? 0, sum?.CostNanos ?? 0);
            if (expected != found) findings.Add($"{account}: the totals in {currency} are {found}, the journal says {expected}");
        }
    }
}
