// Signing in at an issuer (OpenID Connect): a browser is sent there and comes back with a code, which this host changes for a token that
// says
// who it is. Of the token the visit keeps what the claims say; the token itself is kept nowhere.
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Purser.Api.Access;

namespace Purser.Api.Pages;

static partial class IssuerSignIn
{
    public const string Scheme = "issuer";

    /// <summary>Where a browser begins, where the issuer sends it back to, and the same for signing out there.</summary>
    const string begin = "/sign-in/issuer", back = "/sign-in/issuer/back", end = "/sign-out/issuer", ended = "/sign-out/issuer/back";

    public static void Configure(OpenIdConnectOptions connect, SignInOptions options, AccessOptions access)
    {
        (connect.Authority, connect.ClientId, connect.ClientSecret) = (access.JwtAuthority, options.Client, options.Secret);
        connect.RequireHttpsMetadata = access.JwtAuthority?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ?? true;
        // The code comes back in an address, so that cookies may be such that a step from another site brings, and no more than that.
        (connect.ResponseType, connect.ResponseMode, connect.UsePkce) =
            (OpenIdConnectResponseType.Code, OpenIdConnectResponseMode.Query, true);
        (connect.CallbackPath, connect.SignedOutCallbackPath, connect.RemoteSignOutPath) = (back, ended, default);
        (connect.SignInScheme, connect.SignOutScheme) = (Visits.Scheme, Visits.Scheme);
        (connect.SaveTokens, connect.GetClaimsFromUserInfoEndpoint, connect.MapInboundClaims) = (false, false, false);
        connect.Scope.Clear();
        foreach (var scope in options.Scopes) connect.Scope.Add(scope);
        foreach (var cookie in (CookieBuilder[])[connect.CorrelationCookie, connect.NonceCookie])
        {
            (cookie.SameSite, cookie.HttpOnly, cookie.SecurePolicy) = (SameSiteMode.Lax, true, PolicyOf(options));
            cookie.Path = begin;
        }
        TokenAuthentication.Check(connect.TokenValidationParameters, access.JwtIssuer);
        connect.Events = new()
        {
            OnRedirectToIdentityProvider = redirect =>
            {
                if (options.Address is { } address) redirect.ProtocolMessage.RedirectUri = address + back;
                return Task.CompletedTask;
            },
            OnRedirectToIdentityProviderForSignOut = redirect =>
            {
                // Who signs out is told by the issuer's own cookie; the token that would say it is not kept.
                redirect.ProtocolMessage.ClientId = options.Client;
                if (options.Address is { } address) redirect.ProtocolMessage.PostLogoutRedirectUri = address + ended;
                return Task.CompletedTask;
            },
            OnTokenValidated = validated => LetInAsync(validated, access),
            OnAccessDenied = denied => TurnAway(denied, "denied", "access_denied"),
            OnRemoteFailure = failed => TurnAway(failed, failed.Failure is NoRightsException none ? none.Why : "issuer",
                failed.Failure?.Message ?? "no reason was given"),
        };
    }

    /// <summary>Cookies go over TLS alone where browsers come by it.</summary>
    public static CookieSecurePolicy PolicyOf(SignInOptions options) =>
        options.Address?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) == true ? CookieSecurePolicy.Always
            : CookieSecurePolicy.SameAsRequest;

    /// <summary>The token is right, but lets nobody in here.</summary>
    sealed class NoRightsException(string why, string message) : Exception(message)
    {
        public string Why => why;
    }

    static async Task LetInAsync(TokenValidatedContext validated, AccessOptions access)
    {
        var services = validated.HttpContext.RequestServices;
        var caller = await TokenAuthentication.CallerOfAsync(
            [.. validated.Principal!.Claims], validated.SecurityToken.ValidTo, access, services.GetRequiredService<Callers>());
        if (caller is null)
            validated.Fail(new NoRightsException("tenant", $"the claim `{access.JwtTenantClaim}` names no tenant of this service"));
        else if (caller.Rights == Right.None)
            validated.Fail(new NoRightsException("rights", $"the claim `{access.JwtRightsClaim}` of '{caller.Id}' has no right"));
        else validated.Principal = services.GetRequiredService<Visits>().TicketOfIssuer(caller, NameOf(validated.Principal!, caller.Name));
    }

    /// <summary>What people know somebody by; subjects are often numbers.</summary>
    static string NameOf(ClaimsPrincipal person, string otherwise)
    {
        var name = ((string[])["preferred_username", "email", "name"]).Select(person.FindFirstValue)
            .FirstOrDefault(one => !string.IsNullOrWhiteSpace(one)) ?? otherwise;
        return name[..Math.Min(name.Length, Core.Validity.LongestName)];
    }

    static Task TurnAway<T>(HandleRequestContext<T> context, string why, string reason) where T : AuthenticationSchemeOptions
    {
        TurnedAway(context.HttpContext.RequestServices.GetRequiredService<ILogger<Visits>>(), reason.ReplaceLineEndings(" "));
        context.Response.Redirect("/sign-in?why=" + why);
        context.HandleResponse();
        return Task.CompletedTask;
    }

    [LoggerMessage(LogLevel.Warning, "Somebody came back from the issuer and was not let in: {Reason}")]
    static partial void TurnedAway(ILogger log, string reason);

    [LoggerMessage(LogLevel.Warning, "The issuer can not be asked for its addresses, so nobody can sign in there: {Reason}")]
    static partial void NotReached(ILogger log, string reason);

    public static void Map(WebApplication app)
    {
        app.MapGet(begin, (RequestDelegate)BeginAsync).WithMetadata(new PageNote(IsOpen: true));
        app.MapGet(end, (RequestDelegate)EndAsync).WithMetadata(new PageNote(IsOpen: true));
    }

    static async Task BeginAsync(HttpContext http)
    {
        var to = DashboardHost.PlaceOf(http.Request.Query["to"].ToString());
        if (await ConfigurationAsync(http) is null) http.Response.Redirect("/sign-in?why=away&to=" + Uri.EscapeDataString(to));
        else await http.ChallengeAsync(Scheme, new() { RedirectUri = to });
    }

    /// <summary>Ends the visit at the issuer, too, where that has an address for it.</summary>
    static async Task EndAsync(HttpContext http)
    {
        if (await ConfigurationAsync(http) is not { EndSessionEndpoint.Length: > 0 }) http.Response.Redirect("/sign-in");
        else await http.SignOutAsync(Scheme, new() { RedirectUri = "/sign-in" });
    }

    /// <summary>What the issuer says of itself; null where it does not answer.</summary>
    static async Task<OpenIdConnectConfiguration?> ConfigurationAsync(HttpContext http)
    {
        var connect = http.RequestServices.GetRequiredService<IOptionsMonitor<OpenIdConnectOptions>>().Get(Scheme);
        try
        {
            return await connect.ConfigurationManager!.GetConfigurationAsync(http.RequestAborted);
        }
        catch (InvalidOperationException unreachable)
        {
            NotReached(http.RequestServices.GetRequiredService<ILogger<Visits>>(), unreachable.Message.ReplaceLineEndings(" "));
            return null;
        }
    }
}
