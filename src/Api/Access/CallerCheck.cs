// Who asks, by what a request shows: `Authorization: Bearer` with the first key of the settings, with one of the ledger's, or with a token.
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
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

/// <summary>
/// Keys are looked up here and not by a scheme of the framework's, whose handlers are made anew for each request: every request comes
/// this way. Tokens are rarer, and go through its scheme for them.
/// </summary>
sealed class CallerCheck(AccessOptions access, LedgerClock clock, Callers callers, IServiceProvider services)
{
    static readonly (Caller?, string) unknown = (null, "the key is not known here");
    static readonly (Caller?, string) everybody = (Caller.Everybody, "");

    readonly byte[]? admin = access.AdminKey is { Length: > 0 } key ? SHA256.HashData(Encoding.UTF8.GetBytes(key)) : null;

    /// <summary>The caller, or why nobody is let in.</summary>
    public ValueTask<(Caller? Caller, string Why)> FindAsync(HttpContext http)
    {
        if (Shown.Of(http) is not { Length: > 0 } shown)
            return new(access.IsNeeded || http.Request.Headers.Authorization.Count > 0
                ? (null, "send `Authorization: Bearer <key>`") : everybody);
        if (access.TakesTokens && Shown.IsToken(shown)) return new(OfTokenAsync(http));
        if (admin is not null && IsAdmin(shown)) return new((Caller.Admin, ""));
        if (!KeyText.IsKey(shown)) return new(access.IsNeeded ? unknown : everybody);
        // A typing error is told without asking the ledger, so guessing costs it nothing.
        return KeyText.IsWhole(shown) ? OfKeyAsync(shown)
            : new((null, "the key is mistyped or cut off: its checksum does not fit"));
    }

    static async Task<(Caller? Caller, string Why)> OfTokenAsync(HttpContext http)
    {
        var result = await http.AuthenticateAsync(TokenAuthentication.Name);
        return result.Principal?.Identity is Caller caller ? (caller, "")
            : (null, result.Failure is AuthenticationFailureException known
                ? known.Message : "the token is not valid here: look at its issuer, audience, signature and time");
    }

    async ValueTask<(Caller? Caller, string Why)> OfKeyAsync(string shown)
    {
        if (services.GetService<KeyRing>() is not { } ring || await ring.FindAsync(shown) is not var (key, previous)) return unknown;
        var now = clock.Now;
        if (key.RevokedAtMillis is not null) return (null, $"the key '{key.Name}' was revoked");
        if (StoredKey.At(key.ExpiresAtMillis) is { } end && end <= now) return (null, $"the key '{key.Name}' expired at {end}");
        if (previous && StoredKey.At(key.PreviousUntilMillis) <= now) return (null, $"the key '{key.Name}' was rotated; use the new one");
        if (await callers.OfKeyAsync(key) is not { } caller)
            return (null, $"the tenant '{key.Tenant!.Id}' of the key '{key.Name}' was removed");
        ring.Used(key);
        return (caller, "");
    }

    /// <summary>Compares hashes, in constant time: neither the place of a difference nor the length shows.</summary>
    bool IsAdmin(string shown)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(shown), hash);
        return CryptographicOperations.FixedTimeEquals(hash, admin);
    }
}
