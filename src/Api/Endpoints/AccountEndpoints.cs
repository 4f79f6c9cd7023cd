// Accounts: list, status, pause and resume, sessions.
using NodaTime;
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AccountEndpoints(IBudgetAuthority authority, IUsageQueries queries, Overviews overviews, LedgerClock clock)
{
    /// <summary>So many accounts are looked at to find those with a status, or to order them.</summary>
    const int MostLookedAt = 1000;

    public static readonly IReadOnlyList<Parameter> ListParameters =
    [
        new("search", "only ids that contain this, ignoring case"),
        new("status", "only accounts whose status is one of these; repeated or separated by commas"),
        new("sort", $"`account`, which it is if not said, or `percent`: the worst limit first, of up to {MostLookedAt} accounts"),
        .. Paging.Parameters,
    ];

    public static readonly IReadOnlyList<Parameter> StatusParameters =
    [
        .. Paging.OfLimits,
        new("window", "the window of the account's calendar that the breakdown is of, such as month"),
        new("from", "instead of a window: the first instant or day of the breakdown"),
        new("to", "the instant before which it ends, or the last day"),
    ];

    public async Task List(HttpContext http)
    {
        var query = new Query(http, ListParameters);
        var (search, status, (cursor, limit)) = (query.Text("search"), query.Many("status"), Paging.Of(query));
        if (query.Text("sort") is not (null or "account" or "percent") and var sort)
            throw RequestRefusedException.Invalid("sort", $"must be account or percent, not {sort}");
        if (query.Text("sort") == "percent")
        {
            await ListWorst(http, search, status, limit);
            return;
        }
        var items = new List<AccountDocument>();
        // Those of a status may be few among many: they are looked for in more than a short page at a time.
        var atOnce = status.Count == 0 ? limit : Math.Max(limit, Paging.Usual);
        for (var looked = 0; ;)
        {
            var (seen, next) = await SeenAsync(http, search, cursor, atOnce);
            looked += seen.Count;
            foreach (var standing in await overviews.StandingsAsync(seen, http.RequestAborted))
            {
                if (items.Count == limit) break;
                cursor = standing.Account;
                if (status.Count == 0 || status.Contains(standing.Status)) items.Add(AccountDocument.Of(standing));
            }
            var isFull = items.Count == limit && seen is [.., var last] && cursor != last;
            if (!isFull) cursor = next;
            if (cursor is null || items.Count == limit || looked >= MostLookedAt) break;
        }
        await Reply.JsonAsync(http, 200, new AccountsDocument(items, cursor), ApiJson.Default.AccountsDocument);
    }

    /// <summary>The accounts nearest to their limits: all of them are looked at, so there must not be too many.</summary>
    async Task ListWorst(HttpContext http, string? search, IReadOnlyList<string> status, int limit)
    {
        // Their names first: who asks about too many is told before any of them is opened.
        var accounts = new List<string>();
        string? cursor = null;
        do
        {
            (var seen, cursor) = await SeenAsync(http, search, cursor, MostLookedAt);
            accounts.AddRange(seen);
            if (accounts.Count > MostLookedAt)
                throw RequestRefusedException.Unprocessable(
                    "sort", $"there are more than {MostLookedAt} accounts to order; narrow them down with `search`");
        }
        while (cursor is not null);
        var standings = new List<AccountStanding>();
        foreach (var some in accounts.Chunk(Paging.Usual)) standings.AddRange(await overviews.StandingsAsync(some, http.RequestAborted));
        var worst = standings.Where(one => status.Count == 0 || status.Contains(one.Status))
            .OrderByDescending(one => one.Worst?.PercentUsed ?? 0).ThenBy(one => one.Account, StringComparer.Ordinal).Take(limit);
        await Reply.JsonAsync(http, 200, new AccountsDocument([.. worst.Select(AccountDocument.Of)], null),
            ApiJson.Default.AccountsDocument);
    }

    /// <summary>Accounts that the caller may see, and the last of them where there are more.</summary>
    Task<Page<string>> SeenAsync(HttpContext http, string? search, string? cursor, int limit) => UsageEndpoints.WithCursor(() =>
        Access.AccountWalk.PageAsync(queries, Access.Caller.Of(http).Accounts, search, cursor, limit, http.RequestAborted));

    public Task Status(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, StatusParameters);
        var (cursor, limit) = Paging.Of(query);
        Window? window = null;
        if (query.Text("window") is { } name)
            window = Window.TryParse(name, out var parsed) && windows.Contains(name)
                ? parsed : throw RequestRefusedException.Invalid("window", $"must be one of {string.Join(", ", windows)}");
        var (from, to) = (query.Time("from", DateTimeZone.Utc), query.Time("to", DateTimeZone.Utc, isEnd: true));
        if (window is not null && (from ?? to) is not null)
            throw RequestRefusedException.Invalid("window", "give either `window`, or `from` and `to`");
        if (from >= to) throw RequestRefusedException.Invalid("to", "must lie after `from`");
        return AnswerStatus(http, account, new GetStatus(cursor, limit), window, from, to);
    }

    static readonly string[] windows = ["minute", "hour", "day", "week", "month", "quarter", "year"];

    public async Task Pause(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var body = await Body.ReadOptionalAsync(http, ApiJson.Default.PauseDocument);
        var (by, key) = Access.Actor.Of(http, body?.By);
        await AnswerStatus(http, account, new Pause(body?.Reason, by) { KeyId = key });
    }

    public async Task Resume(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var body = await Body.ReadOptionalAsync(http, ApiJson.Default.PauseDocument);
        var (by, key) = Access.Actor.Of(http, body?.By);
        await AnswerStatus(http, account, new Resume(by, body?.Reason) { KeyId = key });
    }

    async Task AnswerStatus(HttpContext http, string account, BudgetCommand command, Window? window = null, Instant? from = null,
        Instant? to = null)
    {
        var overview = await overviews.OfAsync(account, command, window, from, to, http.RequestAborted);
        await Reply.JsonAsync(http, 200, new StatusDocument(overview), ApiJson.Default.StatusDocument);
    }

    public async Task CloseSession(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var session = PathValue.Of(http, "session");
        await Body.ReadOptionalAsync(http, ApiJson.Default.NothingDocument);
        var outcome = await authority.SendAsync(account, new CloseSession(session));
        if (outcome.Status != OutcomeStatus.Done) await Problems.WriteAsync(http, outcome);
        else await Reply.JsonAsync(http, 200, await SessionAsync(http, account, session) ?? SessionDocument.Unused(session),
            ApiJson.Default.SessionDocument);
    }

    public async Task Session(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var session = PathValue.Of(http, "session");
        if (await SessionAsync(http, account, session) is { } found)
            await Reply.JsonAsync(http, 200, found, ApiJson.Default.SessionDocument);
        else await Problems.WriteAsync(http, Problems.NotFound, "session", $"no usage of a session '{session}' is booked in this account");
    }

    async Task<SessionDocument?> SessionAsync(HttpContext http, string account, string session) =>
        (await queries.SessionsAsync(account, session, null, 1, http.RequestAborted)).Items is [{ } use]
            ? SessionDocument.Of(use, clock.Now) : null;

    public async Task Sessions(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, Paging.Parameters);
        var (cursor, limit) = Paging.Of(query);
        var page = await queries.SessionsAsync(account, null, cursor, limit, http.RequestAborted);
        var now = clock.Now;
        await Reply.JsonAsync(http, 200, new SessionsDocument([.. page.Items.Select(use => SessionDocument.Of(use, now))], page.Next),
            ApiJson.Default.SessionsDocument);
    }

    public async Task Audit(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, Paging.Parameters);
        var (cursor, limit) = Paging.Of(query);
        var page = await UsageEndpoints.WithCursor(() => queries.AuditAsync(account, cursor, limit, http.RequestAborted));
        if (page.Items.Count == 0 && await authority.SendAsync(account, new GetPolicy())
            is { Status: OutcomeStatus.UnknownAccount } unknown)
        {
            await Problems.WriteAsync(http, unknown);
            return;
        }
        await Reply.JsonAsync(http, 200, new AuditDocument([.. page.Items.Select(item => new AuditItemDocument(item))], page.Next),
            ApiJson.Default.AuditDocument);
    }
}
