// Usage without a hold: booked one by one or many at once, and listed.
using System.Globalization;
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class UsageEndpoints(IBudgetAuthority authority, IUsageQueries queries, IUsageUpkeep? store)
{
    public const int MostItems = 1000;

    const string AnyOf = "exact value, or a glob with * and ?, which ignores case; repeated: any of them";

    /// <summary>The filters that every reading of usage takes.</summary>
    public static readonly IReadOnlyList<Parameter> Filters =
    [
        new("from", "the first instant, or the first day"), new("to", "the instant before which it ends, or the last day"),
        new("orchestrator", AnyOf), new("user", AnyOf), new("tenant", AnyOf), new("session", AnyOf), new("provider", AnyOf),
        new("model", AnyOf), new("tool", AnyOf), new("success", "true or false"),
        new("unpriced", "true: only what has no price, neither when it was booked nor since; false: only what has one"),
        new("unread", "true: only what came with counts that nobody read and was not corrected or taken back since"),
        new("disputed", "true: only what contradicts itself and was not corrected or taken back since"),
        new("id", AnyOf), new("requestId", AnyOf), new("reservationId", AnyOf),
        new(TagParameter + "NAME", "value of the tag NAME, or a glob; may be repeated, and be given for several tags"),
    ];

    /// <summary>Before the name of a tag.</summary>
    public const string TagParameter = "tags.";

    public static readonly IReadOnlyList<Parameter> ListParameters =
        [.. Filters, .. Paging.Parameters];

    public async Task Record(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var body = await Body.ReadOneOrManyAsync(http, ApiJson.Default.UsageDocument, MostItems);
        if (body.One is not { } one)
        {
            await RecordMany(http, account, body.Many);
            return;
        }
        var outcome = await authority.SendAsync(account, one.ToRecord(RequestId.Of(http, one.Id)));
        await (outcome is { Status: OutcomeStatus.Done, Answer: Settlement settlement }
            ? Reply.JsonAsync(http, 201, new SettlementDocument(settlement), ApiJson.Default.SettlementDocument)
                : Problems.WriteAsync(http, outcome));
    }

    async Task RecordMany(HttpContext http, string account, IReadOnlyList<Item<UsageDocument>> items)
    {
        var outcomes = new Outcome[items.Count];
        var (places, commands) = (new List<int>(items.Count), new List<BudgetCommand>(items.Count));
        for (var i = 0; i < items.Count; i++)
        {
            if (RecordOf(http, items[i], i, out outcomes[i]) is not { } record) continue;
            places.Add(i);
            commands.Add(record);
        }
        var decided = await authority.SendAllAsync(account, commands);
        for (var i = 0; i < places.Count; i++) outcomes[places[i]] = decided[i];
        if (outcomes.Length > 0 && outcomes.All(outcome => outcome.IsTransient))
        {
            await Problems.WriteAsync(http, outcomes[0]);
            return;
        }
        var results = outcomes.Select(outcome => outcome is { Status: OutcomeStatus.Done, Answer: Settlement settlement }
            ? (UsageResultDocument)new SettlementDocument(settlement) { Status = 201 } : Problems.Document(outcome));
        await Reply.JsonAsync(http, 201, new UsageResultsDocument([.. results]), ApiJson.Default.UsageResultsDocument);
    }

    /// <summary>The command of an item; null, and the outcome, where it is refused as it stands.</summary>
    static Record? RecordOf(HttpContext http, Item<UsageDocument> item, int index, out Outcome outcome)
    {
        outcome = item.Wrong!;
        if (item.Document is not { } usage) return null;
        try
        {
            var id = RequestId.Given(http, usage.Id, "-" + index.ToString(CultureInfo.InvariantCulture));
            return usage.ToRecord(id is null ? RequestId.Made() : new(id, Fresh: false));
        }
        catch (RequestRefusedException refused)
        {
            outcome = refused.Outcome;
            return null;
        }
    }

    public async Task List(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, ListParameters, TagParameter);
        var filter = (FilterOf(query, DateTimeZone.Utc) with { Account = account }).ByNamesOf((await authority.SettingsAsync()).Prices);
        var (cursor, limit) = Paging.Of(query);
        var page = await WithCursor(() => queries.FindAsync(filter, cursor, limit, http.RequestAborted));
        if (page.Items.Count == 0 && await authority.SendAsync(account, new GetPolicy())
            is { Status: OutcomeStatus.UnknownAccount } unknown)
        {
            await Problems.WriteAsync(http, unknown);
            return;
        }
        var found = new RecordsDocument([.. page.Items.Select(booked => new RecordDocument(booked))], page.Next);
        await Reply.JsonAsync(http, 200, found, ApiJson.Default.RecordsDocument);
    }

    public static readonly IReadOnlyList<Parameter> ListAllParameters =
        [new("account", "an account, or a glob; repeated: any of them; all of them if not said"), .. ListParameters];

    /// <summary>Records over all accounts.</summary>
    public async Task ListAll(HttpContext http)
    {
        var query = new Query(http, ListAllParameters, TagParameter);
        var filter = (await Access.SeenAccounts.OfAsync(http, query, queries, FilterOf(query, DateTimeZone.Utc)))
            .ByNamesOf((await authority.SettingsAsync()).Prices);
        var (cursor, limit) = Paging.Of(query);
        var page = await WithCursor(() => queries.FindAsync(filter, cursor, limit, http.RequestAborted));
        var found = new RecordsDocument([.. page.Items.Select(booked => new RecordDocument(booked))], page.Next);
        await Reply.JsonAsync(http, 200, found, ApiJson.Default.RecordsDocument);
    }

    /// <summary>
    /// The journal says first that it is to be erased. Where the ledger is at hand it is done before the answer; elsewhere the silos do it
    /// in a moment. Whoever dies between finds it in the journal.
    /// </summary>
    public async Task Erase(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, EraseParameters);
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        var anonymizes = query.Text("mode") switch
        {
            null or "erase" => false,
            "anonymize" => true,
            _ => throw RequestRefusedException.Invalid("mode", "must be erase, which it is if not said, or anonymize"),
        };
        var outcome = await authority.SendAsync(account,
            new EraseUsage(query.Text("user"), by, query.Text("reason")) { KeyId = key, Anonymizes = anonymizes });
        if (outcome.Status != OutcomeStatus.Done)
        {
            await Problems.WriteAsync(http, outcome);
            return;
        }
        while (store is not null && await store.EraseNextAsync())
        {
        }
        await Reply.JsonAsync(http, 200, new ErasureDocument(account, query.Text("user"), store is not null, anonymizes ? "anonymize" : "erase"),
            ApiJson.Default.ErasureDocument);
    }

    public static readonly IReadOnlyList<Parameter> EraseParameters =
        [new("user", "only the records of this user"), new("mode", "erase, which it is if not said: the records go; anonymize: their amounts "
            + "stay in every report, without user, session, tags and free text"), new("by", "who erases, for the audit trail; the key's name if not said"),
            new("reason", "why, for the audit trail")];

    public static UsageFilter FilterOf(Query query, DateTimeZone zone, Core.Calendar? calendar = null)
    {
        var filter = new UsageFilter
        {
            Orchestrator = query.Wanted("orchestrator"),
            User = query.Wanted("user"),
            Tenant = query.Wanted("tenant"),
            Session = query.Wanted("session"),
            Provider = query.Wanted("provider"),
            Model = query.Wanted("model"),
            Tool = query.Wanted("tool"),
            Success = query.Flag("success"),
            Unpriced = query.Flag("unpriced"),
            Unread = query.Flag("unread"),
            Disputed = query.Flag("disputed"),
            Tags = query.Prefixed(TagParameter),
            Id = query.Wanted("id"),
            RequestId = query.Wanted("requestId"),
            ReservationId = query.Wanted("reservationId"),
            From = query.Time("from", zone, calendar: calendar),
            To = query.Time("to", zone, isEnd: true, calendar),
        };
        return filter.From >= filter.To ? throw RequestRefusedException.Invalid("to", "must lie after `from`") : filter;
    }

    /// <summary>Runs a query whose cursor came from outside.</summary>
    public static async Task<Page<T>> WithCursor<T>(Func<Task<Page<T>>> query)
    {
        try
        {
            return await query();
        }
        catch (FormatException)
        {
            throw RequestRefusedException.Invalid("cursor", "is not one that this service gave");
        }
    }
}
