// Policies: of one account, and the default one under all of them. The ETag is the version.
using System.Globalization;
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class PolicyEndpoints(IBudgetAuthority authority, PolicyPreviews previews, LedgerClock clock)
{
    public static readonly IReadOnlyList<Parameter> Effective =
        [new("effective", "true: the policy that decides, merged over the default one, with every setting")];

    public static readonly IReadOnlyList<Parameter> Actor =
        [new("by", "who decides this, for the audit trail; the key's name if not said"), new("reason", "why, for the audit trail")];

    public async Task Get(HttpContext http)
    {
        var account = PathValue.Account(http);
        var effective = new Query(http, Effective).Flag("effective") ?? false;
        var outcome = await authority.SendAsync(account, new GetPolicy());
        if (outcome.Answer is PolicyView view)
            await Answer(http, view.Version, effective ? PolicyDocument.Of(view.Effective, view.Version)
                : PolicyDocument.Of(view.Policy, view.Version));
        else await Problems.WriteAsync(http, outcome);
    }

    public async Task Put(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, Actor);
        var policy = (await Body.ReadAsync(http, ApiJson.Default.PolicyDocument)).ToPolicy();
        var wanted = Precondition.Of(http.Request);
        if (wanted.AnyVersion)
        {
            var now = await authority.SendAsync(account, new GetPolicy());
            if (now.Answer is not PolicyView { Version: > 0 })
                wanted = Precondition.Never;
        }
        if (wanted.CanNotHold)
        {
            await Problems.WriteAsync(http, Problems.VersionMismatch, "If-Match", "the policy does not have this version; read it again");
            return;
        }
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        var outcome = await authority.SendAsync(account, new SetPolicy(policy, wanted.Version, by, query.Text("reason")) { KeyId = key });
        if (outcome.Answer is PolicyView view) await Answer(http, view.Version, PolicyDocument.Of(view.Policy, view.Version));
        else await Problems.WriteAsync(http, outcome);
    }

    /// <summary>What is wrong with the policy is named where it stands in the body.</summary>
    public async Task Preview(HttpContext http)
    {
        var account = PathValue.Account(http);
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.PolicyTrialDocument);
        if (asked.Limit is < 0 or > PolicyTrialDocument.MostCalls)
            throw RequestRefusedException.Invalid("limit", $"must be 0 to {PolicyTrialDocument.MostCalls}");
        if (asked.Policy is null) throw RequestRefusedException.Invalid("policy", "is required: the policy as it would be put");
        try
        {
            var preview = await previews.OfAsync(account, asked.Policy.ToPolicy(), asked.From, asked.To,
                (int)(asked.Limit ?? PolicyTrialDocument.UsualCalls), http.RequestAborted);
            await Reply.JsonAsync(http, 200, new PolicyPreviewDocument(preview), ApiJson.Default.PolicyPreviewDocument);
        }
        catch (AnswerRefusedException refused) when (refused.Outcome is { Field: { } field } outcome && field is not ("from" or "account"))
        {
            throw new RequestRefusedException(outcome with { Field = "policy." + field });
        }
    }

    public async Task GetDefault(HttpContext http)
    {
        _ = new Query(http, []);
        var settings = await authority.SettingsAsync();
        await Answer(http, settings.DefaultsVersion, PolicyDocument.Of(settings.DefaultPolicy, settings.DefaultsVersion));
    }

    public async Task PutDefault(HttpContext http)
    {
        var query = new Query(http, Actor);
        var policy = (await Body.ReadAsync(http, ApiJson.Default.PolicyDocument)).ToPolicy();
        var wanted = Precondition.Of(http.Request);
        if (wanted.AnyVersion && (await authority.SettingsAsync()).DefaultsVersion == 0) wanted = Precondition.Never;
        if (wanted.CanNotHold)
        {
            await Problems.WriteAsync(http, Problems.VersionMismatch, "If-Match",
                "the default policy does not have this version; read it again");
            return;
        }
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        var edited = await authority.EditSettingsAsync(new PutDefaultPolicy(policy)
        {
            IfVersion = wanted.Version, At = clock.Now, ChangedBy = by, KeyId = key, Reason = query.Text("reason"),
        });
        if (edited.Refusal is { } refusal) await Problems.WriteAsync(http, refusal);
        else await Answer(http, edited.Settings.DefaultsVersion,
            PolicyDocument.Of(edited.Settings.DefaultPolicy, edited.Settings.DefaultsVersion));
    }

    public async Task DefaultHistory(HttpContext http)
    {
        _ = new Query(http, []);
        var changes = await authority.SettingsChangesAsync([SettingsEditRules.DefaultPolicySubject], SettingsHistory.Most);
        await Reply.JsonAsync(http, 200, new DefaultPolicyHistoryDocument([.. changes.Select(DefaultPolicyChangeDocument.Of)]),
            ApiJson.Default.DefaultPolicyHistoryDocument);
    }

    static Task Answer(HttpContext http, long version, PolicyDocument policy)
    {
        var tag = $"\"{version.ToString(CultureInfo.InvariantCulture)}\"";
        http.Response.Headers.ETag = tag;
        if (http.Request.Method == HttpMethods.Get && http.Request.Headers.IfNoneMatch == tag)
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        return Reply.JsonAsync(http, 200, policy, ApiJson.Default.PolicyDocument);
    }
}
