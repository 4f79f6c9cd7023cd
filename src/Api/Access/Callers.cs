// Who callers are as things stand now: keys and tokens of a tenant are for its accounts as its record says them, at most half a second ago.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Access;

/// <summary>The tenant of a key, a token or what they made. <see cref="Since"/> tells a tenant from one of the same id that was removed
/// before.</summary>
public sealed record TenantMark(string Id, long Since)
{
    internal static TenantMark Of(Tenant tenant) => new(tenant.Id, tenant.Since);
}

sealed class Callers(IBudgetAuthority authority, LedgerClock clock, IServiceProvider services)
{
    static readonly TimeSpan oldest = TimeSpan.FromMilliseconds(500);

    readonly TimeProvider time = services.GetService<TimeProvider>() ?? TimeProvider.System;
    volatile Known? known;

    sealed record Known(TenantBook Book, long ReadAt);

    public async ValueTask<TenantBook> TenantsAsync()
    {
        if (known is { } now && time.GetElapsedTime(now.ReadAt) < oldest) return now.Book;
        var began = time.GetTimestamp();
        return (known = new((await authority.SettingsAsync()).Tenants, began)).Book;
    }

    /// <summary>Forgets the tenants that were read, so that a change made on this host is known on it at once.</summary>
    public void Forget() => known = null;

    /// <summary>Whom a key lets in; null where its tenant is no more.</summary>
    public async ValueTask<Caller?> OfKeyAsync(StoredKey key)
    {
        if ((key.Tenant is null ? key.Scope : ScopeOf(key, await TenantsAsync())) is not { } scope) return null;
        return new(key.Id, key.Name, key.Granted, scope)
        {
            ExpiresAt = StoredKey.At(key.ExpiresAtMillis), RateLimit = key.RateLimit, Tenant = key.Tenant,
            IsWholeTenant = key.IsWholeTenant, IsOfStoredKey = true,
        };
    }

    /// <summary>Whom a token of a tenant lets in; null where there is no such tenant. <paramref name="accounts"/>: null for all of
    /// its.</summary>
    public async ValueTask<Caller?> OfTokenAsync(string tenant, string subject, Right rights, AccountScope? accounts, Instant? expiresAt,
        long? since = null) =>
        (await TenantsAsync()).Find(tenant) is { } found && (since is null || found.Since == since)
            ? new(Caller.IdOfToken(subject), subject, rights, ScopeOf(found, accounts))
            {
                ExpiresAt = expiresAt, Tenant = TenantMark.Of(found), IsWholeTenant = accounts is null,
            } : null;

    /// <summary>A caller who was let in before, as it stands now; null where it would not be let in any more.</summary>
    public async ValueTask<Caller?> NowAsync(Caller before)
    {
        if (before.ExpiresAt <= clock.Now) return null;
        if (!before.IsOfStoredKey)
            return before.Tenant is not { } mark ? before : await FindAsync(mark) is { } tenant
                ? before.With(before.IsWholeTenant ? ScopeOf(tenant, null) : ScopeOf(tenant, before.Accounts)) : null;
        return services.GetService<KeyRing>() is { } ring
            && (await ring.AllAsync()).Keys.FirstOrDefault(key => key.Id == before.Id) is { RevokedAtMillis: null } key
                ? await OfKeyAsync(key) : null;
    }

    async ValueTask<Tenant?> FindAsync(TenantMark mark) => Find(await TenantsAsync(), mark);

    static Tenant? Find(TenantBook tenants, TenantMark mark) =>
        tenants.Find(mark.Id) is { } found && found.Since == mark.Since ? found : null;

    /// <summary>What a key is for now: one of a tenant for what that has of it, and one for all of a tenant grows with it. Null where its
    /// tenant is no more.</summary>
    public static AccountScope? ScopeOf(StoredKey key, TenantBook tenants) => key.Tenant is not { } mark ? key.Scope
        : Find(tenants, mark) is { } tenant ? ScopeOf(tenant, key.IsWholeTenant ? null : key.Scope) : null;

    static AccountScope ScopeOf(Tenant tenant, AccountScope? accounts)
    {
        var all = new AccountScope(tenant.Accounts);
        return accounts is null ? all : accounts.Within(all);
    }
}
