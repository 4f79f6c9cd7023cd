// The way of a call: check, reserve, extend, settle or release.
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ReservationEndpoints(IBudgetAuthority authority, Overviews overviews, LedgerClock clock)
{
    public static readonly IReadOnlyList<Parameter> ListAllParameters = [new("limit", $"1 to {Paging.Largest}, 100 if not said")];

    /// <summary>The open ones of an account.</summary>
    public async Task List(HttpContext http)
    {
        var account = PathValue.Account(http);
        var (cursor, limit) = Paging.Of(new Query(http, Paging.Parameters));
        var outcome = await authority.SendAsync(account, new GetStatus(PageSize: 1) { Holds = limit, HoldsAfter = cursor });
        if (outcome.Answer is AccountStatus { IsUnknown: false } status)
            await Reply.JsonAsync(http, 200, new OpenReservationsDocument
            {
                Items = [.. (status.Holds ?? []).Select(hold => new OpenReservationDocument(hold, clock.Now))],
                NextCursor = status.NextHold,
            }, ApiJson.Default.OpenReservationsDocument);
        else await Problems.WriteAsync(http, outcome.Answer is AccountStatus
            ? new Outcome(OutcomeStatus.UnknownAccount, null, "account", $"there is no account '{account}' yet") : outcome);
    }

    /// <summary>The open ones of every account that the caller sees.</summary>
    public async Task ListAll(HttpContext http)
    {
        var limit = new Query(http, ListAllParameters).Count("limit", 100, Paging.Largest);
        var found = await overviews.HoldsAsync(Access.Caller.Of(http).Sees, limit, http.RequestAborted);
        await Reply.JsonAsync(http, 200, new AllReservationsDocument
        {
            Items = [.. found.Items.Select(one => new OpenReservationDocument(one.Hold, clock.Now))], Complete = found.IsComplete,
        }, ApiJson.Default.AllReservationsDocument);
    }

    public async Task Check(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var estimate = await Body.ReadEstimateAsync(http);
        await AnswerDecision(http, 200, await authority.SendAsync(account, estimate.ToCheck()));
    }

    public async Task Reserve(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var estimate = await Body.ReadEstimateAsync(http);
        var outcome = await authority.SendAsync(account, estimate.ToReserve(RequestId.Of(http, estimate.Id)));
        if (outcome is { Status: OutcomeStatus.Done, Answer: Decision { Reservation: { } held } })
            http.Response.Headers.Location = $"/v1/accounts/{account}/reservations/{Uri.EscapeDataString(held.Id)}";
        await AnswerDecision(http, 201, outcome);
    }

    public async Task Extend(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var reservation = PathValue.Of(http, "reservation");
        var estimate = await Body.ReadAsync(http, ApiJson.Default.EstimateDocument);
        await AnswerDecision(
            http, 200, await authority.SendAsync(account, estimate.ToExtend(reservation, RequestId.Of(http, estimate.Id))));
    }

    public async Task Settle(HttpContext http)
    {
        var account = PathValue.Account(http);
        var reservation = PathValue.Of(http, "reservation");
        var outcome = await authority.SendAsync(account, await SettleOf(http, account, reservation));
        await (outcome is { Status: OutcomeStatus.Done, Answer: Settlement settlement }
            ? Reply.JsonAsync(http, 200, settlement, QuickAnswers.Write) : Problems.WriteAsync(http, outcome));
    }

    /// <summary>A body that nobody can book belongs to a call that was made: the hold is told so, and is charged when it runs
    /// out.</summary>
    async Task<Settle> SettleOf(HttpContext http, string account, string reservation)
    {
        try
        {
            Query.None(http);
            var usage = await Body.ReadSettlementAsync(http);
            return usage.ToSettle(reservation, RequestId.Given(http, usage.Id));
        }
        catch (RequestRefusedException refused) when (refused.Outcome.Status is OutcomeStatus.Invalid or OutcomeStatus.Unprocessable)
        {
            var detail = refused.Outcome.Detail is { Length: > Longest } longer ? longer[..Longest] : refused.Outcome.Detail;
            var told = await authority.SendAsync(account, new RefuseSettle(reservation, refused.Outcome.Field, detail));
            // What can not be written down now must be sent again: else the hold would go without being charged.
            if (told.IsTransient) throw new RequestRefusedException(told);
            throw;
        }
    }

    const int Longest = 500;

    public async Task Release(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var reservation = PathValue.Of(http, "reservation");
        await Body.ReadOptionalAsync(http, ApiJson.Default.NothingDocument);
        await AnswerReservation(http, await authority.SendAsync(account, new Release(reservation)));
    }

    public async Task Get(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        await AnswerReservation(http, await authority.SendAsync(account, new GetReservation(PathValue.Of(http, "reservation"))));
    }

    static Task AnswerDecision(HttpContext http, int status, Outcome outcome) =>
        outcome is { Status: OutcomeStatus.Done, Answer: Decision decision }
        ? Reply.JsonAsync(http, status, decision, QuickAnswers.Write) : Problems.WriteAsync(http, outcome);

    static Task AnswerReservation(HttpContext http, Outcome outcome) =>
        outcome is { Status: OutcomeStatus.Done, Answer: ReservationView view }
        ? Reply.JsonAsync(http, 200, view, QuickAnswers.Write) : Problems.WriteAsync(http, outcome);
}
