// Who looks at the dashboard: a visit begins with a key or a token and is carried by a sealed cookie. The cookie names the key and grants
// nothing by itself: the key is looked at again each time.
using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using NodaTime;
using Purser.Api.Access;
using Purser.Engine;

namespace Purser.Api.Pages;

/// <summary>On every page and on what pages load. <see cref="IsOpen"/>: for everybody, such as the page on which one signs in.</summary>
sealed record PageNote(bool IsOpen = false);

sealed class Visits(AccessOptions access, SignInOptions signIn, LedgerClock clock, Callers callers, IServiceProvider services)
{
    /// <summary>The scheme of the cookie.</summary>
    public const string Scheme = "visit";

    const string kind = "kind", mark = "mark", rights = "rights", accounts = "accounts", ends = "ends", tenant = "tenant",
        wholeTenant = "whole-tenant";
    const string ofAdmin = "admin", ofKey = "key", ofToken = "token", ofIssuer = "issuer";

    /// <summary>Whether anybody has to show something.</summary>
    public bool IsNeeded => access.IsNeeded;

    /// <summary>What the cookie carries of whom <paramref name="shown"/> let in.</summary>
    public ClaimsPrincipal TicketOf(Caller caller, string shown)
    {
        var claims = new List<Claim> { new(ClaimTypes.NameIdentifier, caller.Id), new(ClaimTypes.Name, caller.Name) };
        if (ReferenceEquals(caller, Caller.Admin)) claims.AddRange([new(kind, ofAdmin), new(mark, MarkOf(access.AdminKey!))]);
        else if (KeyText.IsKey(shown)) claims.AddRange([new(kind, ofKey), new(mark, MarkOf(KeyText.HashOf(shown)))]);
        else
        {
            claims.Add(new(kind, ofToken));
            AddScope(claims, caller);
        }
        return Ticket(claims, caller.ExpiresAt);
    }

    /// <summary>What the cookie carries of somebody who signed in at the issuer: the visit is one of this host, and lasts as long as its
    /// settings say. It ends where the issuer or the client of the settings is another one.</summary>
    public ClaimsPrincipal TicketOfIssuer(Caller caller, string name)
    {
        var claims = new List<Claim>
        {
            new(ClaimTypes.NameIdentifier, caller.Id), new(ClaimTypes.Name, name), new(kind, ofIssuer), new(mark, MarkOfIssuer),
        };
        AddScope(claims, caller);
        return Ticket(claims, clock.Now + Duration.FromHours(signIn.Hours));
    }

    string MarkOfIssuer => MarkOf($"{access.JwtAuthority} {signIn.Client}");

    /// <summary>Whether somebody signed in at the issuer.</summary>
    public static bool IsOfIssuer(ClaimsPrincipal visitor) => visitor.FindFirstValue(kind) == ofIssuer;

    static void AddScope(List<Claim> claims, Caller caller)
    {
        claims.AddRange(Rights.WordsOf(caller.Rights).Select(word => new Claim(rights, word)));
        claims.AddRange(caller.Accounts.Patterns.Select(pattern => new Claim(accounts, pattern)));
        if (caller.Tenant is { } of) claims.Add(new(tenant, string.Create(CultureInfo.InvariantCulture, $"{of.Id} {of.Since}")));
        if (caller.IsWholeTenant) claims.Add(new(wholeTenant, "yes"));
    }

