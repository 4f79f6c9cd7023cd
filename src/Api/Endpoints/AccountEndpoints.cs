// Accounts: list, status, pause and resume, sessions.
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AccountEndpoints(IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock)
{
    const int UsualPage = 100;
    const int LargestPage = 1000;
    const int TopModels = 5;
    static readonly Duration recent = Duration.FromDays(30);

    public static readonly IReadOnlyList<Parameter> ListParameters =
        [new("search", "only ids that contain this, ignoring case"), new("cursor", "`nextCursor` of the page before"),
            new("limit", $"1 to {LargestPage}, {UsualPage} if not said")];

    public static readonly IReadOnlyList<Parameter> StatusParameters =
        [new("cursor", "`nextCursor` of the page of limits before"),
            new("limit", $"limits on a page: 1 to {LargestPage}, {UsualPage} if not said")];

    public async Task List(HttpContext http)
    {
        var query = new Query(http, ListParameters);
        var (search, cursor, limit) = (query.Text("search"), query.Text("cursor"), query.Count("limit", UsualPage, LargestPage));
        var (seen, next) = await SeenAsync(http, search, cursor, limit);
        var found = new AccountsDocument([.. seen.Select(account => new AccountDocument(account))], next);
        await Reply.JsonAsync(http, 200, found, ApiJson.Default.AccountsDocument);
    }

    /// <summary>
    /// Accounts that the caller may see. Pages without any are passed over, so many at a time: where the answer has none and a cursor,
    /// there
    /// may be some behind it.
    /// </summary>
    async Task<(List<string> Accounts, string? Next)> SeenAsync(HttpContext http, string? search, string? cursor, int limit)
    {
        var caller = Access.Caller.Of(http);
        var seen = new List<string>();
        for (var pages = 0; pages < MostPagesPassedOver; pages++)
        {
            var page = await UsageEndpoints.WithCursor(() => queries.AccountsAsync(search, cursor, limit, http.RequestAborted));
            seen.AddRange(page.Items.Where(caller.Sees));
            cursor = page.Next;
            if (cursor is null || seen.Count > 0) break;
        }
        return (seen, cursor);
    }

    const int MostPagesPassedOver = 50;

    public Task Status(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, StatusParameters);
        return AnswerStatus(http, account, new GetStatus(query.Text("cursor"), query.Count("limit", UsualPage, LargestPage)));
    }

    public async Task Pause(HttpContext http)
    {
        var account = PathValue.Account(http);
        var body = await Body.ReadOptionalAsync(http, ApiJson.Default.PauseDocument);
        await AnswerStatus(http, account, new Pause(body?.Reason, body?.By));
    }

    public async Task Resume(HttpContext http)
    {
        var account = PathValue.Account(http);
        var body = await Body.ReadOptionalAsync(http, ApiJson.Default.PauseDocument);
        await AnswerStatus(http, account, new Resume(body?.By, body?.Reason));
    }

    async Task AnswerStatus(HttpContext http, string account, BudgetCommand command)
    {
        var outcome = await authority.SendAsync(account, command);
        if (outcome.Answer is not AccountStatus status)
        {
            await Problems.WriteAsync(http, outcome);
            return;
        }
        var to = clock.Until();
        var sums = await queries.SumAsync(new() { Account = account, From = to - recent, To = to }, [UsageKey.Model], UsageStep.Whole,
            http.RequestAborted);
        var total = new Tally();
        foreach (var sum in sums) total.Add(sum);
        var models = sums.GroupBy(sum => sum.Keys[0]).Select(group => (Model: group.Key, Tally: Tally.Of(group)))
            .OrderByDescending(model => model.Tally.Tokens).ThenBy(model => model.Model, StringComparer.Ordinal).Take(TopModels)
            .Select(model => new TopModelDocument(
                model.Model, Amount.Whole(model.Tally.Tokens), Amount.Whole(model.Tally.Requests), Money.Format(model.Tally.CostNanos),
                    model.Tally.PercentOf(total)));
        var breakdown = new UsageBreakdownDocument(
            Amount.Whole(total.InputTokens), Amount.Whole(total.OutputTokens), Amount.Whole(total.Tokens), Amount.Whole(total.Requests),
            Amount.Whole(total.FailedRequests), Money.Format(total.CostNanos));
        await Reply.JsonAsync(http, 200, new StatusDocument(status, breakdown, [.. models]), ApiJson.Default.StatusDocument);
    }

    public async Task CloseSession(HttpContext http)
    {
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
        var query = new Query(http, PageParameters);
        var (cursor, limit) = (query.Text("cursor"), query.Count("limit", UsualPage, LargestPage));
        var page = await queries.SessionsAsync(account, null, cursor, limit, http.RequestAborted);
        var now = clock.Now;
        await Reply.JsonAsync(http, 200, new SessionsDocument([.. page.Items.Select(use => SessionDocument.Of(use, now))], page.Next),
            ApiJson.Default.SessionsDocument);
    }

    public async Task Audit(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, PageParameters);
        var (cursor, limit) = (query.Text("cursor"), query.Count("limit", UsualPage, LargestPage));
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

    public static readonly IReadOnlyList<Parameter> PageParameters =
        [new("cursor", "`nextCursor` of the page before"), new("limit", $"1 to {LargestPage}, {UsualPage} if not said")];
}
