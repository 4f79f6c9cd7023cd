// Who asks: what every handler, report and export is allowed to see is decided by the caller alone.
using System.Security.Claims;
using Purser.Core;

namespace Purser.Api.Access;

/// <summary>A caller that was let in. <see cref="Name"/> is what the audit trail calls it.</summary>
public sealed class Caller(string id, string name, Right rights, AccountScope accounts) : ClaimsIdentity("purser")
{
    /// <summary>Where no key is needed, everybody on this machine may do everything.</summary>
    public static readonly Caller Everybody = new("anonymous", "anonymous", Right.All, AccountScope.Everything);

    public static readonly Caller Admin = new("admin", "admin", Right.All, AccountScope.Everything);

    /// <summary>The id of who shows a token: its subject, with a word before it where that could be taken for another's id. So what goes by
    /// ids (quotas, shares of the host, what is made once, the audit trail) never takes one for the other.</summary>
    internal static string IdOfToken(string subject) => subject == Admin.Id || subject == Everybody.Id
        || subject.StartsWith(StoredKey.IdBegins, StringComparison.Ordinal) || subject.StartsWith(ofToken, StringComparison.Ordinal)
            ? ofToken + subject : subject;

    const string ofToken = "token:";

    public string Id => id;

    /// <summary>What the audit trail calls the key; null where none is needed.</summary>
    public string? KeyId => ReferenceEquals(this, Everybody) ? null : id;

    public override string Name => name;
    public Right Rights => rights;
    public AccountScope Accounts => accounts;

    /// <summary>When the key or the token ends; null where it does not.</summary>
    public NodaTime.Instant? ExpiresAt { get; init; }

    /// <summary>How often the key may ask; null: as the settings say.</summary>
    public RateQuota? RateLimit { get; init; }

    /// <summary>The tenant that the key or the token is of; null where it is of none.</summary>
    public TenantMark? Tenant { get; init; }

    /// <summary>Whether it is for all accounts of its tenant, also those that the tenant is given later.</summary>
    public bool IsWholeTenant { get; init; }

    /// <summary>Whether it showed a key of the ledger, which may be revoked meanwhile.</summary>
    public bool IsOfStoredKey { get; init; }

    /// <summary>The same caller for other accounts.</summary>
    internal Caller With(AccountScope others) => new(id, name, rights, others)
    {
        ExpiresAt = ExpiresAt, RateLimit = RateLimit, Tenant = Tenant, IsWholeTenant = IsWholeTenant, IsOfStoredKey = IsOfStoredKey,
    };

    public bool IsUnlimited => rights == Right.All && accounts.IsEverything;

    /// <summary>Whether one of the rights is held; <see cref="Right.None"/> asks for nothing.</summary>
    public bool May(Right needed) => needed == Right.None || (rights & needed) != 0;

    public bool Sees(string account) => accounts.Holds(account);

    /// <summary>The caller of a request; nobody before it was let in.</summary>
    public static Caller Of(HttpContext http) =>
        http.Features.Get<Caller>() ?? throw new InvalidOperationException("nobody was let in for this request");

    /// <summary>An account outside of the caller's scope is answered exactly like one that does not exist.</summary>
    internal static string Seen(HttpContext http, string account) => Of(http).Sees(account) ? account : throw Unknown(account);

    internal static RequestRefusedException Unknown(string account) =>
        new(new(OutcomeStatus.UnknownAccount, null, "account", $"there is no account '{account}'"));
}
