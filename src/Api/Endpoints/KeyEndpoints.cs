// API keys: made, listed, rotated, revoked; and what a caller may do.
using System.Globalization;
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class KeyEndpoints(KeyRing ring, Callers callers, LedgerClock clock)
{
    const int LongestName = 100;
    const int MostKeys = 10_000;
    const long UsualOverlap = 24 * 3600;
    const long LongestOverlap = 30 * 24 * 3600;

    public static Task Me(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        return Reply.JsonAsync(http, 200, new MeDocument
        {
            Id = caller.Id,
            Name = caller.Name,
            Rights = Rights.WordsOf(caller.Rights),
            Accounts = caller.Accounts.Patterns,
            Tenant = caller.Tenant?.Id,
            ExpiresAt = caller.ExpiresAt,
            RateLimit = RateLimitDocument.Of(http.RequestServices.GetService<CallerRates>()?.QuotaOf(caller)),
        }, ApiJson.Default.MeDocument);
    }

    public async Task Create(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewKeyDocument);
        var text = KeyText.Make();
        var once = MadeOnce.Of(http, StoredKey.IdBegins, asked, ApiJson.Default.NewKeyDocument);
        var key = ToKey(asked, text, caller, await TenantOfAsync(asked, caller)) with { Id = once.Id, Asked = once.Asked };
        WithinOwn(caller, key, asked.ExpiresAt);
        var made = await ring.ChangeAsync<StoredKey?>(set => set.Keys.FirstOrDefault(one => one.Id == key.Id) is { } before
            ? (set, Again(before, key, once)) : set.With(key, MostKeys) is { } next ? (next, key) : (set, null));
        if (made is null)
        {
            await Problems.WriteAsync(http, Problems.Unprocessable, null,
                $"there are {MostKeys} keys that are not revoked; revoke some first");
            return;
        }
        http.Response.Headers.Location = $"/v1/keys/{made.Id}";
        await Answer(http, 201, made, text);
    }

    /// <summary>The text of a key is kept nowhere, and told to nobody again: two that ask at once would each have a text, and one of them
    /// that of nothing.</summary>
    static StoredKey Again(StoredKey before, StoredKey key, MadeOnce once)
    {
        once.Check(before.Asked, isSeen: true);
        // It was saved although nobody heard that it was.
        return before.Hash == key.Hash ? before
            : throw Conflict($"the key '{before.Id}' was made by this request before, and its text is told once: where that was lost, "
                + "rotate the key for another text, or revoke it and make one with another `Idempotency-Key`");
    }

    public async Task List(HttpContext http)
    {
        _ = new Query(http, []);
        var (caller, tenants) = (Caller.Of(http), await callers.TenantsAsync());
        var seen = (await ring.AllAsync()).Keys.Where(key => IsWithin(caller, key, tenants)).Select(key => Document(key));
        await Reply.JsonAsync(http, 200, new KeysDocument { Items = [.. seen] }, ApiJson.Default.KeysDocument);
    }

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        var id = PathValue.Of(http, "key");
        var tenants = await callers.TenantsAsync();
        var found = (await ring.AllAsync()).Keys.FirstOrDefault(key => key.Id == id && IsWithin(Caller.Of(http), key, tenants));
        await (found is null ? NoSuchKey(http, id) : Answer(http, 200, found, null));
    }

    /// <summary>Rotating makes a new text for the same key; the old one is taken until the overlap is over.</summary>
    public async Task Rotate(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadOptionalAsync(http, ApiJson.Default.RotateKeyDocument);
        var overlap = asked?.OverlapSeconds ?? UsualOverlap;
        if (overlap is < 0 or > LongestOverlap)
            throw RequestRefusedException.Invalid(
                "overlapSeconds", $"must be 0 to {LongestOverlap.ToString(CultureInfo.InvariantCulture)}");
        var (text, caller) = (KeyText.Make(), Caller.Of(http));
        var now = clock.Now;
        await ChangeOne(http, text, key =>
        {
            if (key.Hash == KeyText.HashOf(text)) return key;
            // Its text is the key: whoever gets it must have had as much.
            WithinOwn(caller, key, StoredKey.At(key.ExpiresAtMillis));
            var overlaps = key.PreviousUntilMillis > now.ToUnixTimeMilliseconds();
            if (overlaps && asked?.Again != true)
                throw Conflict($"the key was rotated before, and its old text is taken until {StoredKey.At(key.PreviousUntilMillis)}; "
                    + "rotate it after that, or revoke it; where the answer with the new text was lost, send `again`: true");
            var rotated = key with
            {
                Hash = KeyText.HashOf(text),
                Redacted = KeyText.Redacted(text),
                RotatedAtMillis = now.ToUnixTimeMilliseconds(),
                RotatedBy = caller.Name,
                RotatedByKeyId = caller.KeyId,
            };
            return overlaps ? rotated : rotated with
            {
                PreviousHash = overlap > 0 ? key.Hash : null,
                PreviousUntilMillis = overlap > 0 ? (now + Duration.FromSeconds(overlap)).ToUnixTimeMilliseconds() : null,
            };
        });
    }

    public async Task Revoke(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        await ChangeOne(http, null, key => key.RevokedAtMillis is not null ? key : key with
        {
            RevokedAtMillis = clock.Now.ToUnixTimeMilliseconds(), RevokedBy = caller.Name, RevokedByKeyId = caller.KeyId,
        });
    }

    async Task ChangeOne(HttpContext http, string? text, Func<StoredKey, StoredKey> change)
    {
        var id = PathValue.Of(http, "key");
        var (caller, tenants) = (Caller.Of(http), await callers.TenantsAsync());
        var changed = await ring.ChangeAsync<StoredKey?>(set =>
        {
            var found = set.Keys.FirstOrDefault(key => key.Id == id && IsWithin(caller, key, tenants));
            if (found is null) return (set, null);
            if (text is not null && found.RevokedAtMillis is not null) throw Conflict("the key was revoked; make a new one");
            var next = change(found);
            return ReferenceEquals(next, found) ? (set, found)
                : (new KeySet([.. set.Keys.Select(key => ReferenceEquals(key, found) ? next : key)]), next);
        });
        await (changed is null ? NoSuchKey(http, id) : Answer(http, 200, changed, text));
    }

    /// <summary>The tenant of a key to be made: that of whoever makes it, or one that they name and see.</summary>
    async Task<Core.Tenant?> TenantOfAsync(NewKeyDocument asked, Caller by)
    {
        if ((asked.Tenant ?? by.Tenant?.Id) is not { } id) return null;
        var found = (await callers.TenantsAsync()).Find(id);
        var isSeen = found is not null && (by.Tenant is { } own ? own == TenantMark.Of(found)
            : by.Accounts.Holds(new AccountScope(found.Accounts)));
        return isSeen ? found : throw RequestRefusedException.Unprocessable("tenant", $"there is no tenant '{id}'");
    }

    StoredKey ToKey(NewKeyDocument asked, string text, Caller by, Core.Tenant? tenant)
    {
        var now = clock.Now;
        if (asked.Name is not { Length: > 0 and <= LongestName } name || name.Any(char.IsControl) || string.IsNullOrWhiteSpace(name))
            throw RequestRefusedException.Invalid("name", $"must be 1 to {LongestName} characters");
        if (asked.ExpiresAt <= now) throw RequestRefusedException.Invalid("expiresAt", "must be in the future");
        // Without accounts a key of a tenant is for all of its, as far as whoever makes it has them.
        var isWhole = tenant is not null && asked.Accounts is null && (by.Tenant is null ? by.Accounts.IsEverything : by.IsWholeTenant);
        var accounts = isWhole ? tenant!.Accounts : [.. Each(asked.Accounts, "accounts", AccountScope.Problem).Distinct()];
        if (tenant is not null && !new AccountScope(tenant.Accounts).Holds(new AccountScope(accounts)))
            throw Forbidden("accounts", $"the tenant '{tenant.Id}' has {string.Join(", ", tenant.Accounts)}");
        return new()
        {
            Id = "",
            Name = name,
            Hash = KeyText.HashOf(text),
            Redacted = KeyText.Redacted(text),
            Rights = [.. Each(asked.Rights, "rights", word => Rights.Of(word) is null
                ? $"must be one of {string.Join(", ", Rights.Words)}" : null).Distinct()],
            Accounts = accounts,
            Tenant = tenant is null ? null : TenantMark.Of(tenant),
            IsWholeTenant = isWhole,
            CreatedAtMillis = now.ToUnixTimeMilliseconds(),
            CreatedBy = by.Name,
            CreatedByKeyId = by.KeyId,
            ExpiresAtMillis = asked.ExpiresAt?.ToUnixTimeMilliseconds(),
            RateLimit = asked.RateLimit?.ToQuota(),
        };
    }

    static IEnumerable<string> Each(IReadOnlyList<string?>? items, string field, Func<string?, string?> problem)
    {
        if (items is not { Count: > 0 })
            throw RequestRefusedException.Invalid(field, "must name at least one; an empty list grants nothing");
        for (var i = 0; i < items.Count; i++)
            if (problem(items[i]) is { } wrong) throw RequestRefusedException.Invalid($"{field}[{i}]", wrong);
        return items.Select(item => item!);
    }

    /// <summary>Nobody hands out more than they have: rights, accounts and time of a new key lie within the caller's.</summary>
    static void WithinOwn(Caller caller, StoredKey key, Instant? expiresAt)
    {
        if ((key.Granted & ~caller.Rights) is var more and not Right.None)
            throw Forbidden("rights", $"your key has no right {Rights.Listed(more)}");
        if (!caller.Accounts.Holds(key.Scope)) throw Forbidden("accounts", "your key is for fewer accounts");
        if (caller.ExpiresAt is { } end && (expiresAt is null || expiresAt > end)) throw Forbidden("expiresAt", $"your key ends at {end}");
        if (caller.RateLimit is { } own && (key.RateLimit is null || !own.Holds(key.RateLimit)))
            throw Forbidden("rateLimit", $"your key may send {own.Requests} requests in {own.Seconds} seconds; say at most as many");
    }

    /// <summary>A caller sees and changes keys that lie within its own rights and accounts, and one of a tenant those of its
    /// tenant.</summary>
    static bool IsWithin(Caller caller, StoredKey key, Core.TenantBook tenants) => (key.Granted & ~caller.Rights) == Right.None
        // One that lets nobody in any more is seen by whoever has the accounts that it was made for.
        && caller.Accounts.Holds(Callers.ScopeOf(key, tenants) is { Patterns.Count: > 0 } now ? now : key.Scope)
        && (caller.Tenant is null || caller.Tenant == key.Tenant);

    Task Answer(HttpContext http, int status, StoredKey key, string? text)
    {
        var document = Document(key);
        document.Key = text;
        http.Response.Headers.CacheControl = "no-store";
        return Reply.JsonAsync(http, status, document, ApiJson.Default.KeyDocument);
    }

    KeyDocument Document(StoredKey key) => new(
        key, key.RevokedAtMillis is not null ? "revoked" : StoredKey.At(key.ExpiresAtMillis) <= clock.Now ? "expired" : "active",
        ring.LastUsed(key));

    static Task NoSuchKey(HttpContext http, string id) => Problems.WriteAsync(http, Problems.NotFound, "key", $"there is no key '{id}'");

    static RequestRefusedException Conflict(string detail) => new(new(Core.OutcomeStatus.Conflict, null, "key", detail));

    static RequestRefusedException Forbidden(string field, string detail) =>
        new(new(Core.OutcomeStatus.Invalid, null, field, detail)) { Problem = Problems.Forbidden };
}
