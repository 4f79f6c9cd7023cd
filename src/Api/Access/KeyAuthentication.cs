// The authentication scheme of keys: `Authorization: Bearer KEY`, with the first key of the settings or one of the ledger's.
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Purser.Engine;

namespace Purser.Api.Access;

/// <summary>What a request shows in its `Authorization` header, through the gate also where a provider's key would be; no text form, so
/// that no key can end up in a log.</summary>
static class Shown
{
    const string scheme = "Bearer ";

    public static string? Of(HttpContext http)
    {
        if (http.Request.Path.StartsWithSegments("/gate")) return Gate.GateKey.Of(http.Request).Key;
        var header = http.Request.Headers.Authorization;
        return header is [{ } text] && text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? text[scheme.Length..].Trim() : null;
    }

    /// <summary>Three parts separated by dots, and not one of the ledger's keys: a token.</summary>
    public static bool IsToken(string? shown) => shown is not null && !KeyText.IsKey(shown) && shown.Count(c => c == '.') == 2;
}

sealed class KeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory log, UrlEncoder encoder, AccessOptions access, LedgerClock clock,
    Callers callers, IServiceProvider services) : AuthenticationHandler<AuthenticationSchemeOptions>(options, log, encoder)
{
    public const string Name = "key";

    readonly byte[]? admin = access.AdminKey is { Length: > 0 } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Shown.Of(Context) is not { Length: > 0 } shown)
            return access.IsNeeded || Context.Request.Headers.Authorization.Count > 0
                ? AuthenticateResult.Fail("send `Authorization: Bearer <key>`") : Success(Caller.Everybody);
        if (admin is not null && IsAdmin(shown)) return Success(Caller.Admin);
        if (!KeyText.IsKey(shown))
            return access.IsNeeded ? AuthenticateResult.Fail("the key is not known here") : Success(Caller.Everybody);
        // A typing error is told without asking the ledger, so guessing costs it nothing.
        if (!KeyText.IsWhole(shown)) return AuthenticateResult.Fail("the key is mistyped or cut off: its checksum does not fit");
        return await KnownAsync(shown);
    }

    async Task<AuthenticateResult> KnownAsync(string shown)
    {
        if (services.GetService<KeyRing>() is not { } ring || await ring.FindAsync(shown) is not var (key, previous))
            return AuthenticateResult.Fail("the key is not known here");
        var now = clock.Now;
        if (key.RevokedAtMillis is not null) return AuthenticateResult.Fail($"the key '{key.Name}' was revoked");
        if (StoredKey.At(key.ExpiresAtMillis) is { } end && end <= now)
            return AuthenticateResult.Fail($"the key '{key.Name}' expired at {end}");
        if (previous && StoredKey.At(key.PreviousUntilMillis) <= now)
            return AuthenticateResult.Fail($"the key '{key.Name}' was rotated; use the new one");
        if (await callers.OfKeyAsync(key) is not { } caller)
            return AuthenticateResult.Fail($"the tenant '{key.Tenant!.Id}' of the key '{key.Name}' was removed");
        ring.Used(key);
        return Success(caller);
    }

    /// <summary>Compares hashes, in constant time: neither the place of a difference nor the length shows.</summary>
    bool IsAdmin(string shown)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(shown), hash);
        return CryptographicOperations.FixedTimeEquals(hash, admin);
    }

    static AuthenticateResult Success(Caller caller) => AuthenticateResult.Success(new(new ClaimsPrincipal(caller), Name));
}