    static ClaimsPrincipal Ticket(List<Claim> claims, Instant? end)
    {
        if (end is { } at) claims.Add(new(ends, at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)));
        return new(new ClaimsIdentity(claims, Scheme));
    }

    /// <summary>The caller of a visit as it stands now; null where it is over, or never began and would have to.</summary>
    public async ValueTask<Caller?> CallerOfAsync(ClaimsPrincipal visitor)
    {
        if (visitor.FindFirstValue(kind) is not { } how) return access.IsNeeded ? null : Caller.Everybody;
        if (EndOf(visitor) is { } end && end <= clock.Now) return null;
        switch (how)
        {
            case ofAdmin:
                return access.AdminKey is { } key && Same(visitor.FindFirstValue(mark), MarkOf(key)) ? Caller.Admin : null;
            case ofToken:
                return access.TakesTokens ? await callers.NowAsync(OfToken(visitor)) : null;
            case ofIssuer:
                return signIn.IsOn && Same(visitor.FindFirstValue(mark), MarkOfIssuer) ? await callers.NowAsync(OfToken(visitor)) : null;
            default:
                var id = visitor.FindFirstValue(ClaimTypes.NameIdentifier);
                return services.GetService<KeyRing>() is { } ring
                    && (await ring.AllAsync()).Keys.FirstOrDefault(one => one.Id == id) is { } stored
                        && IsTaken(stored, visitor.FindFirstValue(mark)) ? await callers.OfKeyAsync(stored) : null;
        }
    }

    bool IsTaken(StoredKey key, string? shown)
    {
        var now = clock.Now;
        if (key.RevokedAtMillis is not null || StoredKey.At(key.ExpiresAtMillis) <= now) return false;
        return Same(shown, MarkOf(key.Hash))
            || (key.PreviousHash is { } previous && StoredKey.At(key.PreviousUntilMillis) > now && Same(shown, MarkOf(previous)));
    }

    static Caller OfToken(ClaimsPrincipal visitor) => new(
        visitor.FindFirstValue(ClaimTypes.NameIdentifier)!, visitor.FindFirstValue(ClaimTypes.Name)!,
        visitor.FindAll(rights).Aggregate(Right.None, (sum, claim) => sum | (Rights.Of(claim.Value) ?? Right.None)),
        new([.. visitor.FindAll(accounts).Select(claim => claim.Value)]))
    {
        ExpiresAt = EndOf(visitor),
        Tenant = visitor.FindFirstValue(tenant)?.Split(' ') is [var id, var since]
            ? new(id, long.Parse(since, CultureInfo.InvariantCulture)) : null,
        IsWholeTenant = visitor.HasClaim(wholeTenant, "yes"),
    };

    static Instant? EndOf(ClaimsPrincipal visitor) => visitor.FindFirstValue(ends) is { } text
        ? Instant.FromUnixTimeMilliseconds(long.Parse(text, CultureInfo.InvariantCulture)) : null;

    /// <summary>Tells one key from another without being one: a visit ends where its key is changed.</summary>
    static string MarkOf(string secret) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("visit:" + secret)).AsSpan(0, 16));

    static bool Same(string? one, string other) =>
        one is not null && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(one), Encoding.ASCII.GetBytes(other));

    /// <summary>Whether a request is one of a person who looks at pages.</summary>
    public static bool IsPage(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<PageNote>() is not null || http.Request.Path.StartsWithSegments("/_blazor");

    /// <summary>Lets a visitor of a page in; true where that was not possible, and the request is answered.</summary>
    public async Task<bool> TurnsAwayAsync(HttpContext http)
    {
        Protect(http.Response.Headers);
        if (http.Request.Headers.Origin is { Count: > 0 } origin && !Origins.IsOwn(origin, http.Request.Host))
        {
            await Problems.WriteAsync(http, Problems.ForeignOrigin, null, "pages of other origins can not use the dashboard");
            return true;
        }
        if (access.IsNeeded || http.Request.Cookies.ContainsKey(CookieName))
            http.User = (await http.AuthenticateAsync(Scheme)).Principal ?? new ClaimsPrincipal(new ClaimsIdentity());
        else http.User = new(new ClaimsIdentity());
        if (await CallerOfAsync(http.User) is { } caller) http.Features.Set(caller);
        else if (http.GetEndpoint()?.Metadata.GetMetadata<PageNote>() is not { IsOpen: true }) return await SendToSignInAsync(http);
        return false;
    }

    public const string CookieName = "purser-visit";

    static async Task<bool> SendToSignInAsync(HttpContext http)
    {
        if (!HttpMethods.IsGet(http.Request.Method) || !WantsPage(http.Request))
        {
            await Problems.WriteAsync(http, Problems.Unauthorized, null, "sign in first");
            return true;
        }
        // A link on a page of another site brings no cookie of ours; a step from here on does.
        if (http.Request.Headers["Sec-Fetch-Site"] == "cross-site")
        {
            http.Response.ContentType = "text/html; charset=utf-8";
            await http.Response.WriteAsync("<!doctype html><title>Purser</title><link rel=\"icon\" href=\"data:,\"><meta http-equiv=\"refresh\" content=\"0\">");
            return true;
        }
        http.Response.Redirect("/sign-in?to=" + Uri.EscapeDataString(http.Request.Path + http.Request.QueryString));
        return true;
    }

    /// <summary>Whether somebody reads the answer, and not a program.</summary>
    public static bool WantsPage(HttpRequest request) =>
        request.Headers.Accept.Any(accept => accept?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>Scripts, styles and connections are this host's own; nothing is framed, and nothing is kept by others.</summary>
    static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
            + "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // Without any, browsers call the origin of our own forms "null".
        headers["Referrer-Policy"] = "same-origin";
    }
}
