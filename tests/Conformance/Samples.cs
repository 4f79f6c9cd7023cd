// What the suites of the ledger write: small events and records that show what happened to them.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance;

public static class Samples
{
    public static readonly Instant Noon = Instant.FromUtc(2026, 3, 14, 12, 0);

    public static Append Appending(string account, long expectedVersion, params BudgetEvent[] events) =>
        new(account, expectedVersion, events) { At = Noon };

    public static Append Confirming(string account, long expectedVersion) => new(account, expectedVersion, []) { At = Noon };

    public static BudgetEvent Mark(string text) => new AccountPaused(text) { At = Noon };

    public static BudgetEvent Booked(UsageRecord record) => new Recorded(record, []) { At = Noon };

    /// <summary>The texts of the marks in entries, in order: which writes are there.</summary>
    public static IEnumerable<string?> Marks(IEnumerable<JournalEntry> entries) =>
        entries.SelectMany(entry => entry.Events).OfType<AccountPaused>().Select(paused => paused.Reason);

    public static UsageRecord NewRecord(string id, Instant? at = null, long input = 10, long output = 5, long cost = 1000) => new()
    {
        Id = id,
        At = at ?? Noon,
        BookedAt = at ?? Noon,
        Usage = new() { InputTokens = input, OutputTokens = output },
        Amounts = new(input + output, input, output, cost, 1),
    };

    /// <summary>A record with everything set, and with the false and zero values that a codec might take for defaults.</summary>
    public static UsageRecord FullRecord(string id) => new()
    {
        Id = id,
        Fingerprint = -77,
        ReservationId = "hold \"1\"",
        At = Noon,
        BookedAt = Noon + Duration.FromMilliseconds(1),
        Kind = RecordKind.Adjustment,
        Usage = new()
        {
            Dimensions = new()
            {
                Orchestrator = "o", User = "Zoë 🦊", Tenant = "t'; DROP TABLE usage; --", Session = "", Provider = "p", Model = "m:1",
                    Tool = "x",
                Tags = new() { ["__proto__"] = "{}", ["团队"] = "100%_\\" },
            },
            Timestamp = Noon,
            InputTokens = 1, OutputTokens = 2, Requests = 0, Success = false, Error = "\n\t\u0001", DurationMs = 0, RequestId = "r",
                Tools = ["a", "b"],
            ToolCallId = "c", CostNanos = 0, Metadata = """{"a":[1,null]}""", Raw = "{}", ServiceTier = "flex",
            Parts = new() { CachedInputTokens = 1, Queries = 0.1m, WebSearchContext = "high" },
        },
        Amounts = new(-3, -1, -2, -4, 0),
        Currency = "EUR",
        PriceVersion = "2026-01",
        ShownOutputTokens = -1,
        KeptByHold = true,
        Unpriced = true,
        Late = true,
        Overrun = true,
        Final = false,
    };

    /// <summary>The whole of a record as text: records hold lists, so their own equality is not enough.</summary>
    public static string Text(UsageRecord record) => System.Text.Encoding.UTF8.GetString(LedgerJson.EncodeRecord(record));

    public static string Text(Hold hold) => System.Text.Encoding.UTF8.GetString(LedgerJson.EncodeHold(hold));

    public static Hold ClosedHold(string id, long booked = 1) => new()
    {
        Id = id, State = ReservationState.Settled, SettledBy = "u" + booked, Booked = new(booked, booked, 0, 0, 1), RequestBooked = true,
        CreatedAt = Noon, ExpiresAt = Noon + Duration.FromMinutes(15), ClosedAt = Noon, Dimensions = new() { User = "Zoë" },
    };

    public static async Task<AppendResult> AppendAsync(this IStore ledger, Append append) => (await ledger.AppendAsync([append]))[0];

    /// <summary>Appends and insists that it was written.</summary>
    public static async Task WriteAsync(this IStore ledger, params Append[] batch)
    {
        foreach (var result in await ledger.AppendAsync(batch)) Assert.Equal(AppendStatus.Written, result.Status);
    }

    public static async Task<long> VersionAsync(this IStore ledger, string account)
    {
        var stored = await ledger.LoadAsync(account);
        return stored.Tail.Count > 0 ? stored.Tail[^1].Version : stored.SnapshotVersion;
    }

    public static async Task<List<T>> ToListAsync<T>(this IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items) list.Add(item);
        return list;
    }
}
