// Accounts: status, policies, overrides, pauses, sessions, anomalies, projections, their audit trail.
using System.Globalization;

namespace Purser.Client;

public sealed partial class PurserClient
{
    static string? Tag(long? version) => version is { } number ? $"\"{number.ToString(CultureInfo.InvariantCulture)}\"" : null;

    static string Of(PageQuery? query, string path) => (query ?? new()).AddTo(new(path)).ToString();

    public Task<AccountPage> ListAccountsAsync(AccountQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, "/v1/accounts")), PurserJson.Default.AccountPage, cancellationToken);

    /// <summary>An account as it stands; the query pages its limits.</summary>
    public Task<AccountStatus> GetAccountAsync(
        string account, AccountStatusQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account))), PurserJson.Default.AccountStatus, cancellationToken);

    /// <summary>Refuses every call until resumed.</summary>
    public Task<AccountStatus> PauseAccountAsync(
        string account, PauseRequest? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Account(account) + "/pause", request ?? new(), PurserJson.Default.PauseRequest),
            PurserJson.Default.AccountStatus, cancellationToken);

    public Task<AccountStatus> ResumeAccountAsync(
        string account, PauseRequest? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Account(account) + "/resume", request ?? new(), PurserJson.Default.PauseRequest),
            PurserJson.Default.AccountStatus, cancellationToken);

    /// <param name="account">Whose policy.</param>
    /// <param name="effective">The policy that decides: merged over the default one, with every setting.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<Policy> GetPolicyAsync(string account, bool? effective = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(new QueryText(Account(account) + "/policy").Add("effective", effective).ToString()),
            PurserJson.Default.Policy, cancellationToken);

    /// <summary>Sets the policy of an account as a whole.</summary>
    /// <param name="account">Whose policy.</param>
    /// <param name="policy">The whole policy.</param>
    /// <param name="by">Who decides this, for the audit trail.</param>
    /// <param name="reason">Why, for the audit trail.</param>
    /// <param name="ifVersion">Only if this is the version in force; otherwise 412.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<Policy> PutPolicyAsync(string account, Policy policy, string? by = null, string? reason = null, long? ifVersion = null,
        CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(new QueryText(Account(account) + "/policy").Add("by", by).Add("reason", reason).ToString(), policy,
            PurserJson.Default.Policy) with { IfMatch = Tag(ifVersion) }, PurserJson.Default.Policy, cancellationToken);

    /// <summary>What a policy would have decided about the calls of a past time. Nothing is changed.</summary>
    public Task<PolicyPreview> PreviewPolicyAsync(string account, PolicyTrial trial, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Account(account) + "/policy/preview", trial, PurserJson.Default.PolicyTrial),
            PurserJson.Default.PolicyPreview, cancellationToken);

    public Task<Policy> GetDefaultPolicyAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/default-policy"), PurserJson.Default.Policy, cancellationToken);

    /// <summary>Sets the policy under every account as a whole.</summary>
    /// <param name="policy">The whole policy.</param>
    /// <param name="by">Who decides this, for the audit trail.</param>
    /// <param name="reason">Why, for the audit trail.</param>
    /// <param name="ifVersion">Only if this is the version in force; otherwise 412.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<Policy> PutDefaultPolicyAsync(Policy policy, string? by = null, string? reason = null, long? ifVersion = null,
        CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(new QueryText("/v1/default-policy").Add("by", by).Add("reason", reason).ToString(), policy,
            PurserJson.Default.Policy) with { IfMatch = Tag(ifVersion) }, PurserJson.Default.Policy, cancellationToken);

    /// <summary>Who changed the policy under every account lately, and why.</summary>
    public Task<DefaultPolicyHistory> GetDefaultPolicyHistoryAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/default-policy/history"), PurserJson.Default.DefaultPolicyHistory, cancellationToken);

    /// <summary>Raises (or, declared as a cut, lowers) a limit for a time.</summary>
    public Task<Override> AddOverrideAsync(string account, NewOverride terms, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(terms);
        var identified = terms.Id is null ? terms with { Id = NewId() } : terms;
        return sender.SendAsync(Ask.Post(Account(account) + "/overrides", identified, PurserJson.Default.NewOverride),
            PurserJson.Default.Override, cancellationToken);
    }

    public Task<OverrideList> ListOverridesAsync(string account, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Account(account) + "/overrides"), PurserJson.Default.OverrideList, cancellationToken);

    public Task<Override> GetOverrideAsync(string account, string id, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get($"{Account(account)}/overrides/{QueryText.Segment(id)}"), PurserJson.Default.Override,
            cancellationToken);

    /// <summary>Ends an override at once.</summary>
    public Task<Override> RemoveOverrideAsync(
        string account, string id, string? by = null, string? reason = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(new QueryText($"{Account(account)}/overrides/{QueryText.Segment(id)}").Add("by", by)
            .Add("reason", reason).ToString()), PurserJson.Default.Override, cancellationToken);

    public Task<SessionTotals> CloseSessionAsync(string account, string session, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"{Account(account)}/sessions/{QueryText.Segment(session)}/close"),
            PurserJson.Default.SessionTotals, cancellationToken);

    public Task<SessionTotals> GetSessionAsync(string account, string session, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get($"{Account(account)}/sessions/{QueryText.Segment(session)}"), PurserJson.Default.SessionTotals,
            cancellationToken);

    public Task<SessionPage> ListSessionsAsync(
        string account, PageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/sessions")), PurserJson.Default.SessionPage, cancellationToken);

    public Task<AuditPage> ListAuditAsync(string account, PageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/audit")), PurserJson.Default.AuditPage, cancellationToken);

    public Task<AnomalyPage> ListAnomaliesAsync(
        string account, AnomalyQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/anomalies")), PurserJson.Default.AnomalyPage, cancellationToken);

    /// <summary>Where usage is going; the query pages the limits.</summary>
    public Task<Projection> GetProjectionAsync(
        string account, PageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/projection")), PurserJson.Default.Projection, cancellationToken);
}
