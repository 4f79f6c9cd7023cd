// Tenants: put, read, listed, and taken away where nothing of theirs is left.
using System.Globalization;
using Purser.Api.Access;
using Purser.Api.Alerts;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class TenantEndpoints(IBudgetAuthority authority, IUsageQueries queries, Callers callers, KeyRing ring, LedgerClock clock,
    WebhookStore? webhooks, AlertStore? alerts)
{
    public async Task List(HttpContext http)
    {
        var query = new Query(http, Paging.Parameters);
        var ((cursor, limit), caller) = (Paging.Of(query), Caller.Of(http));
        Tenant[] seen = [.. (await authority.SettingsAsync()).Tenants.All.Where(tenant => Sees(caller, tenant)
            && (cursor is null || string.CompareOrdinal(tenant.Id, cursor) > 0)).Take(limit + 1)];
        await Reply.JsonAsync(http, 200, new TenantsDocument
        {
            Items = [.. seen.Take(limit).Select(TenantDocument.Of)], NextCursor = seen.Length > limit ? seen[limit - 1].Id : null,
        }, ApiJson.Default.TenantsDocument);
    }

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        var id = PathValue.Of(http, "tenant");
        var settings = await authority.SettingsAsync();
        if (settings.Tenants.Find(id) is { } tenant && Sees(Caller.Of(http), tenant)) await Answer(http, settings, tenant);
        else await NoSuchTenant(http, id);
    }

    public async Task Put(HttpContext http)
    {
        _ = new Query(http, []);
        var id = PathValue.Of(http, "tenant");
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewTenantDocument);
        var wanted = await WantedAsync(http, id);
        if (asked.Accounts is not null && (await authority.SettingsAsync()).Tenants.Find(id) is { } before)
            await LeavesNothingAsync(http, before, [.. asked.Accounts.OfType<string>()]);
        var edited = await authority.EditSettingsAsync(asked.ToPut(id, clock.Now, Actor.Of(http, asked.By), wanted));
        callers.Forget();
        if (edited.Refusal is { } refusal) await Problems.WriteAsync(http, refusal);
        else await Answer(http, edited.Settings, edited.Settings.Tenants.Find(id)!);
    }

    public async Task Delete(HttpContext http)
    {
        var query = new Query(http, PolicyEndpoints.Actor);
        var id = PathValue.Of(http, "tenant");
        var wanted = await WantedAsync(http, id);
        if ((await authority.SettingsAsync()).Tenants.Find(id) is not { } tenant)
        {
            await NoSuchTenant(http, id);
            return;
        }
        await LeavesNothingAsync(http, tenant, []);
        var (by, key) = Actor.Of(http, query.Text("by"));
        var edited = await authority.EditSettingsAsync(new RemoveTenant(id)
        {
            IfVersion = wanted.Version ?? tenant.Version, At = clock.Now, ChangedBy = by, KeyId = key, Reason = query.Text("reason"),
        });
        callers.Forget();
        await (edited.Refusal is { } refusal ? Problems.WriteAsync(http, refusal)
            : Reply.JsonAsync(http, 200, TenantDocument.Of(tenant), ApiJson.Default.TenantDocument));
    }

    /// <summary>What `If-Match` asks for; `*` is the version that there is, and can not hold where there is none.</summary>
    async Task<Precondition> WantedAsync(HttpContext http, string id)
    {
        var wanted = Precondition.Of(http.Request);
        if (wanted.AnyVersion)
            wanted = (await authority.SettingsAsync()).Tenants.Find(id) is { } now ? new(now.Version, false, false) : Precondition.Never;
        return !wanted.CanNotHold ? wanted : throw new RequestRefusedException(
            new(OutcomeStatus.VersionMismatch, null, "If-Match", "the tenant does not have this version; read it again"));
    }

    /// <summary>
    /// A caller sees its own tenant, and those all of whose accounts it sees. What is not seen is answered like what does not exist.
    /// </summary>
    internal static bool Sees(Caller caller, Tenant tenant) => caller.Tenant is { } own ? own == TenantMark.Of(tenant)
        : caller.Accounts.Holds(new AccountScope(tenant.Accounts));

    /// <summary>
    /// An account never changes its tenant: names are only given up to which there is no account, and which no key, webhook or alert
    /// channel of the tenant is for.
    /// </summary>
    async Task LeavesNothingAsync(HttpContext http, Tenant tenant, IReadOnlyList<string> kept)
    {
        string[] given =
            [.. tenant.Accounts.Where(pattern => !kept.Any(other => new AccountScope([other]).Holds(new AccountScope([pattern]))))];
        if (given.Length == 0) return;
        var left = new AccountScope(kept);
        foreach (var pattern in given)
            if (await FirstAsync(http, pattern, left) is { } account)
                throw Conflict($"'{pattern}' fits the account '{account}', which would have no tenant any more");
        if ((await ring.AllAsync()).Keys.FirstOrDefault(key => key is { RevokedAtMillis: null, Tenant: { } of }
            && of == TenantMark.Of(tenant)
            && IsLeft(key.Scope) && !(key.IsWholeTenant && kept.Count > 0)) is { } held)
            throw Conflict($"the key '{held.Id}' is for accounts that would not be the tenant's any more; revoke it first");
        if (webhooks is not null && (await webhooks.AllAsync()).FirstOrDefault(one => one.Tenant == tenant.Id
            && IsLeft(new(one.Scope))) is { } webhook)
            throw Conflict($"the webhook '{webhook.Id}' is sent what would not be the tenant's any more; delete it first");
        if (alerts is not null && (await alerts.ChannelsAsync()).FirstOrDefault(one => one.Tenant == tenant.Id
            && IsLeft(new(one.Scope))) is { } channel)
            throw Conflict($"the alert channel '{channel.Id}' is told what would not be the tenant's any more; delete it first");

        bool IsLeft(AccountScope scope) => !left.Holds(scope);
    }

    async Task<string?> FirstAsync(HttpContext http, string pattern, AccountScope left)
    {
        await foreach (var account in AccountWalk.OverAsync(queries, new([pattern]), null, null, http.RequestAborted))
            if (!left.Holds(account)) return account;
        return null;
    }

    static RequestRefusedException Conflict(string detail) => new(new(OutcomeStatus.Conflict, null, "tenant", detail));

    static Task NoSuchTenant(HttpContext http, string id) =>
        Problems.WriteAsync(http, Problems.NotFound, "tenant", $"there is no tenant '{id}'");

    async Task Answer(HttpContext http, Settings settings, Tenant tenant)
    {
        http.Response.Headers.ETag = $"\"{tenant.Version.ToString(CultureInfo.InvariantCulture)}\"";
        var document = TenantDocument.Of(tenant);
        if (Caller.Of(http).Accounts.IsEverything)
            document.History = [.. (await SettingsHistory.OfAsync(authority, settings, SettingsEditRules.TenantSubject + tenant.Id))
                .Select(TenantChangeDocument.Of)];
        await Reply.JsonAsync(http, 200, document, ApiJson.Default.TenantDocument);
    }
}
