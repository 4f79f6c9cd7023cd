// Taking booked usage back, by a record of its own beside it: voids, corrections, credits.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AdjustmentEndpoints(IBudgetAuthority authority, IUsageQueries queries)
{
    public async Task Void(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.VoidDocument);
        var (by, key) = Access.Actor.Of(http, asked.By);
        await Answer(http, 200, account, new VoidUsage(PathValue.Of(http, "usage"), by ?? "", asked.Reason ?? "") { KeyId = key });
    }

    public async Task Credit(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.CreditDocument);
        await Answer(http, 201, account, asked.ToCredit(Access.Caller.Of(http), RequestId.Of(http, asked.Id)));
    }

    public async Task Correct(HttpContext http)
    {
        var query = new Query(http, []);
        var id = PathValue.Of(http, "usage");
        var asked = await Body.ReadAsync(http, ApiJson.Default.CorrectionDocument);
        if (asked.Id is not null && asked.Id != id) throw RequestRefusedException.Invalid("id", $"is '{id}' in the path");
        if (asked.ToDimensions() with { Provider = null, Model = null } != Dimensions.None || asked.Timestamp is not null)
            throw RequestRefusedException.Invalid(
                "timestamp", "and dimensions stay as they were booked: take the usage back and book it anew where they were wrong");
        var usage = asked.ToUsage() with { Dimensions = Dimensions.None };
        if (usage.Lines is not null) throw RequestRefusedException.Invalid("raw", "holds calls of other models; give the counts of one");
        var (by, key) = Access.Actor.Of(http, asked.By);
        await Answer(http, 200, await AccountOf(http, query, asked.Account, id),
            new CorrectUsage(id, usage, by ?? "", asked.Reason ?? "") { KeyId = key });
    }

    /// <summary>The account that is named, or the only one of the caller's that has such a usage.</summary>
    async Task<string> AccountOf(HttpContext http, Query query, string? named, string id)
    {
        if (named is not null)
        {
            if (!Validity.IsAccountId(named)) throw RequestRefusedException.Invalid("account", "is not an account id");
            return Access.Caller.Seen(http, named);
        }
        if (!Access.Caller.Of(http).Accounts.IsEverything) return query.Account("account")!;
        var found = await queries.FindAsync(new() { Id = id }, null, 2, http.RequestAborted);
        return found.Items.Count switch
        {
            1 => found.Items[0].Account,
            0 => throw new RequestRefusedException(new(OutcomeStatus.NotFound, null, "id", $"there is no usage '{id}'")),
            _ => throw RequestRefusedException.Unprocessable("account", $"several accounts have a usage '{id}': name one"),
        };
    }

    async Task Answer(HttpContext http, int status, string account, BudgetCommand command)
    {
        var outcome = await authority.SendAsync(account, command);
        await (outcome is { Status: OutcomeStatus.Done, Answer: Adjusted adjusted }
            ? Reply.JsonAsync(http, status, new AdjustedDocument(account, adjusted), ApiJson.Default.AdjustedDocument)
            : Problems.WriteAsync(http, outcome));
    }
}
