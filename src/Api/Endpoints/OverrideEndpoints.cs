// Overrides: added, listed, ended.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class OverrideEndpoints(IBudgetAuthority authority)
{
    public async Task Add(HttpContext http)
    {
        Query.None(http);
        var account = PathValue.Account(http);
        var body = await Body.ReadAsync(http, ApiJson.Default.NewOverrideDocument);
        var command = body.ToAddOverride(Access.Caller.Of(http), RequestId.Of(http, body.Id), body.LimitId is { } limit
            ? await UnitOf(authority, account, limit)
            : null);
        var outcome = await authority.SendAsync(account, command);
        if (outcome is { Status: OutcomeStatus.Done, Answer: OverrideView view })
        {
            http.Response.Headers.Location = $"/v1/accounts/{account}/overrides/{Uri.EscapeDataString(view.Id)}";
            await Reply.JsonAsync(http, 201, new OverrideDocument(view), ApiJson.Default.OverrideDocument);
        }
        else await Problems.WriteAsync(http, outcome);
    }

    /// <summary>
    /// The unit of a limit that an override names: whether `5` may mean five tokens or must not mean five nanos of money. Null where
    /// there is no such limit, which the budget itself then says.
    /// </summary>
    internal static async Task<LimitUnit?> UnitOf(IBudgetAuthority authority, string account, string limitId)
    {
        var outcome = await authority.SendAsync(account, new GetPolicy());
        var limits = outcome.Answer is PolicyView view ? view.Effective.Limits.Select(numbered => numbered.Limit)
            : (await authority.SettingsAsync()).DefaultPolicyOf(account).Limits;
        return limits.FirstOrDefault(limit => limit.Id == limitId)?.Unit;
    }

    public async Task List(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var outcome = await authority.SendAsync(account, new ListOverrides());
        await (outcome.Answer is OverrideList list
            ? Reply.JsonAsync(http, 200, new OverridesDocument([.. list.Items.Select(view => new OverrideDocument(view))]),
                ApiJson.Default.OverridesDocument)
            : Problems.WriteAsync(http, outcome));
    }

    public async Task Get(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var id = PathValue.Of(http, "override");
        var outcome = await authority.SendAsync(account, new ListOverrides());
        if (outcome.Answer is not OverrideList list) await Problems.WriteAsync(http, outcome);
        else if (list.Items.FirstOrDefault(view => view.Id == id) is { } found)
            await Reply.JsonAsync(http, 200, new OverrideDocument(found), ApiJson.Default.OverrideDocument);
        else await Problems.WriteAsync(http, Problems.NotFound, "id", $"there is no override '{id}'");
    }

    public async Task Remove(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, PolicyEndpoints.Actor);
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        var outcome = await authority.SendAsync(account,
            new RemoveOverride(PathValue.Of(http, "override"), by, query.Text("reason")) { KeyId = key });
        await (outcome.Answer is OverrideView view
            ? Reply.JsonAsync(http, 200, new OverrideDocument(view), ApiJson.Default.OverrideDocument)
                : Problems.WriteAsync(http, outcome));
    }
}
